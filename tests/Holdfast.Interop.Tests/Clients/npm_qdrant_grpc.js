// npm's @qdrant/js-client-grpc against Holdfast: argument one are the gRPC ports of the nodes, with commas between; every write goes through one node and is read through all.
// NODE_PATH names the folder of the module. Ends with "all passed"; anything else is a failure.
const assert = require('node:assert/strict');
const { QdrantClient } = require('@qdrant/js-client-grpc');

const clients = process.argv[2].split(',').map(port => new QdrantClient({ host: '127.0.0.1', port: Number(port), https: false, checkCompatibility: false }));
const writer = clients[0];
const last = clients[clients.length - 1];
const num = id => ({ pointIdOptions: { case: 'num', value: BigInt(id) } });
const dense = data => ({ vector: { case: 'dense', value: { data } } });
const one = data => ({ vectorsOptions: { case: 'vector', value: dense(data) } });
const nearest = data => ({ variant: { case: 'nearest', value: { variant: { case: 'dense', value: { data } } } } });
const text = value => ({ kind: { case: 'stringValue', value } });
const whole = value => ({ kind: { case: 'integerValue', value: BigInt(value) } });
const field = (key, match) => ({ conditionOneOf: { case: 'field', value: { key, match: { matchValue: match } } } });
const ids = points => points.map(point => Number(point.id.pointIdOptions.value));
const refused = async (promise, code, words) => {
    const error = await promise.then(() => assert.fail(`was not refused: ${words}`), failure => failure);
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(words), `${error.message} does not say "${words}"`);
};

