// npm's ioredis in cluster mode against three nodes of Holdfast: redis_cluster.js says what the arguments are. NODE_PATH names the folder of the module. Ends with "all passed"; anything else is a failure.
const Redis = require('ioredis');
const slotOf = require('cluster-key-slot');
const { assert, ports, nodes, kill, until, soon, refused, Writers, play } = require('./redis_cluster.js');

const open = options => new Redis.Cluster(nodes, { slotsRefreshTimeout: 5000, ...options });
const cluster = open({ shardedSubscribers: true });
const keyOn = node => [...Array(1000).keys()].map(number => `on:${number}`).find(key => cluster.slots[slotOf(key)][0] === `127.0.0.1:${ports[node]}`);

async function discovery() {
    await soon(new Promise(done => cluster.status === 'ready' ? done() : cluster.once('ready', done)), 'the cluster to be ready');
    assert.equal(cluster.nodes('master').length, 3);
    assert.equal(cluster.slots.filter(owners => owners?.length === 1).length, 16384, 'a slot without its master, or a master that is shown as a replica of another');
    for (let node = 0; node < 3; node++) assert.ok(keyOn(node), `node ${node} leads nothing`);
}

async function data() {
    const bytes = Buffer.from([0, 1, 13, 10, 255]);
    await cluster.set('bytes', bytes);
    assert.deepEqual(await cluster.getBuffer('bytes'), bytes);
    for (let i = 0; i < 60; i++) assert.equal(await cluster.set(`key${i}`, `value${i}`, 'EX', 1000), 'OK');
    for (let i = 0; i < 60; i++) assert.equal(await cluster.get(`key${i}`), `value${i}`);
    await refused(cluster.mset('key1', 'a', 'key2', 'b'), 'CROSSSLOT');
    await refused(cluster.incr('key1'), 'ERR value is not an integer or out of range');
    assert.equal(await cluster.mset('{t}a', 1, '{t}b', 2), 'OK');
    assert.deepEqual(await cluster.mget('{t}a', '{t}b', '{t}c'), ['1', '2', null]);
    await cluster.hset('hash', { name: 'Ann', age: 42 });
    assert.deepEqual(await cluster.hgetall('hash'), { name: 'Ann', age: '42' });
    await cluster.zadd('scores', 1.5, 'a', 'inf', 'b');
    assert.deepEqual(await cluster.zrange('scores', 0, -1, 'WITHSCORES'), ['a', '1.5', 'b', 'inf']);
    const id = await cluster.xadd('stream', '*', 'field', 'value');
    assert.deepEqual(await cluster.xread('STREAMS', 'stream', '0'), [['stream', [[id, ['field', 'value']]]]]);
    const typed = open({ redisOptions: { replyMapping: 'resp3' } });
    assert.deepEqual({ ...await typed.hgetall('hash') }, { name: 'Ann', age: '42' });
    assert.equal(await typed.zscore('scores', 'a'), 1.5);
    typed.disconnect();
}

async function pipelines() {
    const replies = await cluster.pipeline().set('{p}a', 1).incr('{p}a').get('{p}a').hget('{p}a', 'f').exec();
    assert.deepEqual(replies.slice(0, 3), [[null, 'OK'], [null, 2], [null, '2']]);
    assert.match(replies[3][0].message, /^WRONGTYPE /);
    const gathering = open({ enableAutoPipelining: true });
    await Promise.all([...Array(300).keys()].map(i => gathering.set(`auto${i}`, i)));
    assert.deepEqual(await Promise.all([...Array(300).keys()].map(i => gathering.get(`auto${i}`))), [...Array(300).keys()].map(String));
    gathering.disconnect();
}

async function transactions() {
    assert.deepEqual(await cluster.multi().set('{m}a', 'x').get('{m}a').del('{m}a').exec(), [[null, 'OK'], [null, 'x'], [null, 1]]);
    await refused(cluster.multi().set('{m}a').get('{m}a').exec(), 'EXECABORT');
    const key = keyOn(1);
    const line = new Redis(ports[1]);
    await line.watch(key);
    await cluster.set(key, 'changed');
    assert.equal(await line.multi().set(key, 'mine').exec(), null);
    await line.watch(key);
    assert.deepEqual(await line.multi().set(key, 'mine').get(key).exec(), [[null, 'OK'], [null, 'mine']]);
    line.disconnect();
}

