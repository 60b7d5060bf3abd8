// Habits of programs that use npm's ioredis and redis (node-redis) beyond single commands, against three nodes of Holdfast: redis_cluster.js says what the arguments are. NODE_PATH names the folder of the modules.
// Ends with "all passed"; anything else is a failure.
const net = require('node:net');
const IoRedis = require('ioredis');
const { createClient, createCluster } = require('redis');
const slotOf = require('cluster-key-slot');
const { assert, ports, nodes, kill, until, soon, refused, play } = require('./redis_cluster.js');

const open = options => new IoRedis.Cluster(nodes, { slotsRefreshTimeout: 5000, ...options });
const cluster = open();
const keyOn = (node, from = cluster) => [...Array(1000).keys()].map(number => `on:${number}`).find(key => from.slots[slotOf(key)][0] === `127.0.0.1:${ports[node]}`);
const range = count => [...Array(count).keys()];
const ready = () => soon(new Promise(done => cluster.status === 'ready' ? done() : cluster.once('ready', done)), 'the cluster to be ready');

/** A socket that says bytes and hears what comes; ends by itself. */
const speak = (port, bytes, holds, what) => soon(new Promise((done, fail) => {
    let heard = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    const finish = () => { socket.destroy(); done(heard); };
    socket.setEncoding('latin1').on('data', part => { heard += part; if (holds(heard)) finish(); }).on('close', finish).on('error', fail);
}), what);

async function pipelinesOfTenThousand() {
    await ready();
    const pipeline = cluster.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.set(`{wide}${i}`, 'x'.repeat(100)).get(`{wide}${i}`);
    const replies = await soon(pipeline.exec(), 'a pipeline of 10,000');
    assert.equal(replies.length, 10000);
    assert.ok(replies.every(([error, value], i) => !error && value === (i % 2 ? 'x'.repeat(100) : 'OK')));
    const line = new IoRedis(ports[0], { enableAutoPipelining: false });
    const key = keyOn(0);
    const counted = await soon(Promise.all(range(10000).map(() => line.incr(key))), '10,000 commands on a line');
    assert.deepEqual(counted, range(10000).map(i => i + 1));
    // A transaction of 10,000.
    const many = line.multi();
    for (let i = 0; i < 10000; i++) many.rpush(`{${key}}list`, i);
    assert.equal((await soon(many.exec(), 'a transaction of 10,000')).at(-1)[1], 10000);
    assert.deepEqual(await line.lrange(`{${key}}list`, 9998, -1), ['9998', '9999']);
    line.disconnect();
}

async function inlineCommands() {
    const key = keyOn(0);
    const heard = await speak(ports[0], `PING\r\n  set ${key} "a b\\x41\\n" \r\nGET ${key}\nset '${key}' 'it\\'s'\r\nget ${key}\r\n\r\nexists ${key} none{${key}}\r\nQUIT\r\n`, () => false, 'inline commands');
    assert.equal(heard, '+PONG\r\n+OK\r\n$5\r\na bA\n\r\n+OK\r\n$4\r\nit\'s\r\n:1\r\n+OK\r\n');
    assert.match(await speak(ports[0], 'set a "open\r\n', () => false, 'quotes left open'), /^-ERR Protocol error: unbalanced quotes in request\r\n$/);
    assert.match(await speak(ports[0], 'x'.repeat(70000), () => false, 'a line without end'), /^-ERR Protocol error: too big inline request\r\n$/);
    assert.match(await speak(ports[0], `*2\r\n$3\r\nGET\r\n$${512 * 1024 * 1024 + 1}\r\n`, () => false, 'an argument that is too large'), /^-ERR Protocol error: invalid bulk length\r\n$/);
    assert.match(await speak(ports[0], '*1048577\r\n', () => false, 'too many arguments'), /^-ERR Protocol error: invalid multibulk length\r\n$/);
}