async function run() {
    assert.equal((await writer.api('service').healthCheck({})).version, '1.18.0');
    await refused(writer.api('collections').get({ collectionName: 'cities' }), 5, "doesn't exist");
    const params = { size: 4n, distance: 1 };
    assert.equal((await writer.api('collections').create({ collectionName: 'cities', shardNumber: 2, vectorsConfig: { config: { case: 'params', value: params } } })).result, true);
    await refused(last.api('collections').create({ collectionName: 'cities', vectorsConfig: { config: { case: 'params', value: params } } }), 6, 'already exists');
    const cities = ['Berlin', 'London', 'Moscow', 'New York', 'Beijing', 'Mumbai'];
    const vectors = [[0.05, 0.61, 0.76, 0.74], [0.19, 0.81, 0.75, 0.11], [0.36, 0.55, 0.47, 0.94], [0.18, 0.01, 0.85, 0.80], [0.24, 0.18, 0.22, 0.44], [0.35, 0.08, 0.11, 0.44]];
    const points = cities.map((city, at) => ({ id: num(at + 1), vectors: one(vectors[at]), payload: { city: text(city), rank: whole(at) } }));
    assert.equal((await last.api('points').upsert({ collectionName: 'cities', wait: true, points })).result.status, 2);
    await writer.api('points').createFieldIndex({ collectionName: 'cities', fieldName: 'city', fieldType: 0 });
    await writer.api('collections').updateAliases({ actions: [{ action: { case: 'createAlias', value: { collectionName: 'cities', aliasName: 'towns' } } }] });
    await writer.api('collections').create({ collectionName: 'several', vectorsConfig: { config: { case: 'paramsMap', value: { map: { first: { size: 2n, distance: 3 } } } } } });
    assert.equal((await writer.api('points').createVectorName({ collectionName: 'several', vectorName: 'late', wait: true, vectorConfig: { case: 'denseConfig', value: { size: 2n, distance: 3 } } })).result.status, 2);
    const late = (id, data) => ({ id: num(id), vectors: { vectorsOptions: { case: 'vectors', value: { vectors: { late: dense(data) } } } } });
    const wrote = await writer.api('points').upsert({ collectionName: 'several', points: [late(1, [1, 2]), late(2, [2, 1])] });
    assert.equal(wrote.usage.hardware.vectorIoWrite, 16n);
    const raw = data => ({ variant: { case: 'dense', value: { data } } });
    const feedback = { target: raw([1, 1]), feedback: [{ example: raw([0, 1]), score: 1 }, { example: raw([1, 0]), score: 0 }], strategy: { variant: { case: 'naive', value: { a: 0, b: 1, c: 1 } } } };
    const judged = (await writer.api('points').query({ collectionName: 'several', using: 'late', query: { variant: { case: 'relevanceFeedback', value: feedback } } })).result;
    assert.deepEqual(judged.map(point => [Number(point.id.pointIdOptions.value), point.score]), [[1, 1], [2, -1]]);
    await writer.api('points').deleteVectorName({ collectionName: 'several', vectorName: 'late' });
    await refused(writer.api('points').query({ collectionName: 'several', using: 'late', query: nearest([1, 0]) }), 3, 'Not existing vector name');
    await writer.api('collections').delete({ collectionName: 'several' });
    for (const client of clients) {
        const [collections, api] = [client.api('collections'), client.api('points')];
        assert.deepEqual((await collections.list({})).collections.map(each => each.name), ['cities']);
        const info = (await collections.get({ collectionName: 'towns' })).result;
        assert.equal(info.config.params.vectorsConfig.config.value.size, 4n);
        assert.equal(info.pointsCount, 6n);
        assert.equal(info.payloadSchema.city.dataType, 1);
        const wanted = { case: 'enable', value: true };
        const found = (await api.query({ collectionName: 'towns', query: nearest([0.2, 0.1, 0.9, 0.7]), limit: 3n, withPayload: { selectorOptions: wanted }, withVectors: { selectorOptions: wanted } })).result;
        assert.deepEqual(ids(found), [4, 1, 5]);
        assert.equal(found[0].payload.city.kind.value, 'New York');
        assert.equal(found[0].vectors.vectorsOptions.value.vector.value.data.length, 4);
        const filter = { must: [field('city', { case: 'keywords', value: { strings: ['London', 'Moscow'] } })] };
        assert.deepEqual(ids((await api.search({ collectionName: 'cities', vector: [0.2, 0.1, 0.9, 0.7], limit: 2n, filter })).result), [3, 2]);
        assert.equal((await api.count({ collectionName: 'cities', exact: true, filter })).result.count, 2n);
        const prefetch = [{ query: nearest([0.2, 0.1, 0.9, 0.7]), limit: 3n }, { query: nearest([0.35, 0.08, 0.11, 0.44]), limit: 3n }];
        assert.equal((await api.query({ collectionName: 'cities', prefetch, query: { variant: { case: 'fusion', value: 0 } }, limit: 2n })).result.length, 2);
        assert.equal((await api.queryBatch({ collectionName: 'cities', queryPoints: [{ collectionName: 'cities', query: nearest([1, 0, 0, 0]), limit: 1n }, { collectionName: 'cities', query: nearest([0, 1, 0, 0]), limit: 2n }] })).result[1].result.length, 2);
        assert.deepEqual((await api.facet({ collectionName: 'cities', key: 'city', limit: 10n })).hits.length, 6);
        const page = await api.scroll({ collectionName: 'cities', limit: 4, withPayload: { selectorOptions: wanted } });
        assert.deepEqual(ids(page.result), [1, 2, 3, 4]);
        assert.equal(page.nextPageOffset.pointIdOptions.value, 5n);
    }
    await writer.api('points').setPayload({ collectionName: 'cities', payload: { visited: { kind: { case: 'boolValue', value: true } } }, pointsSelector: { pointsSelectorOneOf: { case: 'points', value: { ids: [num(1)] } } } });
    await last.api('points').delete({ collectionName: 'cities', wait: true, points: { pointsSelectorOneOf: { case: 'filter', value: { mustNot: [field('visited', { case: 'boolean', value: true })] } } } });
    for (const client of clients) assert.equal((await client.api('points').count({ collectionName: 'cities' })).result.count, 1n);
    await refused(writer.api('points').upsert({ collectionName: 'cities', points: [{ id: num(9), vectors: one([1, 2, 3]) }] }), 3, 'expected dim: 4, got 3');
    assert.equal((await last.api('collections').collectionClusterInfo({ collectionName: 'cities' })).shardCount, 2n);
    const snapshot = (await writer.api('snapshots').create({ collectionName: 'cities' })).snapshotDescription;
    assert.deepEqual((await writer.api('snapshots').list({ collectionName: 'cities' })).snapshotDescriptions.map(each => each.name), [snapshot.name]);
    await writer.api('snapshots').delete({ collectionName: 'cities', snapshotName: snapshot.name });
    assert.equal((await last.api('collections').delete({ collectionName: 'cities' })).result, true);
    console.log('all passed');
}

run().catch(failure => { console.error(failure); process.exit(1); });
