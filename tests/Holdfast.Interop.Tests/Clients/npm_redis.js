// npm's redis (node-redis) in cluster mode, RESP3 as it is by default, against three nodes of Holdfast: redis_cluster.js says what the arguments are. NODE_PATH names the folder of the module. Ends with "all passed".
const { createCluster, defineScript, BasicPooledClientSideCache, VerbatimString } = require('redis');
const slotOf = require('cluster-key-slot');
const { assert, ports, nodes, kill, until, soon, refused, Writers, play } = require('./redis_cluster.js');

const parse = (parser, key, ...words) => {
    parser.pushKey(key);
    words.forEach(word => parser.push(`${word}`));
};
const add = { NUMBER_OF_KEYS: 1, parseCommand: parse, transformReply: undefined };
const open = options => {
    const made = createCluster({ rootNodes: nodes.map(socket => ({ socket })), topologyRefreshOnReconnectionAttemptStrategy: 100, ...options });
    made.on('error', () => { /* The client says that a node is gone; what was asked of it says so too. */ });
    return made.connect();
};
let cluster;
const keyOn = node => [...Array(1000).keys()].map(number => `on:${number}`).find(key => cluster.slots[slotOf(key)].master.port === ports[node]);

async function discovery() {
    cluster = await open({
        scripts: { addTwice: defineScript({ ...add, SCRIPT: "redis.call('incrby', KEYS[1], ARGV[1]) return redis.call('incrby', KEYS[1], ARGV[1])" }) },
        functions: { nodelib: { node_add: add } },
    });
    assert.deepEqual(cluster.masters.map(master => master.port).sort(), [...ports].sort());
    for (let node = 0; node < 3; node++) assert.ok(keyOn(node), `node ${node} leads nothing`);
    const readers = await open({ useReplicas: true });
    assert.ok(readers.slots.every(shard => shard.replicas.length === 0), 'a master is shown as a replica of another');
    await cluster.set('read by anybody', 'yes');
    for (let i = 0; i < 30; i++) assert.equal(await readers.get('read by anybody'), 'yes');
    readers.destroy();
}

async function data() {
    for (let i = 0; i < 60; i++) assert.equal(await cluster.set(`key${i}`, `value${i}`, { expiration: { type: 'EX', value: 1000 } }), 'OK');
    for (let i = 0; i < 60; i++) assert.equal(await cluster.get(`key${i}`), `value${i}`);
    assert.equal(await cluster.set('key1', 'other', { condition: 'NX' }), null);
    assert.deepEqual(await cluster.mGet(['key1', 'key2', 'none', 'key3']), ['value1', 'value2', null, 'value3']);
    assert.equal(await cluster.mSet({ many1: '1', many2: '2', many3: '3' }), 'OK');
    assert.equal(await cluster.exists(['many1', 'many2', 'many3', 'many4']), 3);
    assert.equal(await cluster.del(['many1', 'many2', 'many3', 'many4']), 3);
    await cluster.hSet('hash', { name: 'Ann', age: 42 });
    assert.deepEqual({ ...await cluster.hGetAll('hash') }, { name: 'Ann', age: '42' });
    await cluster.zAdd('scores', [{ value: 'a', score: 1.5 }, { value: 'b', score: Infinity }]);
    assert.deepEqual((await cluster.zRangeWithScores('scores', 0, -1)).map(pair => ({ ...pair })), [{ value: 'a', score: 1.5 }, { value: 'b', score: Infinity }]);
    assert.equal(await cluster.sIsMember('none', 'x'), 0);
    const id = await cluster.xAdd('stream', '*', { field: 'value' });
    const [{ name, messages: [entry] }] = await cluster.xRead({ key: 'stream', id: '0' });
    assert.deepEqual([name, entry.id, { ...entry.message }], ['stream', id, { field: 'value' }]);
    await refused(cluster.incr('key1'), 'not an integer');
    await refused(cluster.sUnion(['key1', 'key2']), 'CROSSSLOT');
    assert.ok((await (await cluster.nodeClient(cluster.masters[0])).info()).includes('redis_mode:cluster'));
    assert.ok(VerbatimString, 'the client knows the strings of RESP3');
}

async function everyNode() {
    await cluster.flushAll();
    await Promise.all([...Array(300).keys()].map(i => cluster.set(`scan:${i}`, `${i}`)));
    assert.equal(await cluster.dbSize(), 300);
    assert.equal((await cluster.keys('scan:1*')).length, 111);
    const found = [];
    let cursor = '0';
    do {
        const part = await cluster.scan(cursor, { MATCH: 'scan:*', COUNT: 20 });
        found.push(...part.keys);
        cursor = part.cursor;
    } while (cursor !== '0');
    assert.equal(found.length, 300);
    assert.equal(new Set(found).size, 300);
    for (const master of cluster.masters) {
        const client = await cluster.nodeClient(master);
        let seen = 0;
        for await (const keys of client.scanIterator({ MATCH: 'scan:*' })) seen += keys.length;
        assert.equal(seen, await client.dbSize());
    }
}