async function limits() {
    const line = new IoRedis(ports[0]);
    const key = keyOn(0);
    await refused(line.setrange(key, 512 * 1024 * 1024, 'x'), 'ERR string exceeds maximum allowed size (proto-max-bulk-len)');
    await refused(line.setbit(key, '4294967296', 1), 'ERR bit offset is not an integer or out of range');
    await line.set(key, 'x'.repeat(20 * 1024 * 1024));
    assert.equal(await line.strlen(key), 20 * 1024 * 1024);
    assert.equal((await line.getBuffer(key)).length, 20 * 1024 * 1024);
    await refused(line.set(key, 'x'.repeat(40 * 1024 * 1024)), 'ERR');
    assert.equal(await line.strlen(key), 20 * 1024 * 1024, 'what was refused changed something');
    assert.equal(await line.ping(), 'PONG');
    await line.del(key);
    line.disconnect();
}

async function watchesAcrossRedirects() {
    // A client that goes by redirects: WATCH is told MOVED and nothing is watched here.
    const [elsewhere, here] = [keyOn(1), keyOn(0)];
    const line = new IoRedis(ports[0]);
    await refused(line.watch(elsewhere), `MOVED ${slotOf(elsewhere)} 127.0.0.1:${ports[1]}`);
    await refused(line.watch(here, elsewhere), 'CROSSSLOT');
    await line.multi({ pipeline: false });
    await refused(line.set(elsewhere, 1), 'MOVED');
    await refused(line.exec(), 'EXECABORT Transaction discarded because of previous errors.');
    assert.deepEqual(await line.multi().set(here, 1).exec(), [[null, 'OK']]);
    line.disconnect();
    // ioredis' cluster and node-redis' pools both send WATCH and the transaction on one line to the owner.
    const owner = cluster.nodes('master').find(node => node.options.port === ports[1]);
    await owner.watch(elsewhere);
    await cluster.set(elsewhere, 'changed');
    assert.equal(await owner.multi().set(elsewhere, 'mine').exec(), null);
    const node = await createClient({ url: `redis://127.0.0.1:${ports[1]}` }).connect();
    await node.watch(elsewhere);
    assert.deepEqual(await node.multi().set(elsewhere, 'mine').get(elsewhere).exec(), ['OK', 'mine']);
    await node.watch([`{${elsewhere}}gone`]);
    await node.set(`{${elsewhere}}gone`, 'x', { expiration: { type: 'PX', value: 1 } });
    await until(async () => await cluster.get(`{${elsewhere}}gone`) === null, 'the key to expire');
    await refused(node.multi().ping().exec(), 'watched');
    node.destroy();
}

async function tracking() {
    // RESP3 pushes on the line itself: default mode, NOLOOP, OPTIN, broadcast by prefix; and RESP2 with REDIRECT.
    const key = keyOn(0);
    const raw = (words) => words.map(line => `${line}\r\n`).join('');
    const count = text => text.split('>2\r\n$10\r\ninvalidate').length - 1;
    const others = new IoRedis(ports[0]);
    const push = `>2\r\n$10\r\ninvalidate\r\n*1\r\n$${key.length}\r\n${key}\r\n`;
    const listening = async (setup, change, expected) => {
        let heard = '';
        const socket = net.connect(ports[0], '127.0.0.1', () => socket.write(raw(['HELLO 3', ...setup, 'ECHO prepared'])));
        socket.setEncoding('latin1').on('data', part => heard += part);
        await until(() => heard.includes('prepared'), 'the line to be prepared');
        await change(words => socket.write(raw(words)));
        await others.set(`${key}end`.replace(key, `{${key}}`), 1);
        await until(() => count(heard) >= expected, `${expected} invalidations: ${heard}`);
        socket.write(raw(['ECHO finished']));
        await until(() => heard.includes('finished'), 'the end');
        assert.equal(count(heard), expected, heard);
        assert.ok(expected === 0 || heard.includes(push), heard);
        socket.destroy();
    };
    await others.set(key, 1);
    await listening(['CLIENT TRACKING ON', `GET ${key}`], async () => { await others.set(key, 2); await others.set(key, 3); }, 1);
    await listening(['CLIENT TRACKING ON NOLOOP', `GET ${key}`], async say => { say([`SET ${key} 4`]); }, 0);
    await listening(['CLIENT TRACKING ON OPTIN', `GET ${key}`], async () => { await others.set(key, 5); }, 0);
    await listening(['CLIENT TRACKING ON OPTIN', 'CLIENT CACHING YES', `GET ${key}`], async () => { await others.set(key, 5); }, 1);
    await listening(['CLIENT TRACKING ON BCAST PREFIX on: PREFIX other:'], async () => { await others.set(key, 6); await others.set(`x{${key}}`, 6); }, 1);
    await listening(['CLIENT TRACKING ON', 'MULTI', `GET ${key}`, 'EXEC'], async () => { await others.pexpire(key, 1); await until(async () => await others.get(key) === null, 'expiry'); }, 1);
    const ear = new IoRedis(ports[0], { protocol: 2 });
    const invalidated = [];
    ear.on('message', (channel, what) => invalidated.push(`${channel} ${what}`));
    const id = await ear.client('ID');
    await ear.subscribe('__redis__:invalidate');
    const reader = new IoRedis(ports[0]);
    assert.equal(await reader.client('TRACKING', 'ON', 'REDIRECT', id), 'OK');
    assert.equal(await reader.client('GETREDIR'), id);
    await others.set(key, 7);
    await reader.get(key);
    await others.set(key, 8);
    await until(() => invalidated.includes(`__redis__:invalidate ${key}`), 'the redirected invalidation');
    for (const line of [ear, reader, others]) line.disconnect();
}