async function scripts() {
    cluster.defineCommand('addTo', { numberOfKeys: 2, lua: "return {redis.call('incrby', KEYS[1], ARGV[1]), redis.call('set', KEYS[2], ARGV[2]), cjson.encode({k = KEYS[2]})}" });
    assert.deepEqual(await cluster.addTo('{s}a', '{s}b', 5, 'x'), [5, 'OK', '{"k":"{s}b"}']);
    assert.deepEqual(await cluster.addTo('{s}a', '{s}b', 5, 'x'), [10, 'OK', '{"k":"{s}b"}']);
    await Promise.all(cluster.nodes('master').map(node => node.script('FLUSH')));
    assert.equal((await cluster.addTo('{s}a', '{s}b', 5, 'x'))[0], 15);
    assert.deepEqual((await cluster.pipeline().addTo('{s}a', '{s}b', 1, 'y').get('{s}b').exec()).map(reply => reply[1]), [[16, 'OK', '{"k":"{s}b"}'], 'y']);
    await refused(cluster.eval("return redis.call('get', KEYS[1], 'more')", 1, 'a'), 'Wrong number of args calling Redis command from script');
    await cluster.nodes('master')[0].function('LOAD', 'REPLACE', "#!lua name=iolib\nredis.register_function('io_put', function(keys, args) return redis.call('SET', keys[1], args[1]) end)");
    for (let node = 0; node < 3; node++) await until(() => cluster.fcall('io_put', 1, keyOn(node), 'v').then(reply => reply === 'OK', () => false), 'the function on every node');
}

async function messages() {
    const listener = open({ shardedSubscribers: true });
    const heard = [];
    for (const event of ['message', 'pmessage', 'smessage']) listener.on(event, (...words) => heard.push([event, ...words].join(' ').trim()));
    await listener.subscribe('news');
    await listener.psubscribe('weather.*');
    await listener.ssubscribe('shard');
    await until(async () => await cluster.spublish('shard', 'first') === 1, 'the subscriber of a shard channel');
    for (const node of cluster.nodes('master')) await node.publish('news', `from ${node.options.port}`);
    await cluster.publish('weather.sea', 'calm');
    const expected = [...ports.map(port => `message news from ${port}`), 'pmessage weather.* weather.sea calm', 'smessage shard first'];
    await until(() => expected.every(line => heard.includes(line)), `messages: ${heard}`);
    assert.equal(heard.length, expected.length, `${heard}`);
    listener.disconnect();
}

async function waiting() {
    const waiter = open();
    const popped = waiter.blpop('queue', 0);
    await cluster.rpush('queue', 'task');
    assert.deepEqual(await soon(popped, 'BLPOP'), ['queue', 'task']);
    await cluster.del('queue');
    assert.equal(await waiter.brpop('queue', 0.05), null);
    const least = waiter.bzpopmin('due', 0);
    await cluster.zadd('due', 3, 'c', 1, 'a');
    assert.deepEqual(await soon(least, 'BZPOPMIN'), ['due', 'a', '1']);
    await cluster.xgroup('CREATE', 'work', 'group', '$', 'MKSTREAM');
    const read = waiter.xreadgroup('GROUP', 'group', 'ann', 'BLOCK', 0, 'STREAMS', 'work', '>');
    const id = await cluster.xadd('work', '*', 'job', '1');
    assert.deepEqual(await soon(read, 'XREADGROUP'), [['work', [[id, ['job', '1']]]]]);
    assert.equal(await cluster.xack('work', 'group', id), 1);
    waiter.disconnect();
}

async function walks() {
    await Promise.all([...Array(600).keys()].map(i => cluster.set(`scan:${i}`, i)));
    const found = [];
    await Promise.all(cluster.nodes('master').map(node => new Promise((done, fail) => node.scanStream({ match: 'scan:*', count: 50 }).on('data', keys => found.push(...keys)).on('end', done).on('error', fail))));
    assert.equal(found.length, 600, 'a key was shown by nobody, or by two masters');
    assert.equal(new Set(found).size, 600);
    await cluster.hset('wide', Object.fromEntries([...Array(300).keys()].map(i => [`f${i}`, i])));
    const fields = [];
    await new Promise((done, fail) => cluster.hscanStream('wide').on('data', part => fields.push(...part)).on('end', done).on('error', fail));
    assert.equal(fields.length, 600);
}

async function failover() {
    const lost = keyOn(0);
    const waiter = open();
    const waited = waiter.blpop(`{${lost}}queue`, 0);
    const listener = open({ shardedSubscribers: true });
    const heard = [];
    listener.on('smessage', (channel, message) => heard.push(message));
    await listener.ssubscribe(lost);
    const writers = new Writers((key, value) => cluster.set(key, value));
    await writers.each(100);
    kill(0);
    await writers.each(500);
    await writers.check(key => cluster.get(key));
    await cluster.rpush(`{${lost}}queue`, 'after');
    assert.deepEqual(await soon(waited, 'BLPOP over a failover'), [`{${lost}}queue`, 'after']);
    await until(async () => await cluster.spublish(lost, 'again') >= 0 && heard.includes('again'), 'the shard channel at its new leader');
}

play([discovery, data, pipelines, transactions, scripts, messages, waiting, walks, failover]);
