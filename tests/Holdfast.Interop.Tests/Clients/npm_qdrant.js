// npm's @qdrant/js-client-rest against Holdfast: argument one are the REST ports of the nodes, with commas between; every write goes through one node and is read through all.
// NODE_PATH names the folder of the module. Ends with "all passed"; anything else is a failure.
const assert = require('node:assert/strict');
const { QdrantClient } = require('@qdrant/js-client-rest');

const warnings = [];
console.warn = text => warnings.push(text);
const clients = process.argv[2].split(',').map(port => new QdrantClient({ host: '127.0.0.1', port: Number(port), https: false }));
const writer = clients[0];
const last = clients[clients.length - 1];
const ids = points => points.map(point => point.id);
const refused = async (promise, status, text) => {
    const error = await promise.then(() => assert.fail(`was not refused: ${text}`), failure => failure);
    assert.equal(error.status, status, `${error.message} ${JSON.stringify(error.data)}`);
    assert.ok(JSON.stringify(error.data).includes(text), `${JSON.stringify(error.data)} does not say "${text}"`);
};

async function collections() {
    await refused(writer.getCollection('cities'), 404, "doesn't exist");
    assert.equal(await writer.createCollection('cities', { vectors: { size: 4, distance: 'Cosine' }, shard_number: 2, replication_factor: 1, write_consistency_factor: 1 }), true);
    await refused(last.createCollection('cities', { vectors: { size: 4, distance: 'Cosine' } }), 409, 'already exists');
    for (const client of clients) {
        assert.equal((await client.collectionExists('cities')).exists, true);
        assert.deepEqual((await client.getCollections()).collections, [{ name: 'cities' }]);
        assert.equal((await client.getCollection('cities')).config.params.vectors.size, 4);
    }
}