async function shardChannels() {
    const listener = await createCluster({ rootNodes: nodes.map(socket => ({ socket })) }).on('error', () => {}).connect();
    const heard = [];
    const channels = range(3).map(node => keyOn(node));
    for (const channel of channels) await listener.sSubscribe(channel, message => heard.push(`${channel} ${message}`));
    for (const channel of channels) assert.equal(await cluster.spublish(channel, 'm'), 1);
    await until(() => heard.length === 3, `shard messages: ${heard}`);
    const line = new IoRedis(ports[0]);
    await refused(line.call('SSUBSCRIBE', channels[1]), 'MOVED');
    await refused(line.spublish(channels[1], 'm'), 'MOVED');
    line.disconnect();
    const ports3 = await Promise.all(cluster.nodes('master').map(node => node.pubsub('SHARDCHANNELS')));
    assert.deepEqual(ports3.flat().sort(), [...channels].sort());
    for (const channel of channels) await listener.sUnsubscribe(channel);
    listener.destroy();
}

async function readsFromReplicasWithoutOne() {
    for (const scaleReads of ['slave', 'all', 'master']) {
        const readers = open({ scaleReads });
        for (let i = 0; i < 50; i++) {
            await readers.set(`scaled:${i}`, i);
            assert.equal(await readers.get(`scaled:${i}`), `${i}`, scaleReads);
        }

        assert.deepEqual(await readers.pipeline().get('{scaled}a').get('{scaled}b').exec(), [[null, null], [null, null]]);
        readers.disconnect();
    }
}

async function introspection() {
    const line = new IoRedis(ports[0]);
    const key = keyOn(0);
    assert.equal(await line.client('NO-EVICT', 'ON'), 'OK');
    assert.equal(await line.client('NO-TOUCH', 'ON'), 'OK');
    await line.set(key, 1);
    await refused(line.object('FREQ', key), 'ERR An LFU maxmemory policy is not selected');
    await line.config('SET', 'maxmemory-policy', 'allkeys-lfu');
    await line.client('NO-TOUCH', 'OFF');
    for (let i = 0; i < 50; i++) await line.get(key);
    assert.ok(await line.object('FREQ', key) > 5);
    await refused(line.object('IDLETIME', key), 'ERR An LFU maxmemory policy is selected');
    await line.config('SET', 'maxmemory-policy', 'noeviction');
    assert.match(await line.client('INFO'), new RegExp(`laddr=127.0.0.1:${ports[0]} fd=[1-9].* resp=3`));
    await line.client('SETINFO', 'LIB-NAME', 'habits');
    assert.match(await line.client('INFO'), /lib-name=habits/);
    assert.equal(await line.client('KILL', 'ID', 999999), 0);
    assert.equal(await line.client('KILL', 'LADDR', `127.0.0.1:${ports[1]}`), 0);
    const monitored = [];
    const monitor = await line.duplicate().monitor();
    monitor.on('monitor', (time, words) => monitored.push(words.join(' ')));
    await until(async () => { await line.get(key); return monitored.includes(`get ${key}`); }, 'MONITOR');
    monitor.disconnect();
    assert.ok((await line.lolwut()).includes('ver'));
    line.disconnect();
}

