// npm's @langchain/qdrant against Holdfast: argument one are the REST ports of the nodes, with commas between; documents go in through the first node and are found through all.
// NODE_PATH names the folder of the modules. Ends with "all passed"; anything else is a failure.
const assert = require('node:assert/strict');
const { QdrantVectorStore } = require('@langchain/qdrant');
const { Document } = require('@langchain/core/documents');

// Letters counted: the same text gives the same vector, and nothing is downloaded.
const embed = text => {
    const counts = new Array(26).fill(0);
    for (const letter of text.toLowerCase()) if (letter >= 'a' && letter <= 'z') counts[letter.charCodeAt(0) - 97]++;
    return counts;
};
const embeddings = { embedQuery: async text => embed(text), embedDocuments: async texts => texts.map(embed) };

async function run() {
    const ports = process.argv[2].split(',');
    const stores = ports.map(port => new QdrantVectorStore(embeddings, { url: `http://127.0.0.1:${port}`, collectionName: 'documents' }));
    await stores[0].ensureCollection();
    const documents = ['a quick brown fox', 'zzz zzz', 'the lazy dog sleeps', 'quick quick fox'].map((pageContent, at) => new Document({ pageContent, metadata: { at, even: at % 2 === 0 } }));
    await stores[0].addDocuments(documents);
    for (const store of stores) {
        assert.deepEqual((await store.similaritySearch('zzz', 1)).map(found => found.pageContent), ['zzz zzz']);
        const [[best, score]] = await store.similaritySearchWithScore('a quick brown fox', 1);
        assert.equal(best.metadata.at, 0);
        assert.ok(score > 0.999);
        const even = await store.similaritySearch('quick fox', 4, { must: [{ key: 'metadata.even', match: { value: true } }] });
        assert.deepEqual(even.map(found => found.metadata.at).sort(), [0, 2]);
        assert.equal((await store.maxMarginalRelevanceSearch('quick fox', { k: 2, fetchK: 4 })).length, 2);
    }
    await stores.at(-1).delete({ filter: { must: [{ key: 'metadata.even', match: { value: true } }] } });
    for (const store of stores) assert.equal((await store.similaritySearch('quick', 10)).length, 2);
    console.log('all passed');
}

run().catch(failure => { console.error(failure); process.exit(1); });