async function transactions() {
    assert.deepEqual(await cluster.multi().set('{m}a', '1').incr('{m}a').hSet('{m}h', 'f', 'v').hGetAll('{m}h').exec().then(replies => [...replies.slice(0, 3), { ...replies[3] }]), ['OK', 2, 1, { f: 'v' }]);
    const failing = await cluster.multi().set('{m}a', 'x').incr('{m}a').exec().then(() => null, error => error);
    assert.match(failing.replies?.[1].message ?? `${failing}`, /not an integer/);
    assert.deepEqual(await cluster.multi().set('{m}a', '1').get('{m}a').execAsPipeline(), ['OK', '1']);
    const key = keyOn(1);
    const line = await (await cluster.nodeClient(cluster.slots[slotOf(key)].master)).duplicate().connect();
    await line.watch(key);
    await cluster.set(key, 'changed');
    await refused(line.multi().set(key, 'mine').exec(), 'watched');
    await line.watch(key);
    assert.deepEqual(await line.multi().set(key, 'mine').get(key).exec(), ['OK', 'mine']);
    line.destroy();
}

async function scripts() {
    assert.equal(await cluster.addTwice('script', 5), 10);
    assert.equal(await cluster.addTwice('script', 5), 20);
    const first = await cluster.nodeClient(cluster.masters[0]);
    await first.functionLoad("#!lua name=nodelib\nredis.register_function('node_add', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)", { REPLACE: true });
    for (let node = 0; node < 3; node++) {
        const key = keyOn(node);
        await cluster.set(key, '0');
        await until(() => cluster.nodelib.node_add(key, 7).then(reply => reply >= 7, () => false), 'the function on every node');
    }

    assert.deepEqual((await first.functionList()).map(library => library.library_name), ['nodelib']);
}

async function messages() {
    const heard = [];
    const hear = kind => (message, channel) => heard.push(`${kind} ${channel} ${message}`);
    const listener = await open();
    await listener.subscribe('news', hear('message'));
    await listener.pSubscribe('weather.*', hear('pmessage'));
    await listener.sSubscribe('shard', hear('smessage'));
    await until(async () => await cluster.sPublish('shard', 'first') === 1, 'the subscriber of a shard channel');
    for (const master of cluster.masters) await (await cluster.nodeClient(master)).publish('news', `from ${master.port}`);
    await cluster.publish('weather.sea', 'calm');
    const expected = [...ports.map(port => `message news from ${port}`), 'pmessage weather.sea calm', 'smessage shard first'];
    await until(() => expected.every(line => heard.includes(line)), `messages: ${heard}`);
    assert.equal(heard.length, expected.length, `${heard}`);
    await listener.sUnsubscribe('shard');
    await listener.unsubscribe('news');
    listener.destroy();
}

async function waiting() {
    const waiter = await open();
    const popped = waiter.blPop('queue', 0);
    await cluster.rPush('queue', 'task');
    assert.deepEqual({ ...await soon(popped, 'BLPOP') }, { key: 'queue', element: 'task' });
    assert.equal(await waiter.blPop('queue', 0.05), null);
    await cluster.xGroupCreate('work', 'group', '$', { MKSTREAM: true });
    const read = waiter.xReadGroup('group', 'ann', { key: 'work', id: '>' }, { BLOCK: 0 });
    const id = await cluster.xAdd('work', '*', { job: '1' });
    assert.equal((await soon(read, 'XREADGROUP'))[0].messages[0].id, id);
    assert.equal(await cluster.xAck('work', 'group', id), 1);
    waiter.destroy();
}

async function caching() {
    const cache = new BasicPooledClientSideCache({ ttl: 0, maxEntries: 1000, evictPolicy: 'LRU' });
    const cached = await open({ clientSideCache: cache });
    await cluster.set('cached', 'one');
    assert.equal(await cached.get('cached'), 'one');
    for (let i = 0; i < 10; i++) assert.equal(await cached.get('cached'), 'one');
    assert.equal(cache.stats().hitCount, 10);
    for (const value of ['two', 'three', 'four']) {
        await cluster.set('cached', value);
        await until(async () => await cached.get('cached') === value, `the cache to hear of ${value}`);
    }

    await cluster.del('cached');
    await until(async () => await cached.get('cached') === null, 'the cache to hear of a deletion');
    cached.destroy();
}

async function failover() {
    const cache = new BasicPooledClientSideCache({ ttl: 0, maxEntries: 1000, evictPolicy: 'LRU' });
    const cached = await open({ clientSideCache: cache });
    const key = keyOn(0);
    await cluster.set(key, 'before');
    assert.equal(await cached.get(key), 'before');
    const writers = new Writers((name, value) => soon(cluster.set(name, value), 'SET'));
    await writers.each(100);
    kill(0);
    await writers.each(500);
    let refusal;
    await until(() => cluster.set(key, 'after').then(() => true, error => { refusal = error; return false; }), () => `a write to the slots of the dead node: ${refusal}`);
    await until(() => cached.get(key).then(value => value === 'after', () => false), 'the cache to forget what the dead node told');
    await writers.check(name => cluster.get(name));
    cached.destroy();
}

play([discovery, data, everyNode, transactions, scripts, messages, waiting, caching, failover]);