async function scansOverMasters() {
    await Promise.all(range(2000).map(i => cluster.set(`walk:${i}`, i)));
    const readers = await createCluster({ rootNodes: nodes.map(socket => ({ socket })) }).on('error', () => {}).connect();
    const found = new Set();
    for (const master of readers.masters) {
        const client = await readers.nodeClient(master);
        for await (const keys of client.scanIterator({ MATCH: 'walk:*', COUNT: 100, TYPE: 'string' })) keys.forEach(key => found.add(key));
    }

    assert.equal(found.size, 2000);
    readers.destroy();
}

/** A master dies while programs wait, run cached scripts and use groups on its slots. */
async function failover() {
    const lost = keyOn(0);
    const waiter = open();
    const popped = waiter.blpop(`{${lost}}queue`, 0);
    const moved = waiter.duplicate().blmove(`{${lost}}from`, `{${lost}}to`, 'LEFT', 'RIGHT', 0);
    const due = waiter.duplicate().bzmpop(0, 1, `{${lost}}due`, 'MIN');
    await cluster.xgroup('CREATE', `{${lost}}work`, 'group', '$', 'MKSTREAM');
    const read = waiter.duplicate().xreadgroup('GROUP', 'group', 'ann', 'BLOCK', 0, 'STREAMS', `{${lost}}work`, '>');
    const listening = waiter.duplicate().xread('BLOCK', 0, 'STREAMS', `{${lost}}work`, '$');
    const sha = await cluster.nodes('master').find(node => node.options.port === ports[0]).script('LOAD', "return redis.call('incr', KEYS[1])");
    assert.equal(await cluster.evalsha(sha, 1, lost + ':n{' + lost + '}'), 1);
    cluster.defineCommand('bump', { numberOfKeys: 1, lua: "return redis.call('incrby', KEYS[1], 10)" });
    assert.equal(await cluster.bump(`{${lost}}m`), 10);
    await until(async () => (await cluster.nodes('master').find(node => node.options.port === ports[0]).info('clients')).includes('blocked_clients:5'), 'everybody to wait');
    kill(0);
    await until(() => cluster.set(lost, 'after').then(() => true, () => false), 'a write to the slots of the dead node');
    // A cached script may be unknown to the new leader, as after every failover of Redis; programs load it anew then.
    const bumped = await cluster.evalsha(sha, 1, `${lost}:n{${lost}}`).catch(error => error.message);
    assert.ok(bumped === 2 || /^NOSCRIPT/.test(bumped), bumped);
    assert.equal(await cluster.bump(`{${lost}}m`), 20);
    await cluster.rpush(`{${lost}}queue`, 'task');
    assert.deepEqual(await soon(popped, 'BLPOP'), [`{${lost}}queue`, 'task']);
    await cluster.rpush(`{${lost}}from`, 'one');
    assert.equal(await soon(moved, 'BLMOVE'), 'one');
    await cluster.zadd(`{${lost}}due`, 1, 'a');
    assert.deepEqual(await soon(due, 'BZMPOP'), [`{${lost}}due`, [['a', '1']]]);
    const id = await cluster.xadd(`{${lost}}work`, '*', 'job', '1');
    assert.deepEqual(await soon(read, 'XREADGROUP'), [[`{${lost}}work`, [[id, ['job', '1']]]]]);
    await until(async () => { await cluster.xadd(`{${lost}}work`, '*', 'job', '2'); return Promise.race([listening.then(() => true), new Promise(done => setTimeout(() => done(false), 50))]); }, 'XREAD $');
}

play([pipelinesOfTenThousand, inlineCommands, limits, watchesAcrossRedirects, tracking, shardChannels, readsFromReplicasWithoutOne, introspection, scansOverMasters, failover]);