async function points() {
    const cities = ['Berlin', 'London', 'Moscow', 'New York', 'Beijing', 'Mumbai'];
    const vectors = [[0.05, 0.61, 0.76, 0.74], [0.19, 0.81, 0.75, 0.11], [0.36, 0.55, 0.47, 0.94], [0.18, 0.01, 0.85, 0.80], [0.24, 0.18, 0.22, 0.44], [0.35, 0.08, 0.11, 0.44]];
    const written = await last.upsert('cities', { wait: true, points: cities.map((city, at) => ({ id: at + 1, vector: vectors[at], payload: { city, rank: at } })) });
    assert.equal(written.status, 'completed');
    for (const client of clients) {
        assert.deepEqual(ids((await client.query('cities', { query: [0.2, 0.1, 0.9, 0.7], limit: 3 })).points), [4, 1, 5]);
        assert.deepEqual(ids(await client.search('cities', { vector: [0.2, 0.1, 0.9, 0.7], limit: 2, filter: { must: [{ key: 'city', match: { any: ['London', 'Moscow'] } }] } })), [3, 2]);
        const [point] = await client.retrieve('cities', { ids: [2], with_vector: true });
        assert.deepEqual(point.payload, { city: 'London', rank: 1 });
        assert.ok(Math.abs(point.vector.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
        assert.equal((await client.count('cities', { exact: true })).count, 6);
        const page = await client.scroll('cities', { limit: 4, with_payload: ['city'] });
        assert.deepEqual(ids(page.points), [1, 2, 3, 4]);
        assert.equal(page.next_page_offset, 5);
    }
    await writer.setPayload('cities', { payload: { visited: true }, points: [1, 3] });
    await writer.overwritePayload('cities', { payload: { only: 1 }, points: [2] });
    await writer.deletePayload('cities', { keys: ['rank'], filter: { must: [{ key: 'visited', match: { value: true } }] } });
    await writer.clearPayload('cities', { points: [6] });
    for (const client of clients) assert.deepEqual((await client.retrieve('cities', { ids: [1, 2, 6] })).map(point => point.payload), [{ city: 'Berlin', visited: true }, { only: 1 }, {}]);
    await last.delete('cities', { wait: true, filter: { must_not: [{ has_id: [1, 2] }] } });
    for (const client of clients) assert.equal((await client.count('cities')).count, 2);
    // Who does not wait is told less, and has as much. A path is one from the collection's first moment on.
    assert.equal((await writer.createPayloadIndex('cities', { field_name: 'city', field_schema: 'keyword', wait: false })).status, 'acknowledged');
    for (const client of clients) assert.equal((await client.getCollection('cities')).payload_schema.city.points, 1);
    await writer.createCollection('paths', { vectors: { size: 1, distance: 'Dot' } });
    await writer.upsert('paths', { points: [{ id: 1, vector: [1], payload: { a: [{ b: 1 }, { b: 2 }] } }] });
    await writer.setPayload('paths', { payload: { c: 3 }, key: 'a[0]', points: [1] });
    for (const client of clients) assert.deepEqual((await client.retrieve('paths', { ids: [1] }))[0].payload, { a: [{ b: 1, c: 3 }, { b: 2 }] });
    await writer.deleteCollection('paths');
    await refused(writer.upsert('cities', { points: [{ id: 9, vector: [1, 2, 3] }] }), 400, 'expected dim: 4, got 3');
}

async function named() {
    await writer.createCollection('named', { vectors: { image: { size: 3, distance: 'Euclid' }, text: { size: 2, distance: 'Dot' } } });
    const uuid = '5c56c793-69f3-4fbf-87e6-c4bf54c28c26';
    await writer.upsert('named', { points: [{ id: uuid, vector: { image: [1, 2, 3], text: [1, 1] } }, { id: 7, vector: { image: [9, 9, 9] } }] });
    await writer.updateVectors('named', { points: [{ id: 7, vector: { text: [5, 5] } }] });
    for (const client of clients) {
        assert.deepEqual(ids(await client.search('named', { vector: { name: 'text', vector: [1, 1] }, limit: 5 })), [7, uuid]);
        assert.equal((await client.query('named', { query: [9, 9, 8], using: 'image', limit: 1 })).points[0].score, 1);
        assert.deepEqual((await client.query('named', { query: uuid, using: 'image' })).points.map(point => point.id), [7]);
    }
    await writer.deleteVectors('named', { points: [7], vector: ['text'] });
    for (const client of clients) assert.deepEqual(ids(await client.search('named', { vector: { name: 'text', vector: [1, 1] }, limit: 5 })), [uuid]);
}

// What the directory keeps is the same through every node, at the latest a moment later.
const soon = async holds => {
    for (const begun = Date.now(); !(await holds());) {
        assert.ok(Date.now() - begun < 10000, `did not come within ten seconds: ${holds}`);
        await new Promise(done => setTimeout(done, 20));
    }
};

// Vectors that a collection gets later and loses again, and what was judged relevant.
async function changing() {
    assert.equal((await writer.createVectorName('named', 'late', { dense: { size: 2, distance: 'Dot' } })).status, 'completed');
    await writer.createVectorName('named', 'words', { sparse: { modifier: 'idf' } });
    await writer.updateVectors('named', { points: [{ id: 7, vector: { late: [1, 2], words: { indices: [5], values: [1] } } }] });
    await writer.upsert('named', { points: [{ id: 8, vector: { late: [2, 1] } }, { id: 9, vector: { late: [3, 3] } }] });
    for (const client of clients) {
        await soon(async () => 'late' in (await client.getCollection('named')).config.params.vectors);
        assert.deepEqual(ids((await client.query('named', { query: [1, 0], using: 'late' })).points), [9, 8, 7]);
        assert.deepEqual(ids((await client.query('named', { query: { indices: [5], values: [1] }, using: 'words' })).points), [7]);
        assert.deepEqual(Object.keys((await client.retrieve('named', { ids: [7], with_vector: true }))[0].vector), ['image', 'late', 'words']);
        const judged = await client.query('named', { query: { relevance_feedback: { target: [1, 1], feedback: [{ example: [0, 1], score: 1 }, { example: [1, 0], score: 0 }], strategy: { naive: { a: 0, b: 1, c: 1 } } } }, using: 'late' });
        assert.deepEqual(judged.points.map(point => [point.id, point.score]), [[7, 1], [9, 0], [8, -1]]);
    }
    await writer.deleteVectorName('named', 'late');
    await writer.deleteVectorName('named', 'words');
    await refused(writer.query('named', { query: [1, 0], using: 'late' }), 400, 'Not existing vector name');
    for (const client of clients) {
        await soon(async () => !('late' in (await client.getCollection('named')).config.params.vectors));
        assert.deepEqual(Object.keys((await client.retrieve('named', { ids: [7], with_vector: true }))[0].vector), ['image']);
        assert.equal((await client.count('named')).count, 4);
    }
}

async function directory() {
    await writer.createCollection('tenants', { vectors: { size: 1, distance: 'Dot' }, sharding_method: 'custom', shard_number: 1 });
    await writer.createShardKey('tenants', { shard_key: 'eu' });
    await last.upsert('tenants', { shard_key: 'eu', points: [{ id: 1, vector: [1], payload: { kind: 'a' } }, { id: 2, vector: [2], payload: { kind: 'b' } }] });
    await writer.createShardKey('tenants', { shard_key: 7 });
    await writer.upsert('tenants', { shard_key: 7, points: [{ id: 3, vector: [3], payload: { kind: 'a' } }] });
    await last.updateCollection('tenants', { optimizers_config: { indexing_threshold: 123 }, strict_mode_config: { enabled: true, max_query_limit: 10 } });
    await writer.updateCollectionAliases({ actions: [{ create_alias: { collection_name: 'tenants', alias_name: 't' } }] });
    for (const client of clients) {
        await soon(async () => (await client.getCollection('t')).config.optimizer_config.indexing_threshold === 123);
        assert.equal((await client.count('t')).count, 3);
        assert.equal((await client.count('t', { shard_key: 'eu' })).count, 2);
        assert.deepEqual((await client.query('t', { query: [1], shard_key: ['eu', 7], limit: 2 })).points.map(point => [point.id, point.shard_key]), [[3, 7], [2, 'eu']]);
        await refused(client.scroll('t', { limit: 11 }), 400, 'Limit exceeded 11 > 10');
        assert.deepEqual((await client.facet('t', { key: 'kind' })).hits, [{ value: 'a', count: 2 }, { value: 'b', count: 1 }]);
        assert.equal((await client.queryGroups('t', { query: [1], group_by: 'kind', limit: 2, group_size: 1 })).groups.length, 2);
        assert.deepEqual((await client.scroll('t', { limit: 2, order_by: { key: 'id_that_is_not_there' } })).points, []);
    }
    const snapshot = await last.createSnapshot('tenants');
    assert.deepEqual((await last.listSnapshots('tenants')).map(each => each.name), [snapshot.name]);
    await writer.deleteShardKey('tenants', { shard_key: 7 });
    for (const client of clients) await soon(async () => (await client.count('t')).count === 2);
    await last.recoverSnapshot('tenants', { location: snapshot.name });
    for (const client of clients) await soon(async () => (await client.count('t')).count === 3);
    await writer.deleteCollection('tenants');
    for (const client of clients) await soon(async () => !(await client.collectionExists('t')).exists);
}

// More points than are searched without a graph: every node builds its own, and each finds what brute force finds.
async function graph() {
    const rows = 6000, size = 32;
    let state = 12345;
    const next = () => ((state = (state * 1103515245 + 12345) % 2147483648) / 2147483648) - 0.5;
    const vectors = Array.from({ length: rows }, () => Array.from({ length: size }, next));
    await writer.createCollection('many', { vectors: { size, distance: 'Euclid' } });
    for (let from = 0; from < rows; from += 500)
        await clients[from / 500 % clients.length].upsert('many', { points: vectors.slice(from, from + 500).map((vector, at) => ({ id: from + at, vector, payload: { parity: (from + at) % 2 } })) });
    for (const client of clients) {
        for (const begun = Date.now(); (await client.getCollection('many')).indexed_vectors_count < rows;) {
            assert.ok(Date.now() - begun < 120000, 'the graph was not built within two minutes');
            await new Promise(done => setTimeout(done, 100));
        }
        let hits = 0;
        for (let query = 0; query < 40; query++) {
            const asked = Array.from({ length: size }, next);
            const away = row => vectors[row].reduce((sum, x, at) => sum + (x - asked[at]) ** 2, 0);
            const truth = Array.from(vectors.keys()).filter(row => row % 2 === 1).sort((one, other) => away(one) - away(other)).slice(0, 10);
            const found = ids((await client.query('many', { query: asked, limit: 10, filter: { must: [{ key: 'parity', match: { value: 1 } }] } })).points);
            assert.equal(found.length, 10);
            hits += found.filter(id => truth.includes(id)).length;
        }
        assert.ok(hits >= 0.9 * 400, `recall ${hits / 400}`);
    }
}

async function run() {
    assert.ok((await writer.versionInfo()).version.startsWith('1.18'));
    await collections();
    await points();
    await named();
    await changing();
    await directory();
    await graph();
    for (const name of ['cities', 'named', 'many']) assert.equal(await last.deleteCollection(name), true);
    for (const client of clients) assert.deepEqual((await client.getCollections()).collections, []);
    assert.deepEqual(warnings, []);
    console.log('all passed');
}

run().catch(failure => { console.error(failure); process.exit(1); });
