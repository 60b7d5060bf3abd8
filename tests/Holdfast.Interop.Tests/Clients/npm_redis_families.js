// The same calls through npm's ioredis and redis to Debian's redis-server and to a node of Holdfast, whose ports are argument one, with a comma between: what the clients make of the replies is compared. NODE_PATH names the
// folder of the modules. A line is a call; ~ before it: only the form of the reply is compared (it tells a time, a number of a client, a place in memory). Ends with "all passed".
const IoRedis = require('ioredis');
const { createClient } = require('redis');
const { assert, ports, play } = require('./redis_cluster.js');

const lines = `
set s hello|get s|append s !|strlen s|getrange s 1 3|setrange s 0 J|getset s x|getdel s|setex s 100 v|psetex s 100000 v|setnx s w|set s v NX GET|set s v XX KEEPTTL|getex s PERSIST|incr n|incrby n 5|decr n|decrby n 2|incrbyfloat n 0.1
mset {t}a 1 {t}b 2|mget {t}a {t}b {t}c|msetnx {t}a 1 {t}z 2|lcs {t}a {t}b|lcs {t}a {t}b IDX WITHMATCHLEN|substr s 0 -1|set s v EXAT 99999999999|~ttl s|~pttl s|expiretime s|pexpiretime s|persist s|get none|incr s
setbit bits 7 1|getbit bits 7|bitcount bits|bitcount bits 0 -1 BIT|bitpos bits 1|bitfield bits SET u8 0 200 GET u4 0 INCRBY i5 10 1 OVERFLOW FAIL INCRBY u2 0 9|bitfield_ro bits GET u8 0|bitop NOT {bits}d {bits}s|bitop AND {bits}d {bits}s {bits}u
lpush l 1 2 3|rpush l 4 5|lrange l 0 -1|lindex l 1|linsert l BEFORE 1 0|llen l|lset l 0 x|lrem l 1 4|ltrim l 0 3|lpos l 1|lpos l 1 COUNT 0|lpop l|rpop l 2|lpushx none 1|rpushx l 9|lmove {l}a {l}b LEFT RIGHT|rpush {l}a 1 2 3|lmove {l}a {l}b LEFT RIGHT|rpoplpush {l}a {l}b
lmpop 2 {l}none {l}b LEFT COUNT 2|blpop {l}a 1|blmove {l}a {l}b LEFT LEFT 0.01|brpop {l}none 0.01|blmpop 0.01 1 {l}none LEFT|brpoplpush {l}none {l}b 0.01|rpop none 2|lrange none 0 -1
sadd u a b c|scard u|sismember u a|smismember u a z|srem u a|smembers {u}e|sadd {u}x 1 2 3|sadd {u}y 2 3 4|sinterstore {u}r {u}x {u}y|sunionstore {u}r {u}x {u}y|sdiffstore {u}r {u}x {u}y|smembers {u}r|sintercard 2 {u}x {u}y|smove {u}x {u}y 1|sinter {u}x {u}y|~srandmember u 2|~spop u
hset h f 1 g 2|hget h f|hmget h f z|hgetall h|hincrby h f 5|hincrbyfloat h g 0.5|hkeys h|hvals h|hlen h|hexists h f|hstrlen h f|hsetnx h f 2|hdel h f|hmset h x 1 y 2|hscan h 0|~hrandfield h 2 WITHVALUES|hgetall none|hrandfield none
zadd z 1 a 2 b 3 c|zadd z INCR 5 a|zadd z GT CH 9 b|zscore z a|zmscore z a none|zrange z 0 -1 WITHSCORES|zrange z 0 -1 REV|zrange z (1 5 BYSCORE LIMIT 0 1|zrangebyscore z -inf +inf WITHSCORES|zrevrangebyscore z +inf -inf|zrank z a|zrank z none|zrevrank z a|zcard z|zcount z 0 5|zincrby z 1.5 a|zrem z c
zadd {z}l 0 a 0 b 0 c|zrangebylex {z}l [a [b|zrevrangebylex {z}l + -|zlexcount {z}l - +|zremrangebylex {z}l [a [a|zremrangebyrank {z}l 0 0|zremrangebyscore {z}l 5 9|zrangestore {z}d {z}l 0 -1|zadd {z}m 1 a 2 b|zadd {z}n 3 b 4 c|zunion 2 {z}m {z}n WITHSCORES|zinter 2 {z}m {z}n WITHSCORES|zdiff 2 {z}m {z}n WITHSCORES
zunionstore {z}d 2 {z}m {z}n WEIGHTS 2 3 AGGREGATE MAX|zinterstore {z}d 2 {z}m {z}n|zdiffstore {z}d 2 {z}m {z}n|zintercard 2 {z}m {z}n|zpopmin z|zpopmax z 2|zmpop 1 {z}m MIN|bzpopmin {z}n 0.01|bzpopmax {z}none 0.01|bzmpop 0.01 1 {z}n MAX|zscan {z}m 0|~zrandmember {z}m 1 WITHSCORES|zscore none a|zrangebyscore z x y
geoadd g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania|geodist g Palermo Catania km|geohash g Palermo none|geopos g Palermo none|geosearch g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST WITHCOORD WITHHASH|georadius g 15 37 200 km ASC|georadiusbymember g Palermo 200 km ASC|geosearchstore {g}d {g}s FROMLONLAT 15 37 BYBOX 400 400 km
georadius_ro g 15 37 200 km ASC COUNT 1|georadiusbymember_ro g Palermo 1 km|pfadd p a b c|pfcount p|pfadd {p}q c d|pfmerge {p}r {p}q|pfcount {p}r {p}q
xadd x 1-1 f v|xadd x 2-1 f v g w|xadd x MAXLEN ~ 1000 3-1 f v|xlen x|xrange x - +|xrevrange x + - COUNT 1|xread COUNT 1 STREAMS x 0|xdel x 2-1|xtrim x MAXLEN 5|xsetid x 9-1|xinfo STREAM x|xgroup CREATE x grp 0|xgroup CREATE x grp 0|xgroup CREATECONSUMER x grp bob|xreadgroup GROUP grp bob COUNT 1 STREAMS x >|xpending x grp
~xpending x grp - + 10|xack x grp 1-1|xclaim x grp ann 0 3-1 JUSTID|xautoclaim x grp ann 0 0|xinfo GROUPS x|~xinfo CONSUMERS x grp|~xinfo STREAM x FULL|xgroup SETID x grp 0|xgroup DELCONSUMER x grp ann|xgroup DESTROY x grp|xread BLOCK 10 STREAMS x $|xread STREAMS x 99|xadd x 1-1 f v|xinfo STREAM none
expire l 100|expire l 200 GT|pexpire l 100000|expireat l 99999999999|pexpireat l 99999999999000|type l|exists l none|touch l|unlink l none|del l|rename {k}a {k}b|set {k}a 1|rename {k}a {k}b|renamenx {k}b {k}c|copy {k}c {k}d|copy {k}c {k}d REPLACE|object ENCODING {k}c|object REFCOUNT h|object ENCODING h|object ENCODING z|object ENCODING none|~object IDLETIME h|object FREQ h|object HELP
rpush {o}l 3 1 2|sort {o}l|sort {o}l DESC LIMIT 0 2|sort {o}l ALPHA STORE {o}d|sort_ro {o}l|~dump {o}l|restore {o}r 0 bad|~scan 0|~randomkey|move h 1|~dbsize|keys none*|~wait 0 10|~time|~lastsave|role
multi|set m 1|incr m|exec|multi|discard|watch m|unwatch|multi|nosuch|exec|eval "return 1" 0|eval "return {1,2,{3,'x'},false,true}" 0|eval "return redis.call('get',KEYS[1])" 1 s|eval "return redis.error_reply('MY ERR')" 0|eval "return {err='X y'}" 0|eval "return cjson.decode(ARGV[1])['a']" 0 {"a":5}|eval "syntax error" 0
eval_ro "return redis.call('get',KEYS[1])" 1 s|eval_ro "return redis.call('set',KEYS[1],1)" 1 s|script LOAD "return 7"|evalsha 2e7ab5c71ce9b5a7b9d3b3a4cd1a32ff0f1ee4f1 0|script EXISTS ffff|script FLUSH|function LOAD REPLACE "#!lua name=fam\\nredis.register_function('fam_f', function(k,a) return a[1] end)"|fcall fam_f 0 hi|fcall_ro fam_f 0 hi|function LIST|function STATS|function DELETE fam|fcall none 0
publish c m|spublish c m|pubsub CHANNELS|pubsub NUMSUB a b|pubsub NUMPAT|pubsub SHARDCHANNELS|pubsub SHARDNUMSUB a|ping|ping hello|echo hi|~client ID|client GETNAME|client SETNAME me|client GETNAME|~client INFO|~client LIST|client NO-EVICT on|client TRACKINGINFO|client GETREDIR|client CACHING YES|client UNBLOCK 9999|client KILL ID 99999|client REPLY ON|client PAUSE 1|client UNPAUSE
client TRACKING ON|client TRACKING OFF|select 0|select 1|config GET maxmemory|config GET maxmemory-policy|config SET maxmemory-samples 7|config GET maxmemory-samples|config SET nosuch 1|config RESETSTAT|~memory USAGE h|~memory STATS|memory PURGE|memory DOCTOR|~slowlog LEN|slowlog RESET|~slowlog GET 1|latency LATEST|latency RESET|latency HISTORY x|latency DOCTOR|~latency HISTOGRAM set
acl WHOAMI|acl CAT|acl LIST|acl USERS|acl SETUSER fam on >pw ~a* +get|acl GETUSER fam|acl DRYRUN fam get a1|acl DRYRUN fam set a1 1|acl DELUSER fam|~acl GENPASS|acl LOG|~command COUNT|command GETKEYS mset a 1 b 2|command GETKEYSANDFLAGS set a 1|command INFO get none|command DOCS none|command LIST FILTERBY PATTERN xgroup*|~info server|~info|auth x y|~hello 3|reset
cluster KEYSLOT abc|cluster COUNTKEYSINSLOT 1|cluster GETKEYSINSLOT 1 10|~cluster NODES|~cluster INFO|~cluster SLOTS|~cluster SHARDS|~cluster MYID|~cluster LINKS|~cluster COUNT-FAILURE-REPORTS 0000000000000000000000000000000000000000|cluster SETSLOT x STABLE|readonly|readwrite|asking|swapdb 0 1|flushdb|flushall|debug HELP|failover|replicaof NO ONE|get
`.split(/[|\n]/).map(line => line.trim()).filter(line => line);

/** Words as a shell has them, with quotes. */
const split = line => [...line.matchAll(/"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+)/g)].map(([, quoted, plain]) => plain ?? quoted.replaceAll('\\n', '\n'));
const plain = value => Buffer.isBuffer(value) ? value.toString('latin1') : value instanceof Map ? [...value].flat().map(plain) : Array.isArray(value) ? value.map(plain) : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)])) : value;
/** Of a reply its kind only; of a line that tells fields, their names. */
const form = value => Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'object' ? 'object' : typeof value;
const say = (promise, isForm) => Promise.resolve(promise).then(value => JSON.stringify(isForm ? form(plain(value)) : plain(value)), error => `error: ${error.message.replaceAll(/f_[0-9a-f]{40}|user_script:\d+/g, 'f')}`);

/** What is told otherwise, and why. */
const otherwise = {
    'debug HELP': 'its subset is ours', failover: 'there are no replicas of a node', 'replicaof NO ONE': 'refused in cluster mode by both, in other words', 'acl LIST': 'Redis shows a user without passwords by a flag', 'acl CAT': 'categories are in the order of a table',
    'command LIST FILTERBY PATTERN xgroup*': 'the same names in another order', 'client REPLY ON': 'fine', 'object ENCODING z': 'z is gone by then in both',
};

async function calls() {
    const [theirs, ours] = ports.map(port => new IoRedis(port, { enableReadyCheck: false }));
    const differences = [];
    for (const line of lines) {
        const isForm = line.startsWith('~');
        const words = split(isForm ? line.slice(1) : line);
        const [expected, actual] = [await say(theirs.call(...words), isForm), await say(ours.call(...words), isForm)];
        if (expected !== actual && !otherwise[line]) differences.push(`${line}\n    Redis:    ${expected}\n    Holdfast: ${actual}`);
    }

    assert.equal(differences.length, 0, `${differences.length} of ${lines.length} calls:\n  ${differences.join('\n  ')}`);
    theirs.disconnect();
    ours.disconnect();
}

async function known() {
    // Whatever Redis knows, and this client has a method for, is known here too.
    const [theirs, ours] = ports.map(port => new IoRedis(port, { enableReadyCheck: false }));
    const names = async redis => new Set((await redis.call('COMMAND', 'LIST')).map(name => name.toLowerCase()));
    const [there, here] = [await names(theirs), await names(ours)];
    const betweenServers = ['psync', 'replconf', 'shutdown', 'sync'];
    assert.deepEqual([...there].filter(name => !here.has(name) && !betweenServers.includes(name)).sort(), []);
    theirs.disconnect();
    ours.disconnect();
}

async function methods() {
    const [theirs, ours] = await Promise.all(ports.map(port => createClient({ socket: { host: '127.0.0.1', port } }).connect()));
    const tried = [
        c => c.flushAll(), c => c.set('a', '1', { expiration: { type: 'EX', value: 1000 } }), c => c.get('a'), c => c.getEx('a', { type: 'PERSIST' }), c => c.incrByFloat('a', 0.5), c => c.mSet({ '{m}a': '1', '{m}b': '2' }), c => c.mGet(['{m}a', '{m}c']), c => c.lcsIdx('{m}a', '{m}b'),
        c => c.setBit('bits', 3, 1), c => c.bitField('bits', [{ operation: 'GET', encoding: 'u8', offset: 0 }]), c => c.bitPos('bits', 1), c => c.hSet('h', { f: '1', g: '2' }), c => c.hGetAll('h'), c => c.hScan('h', '0'), c => c.hRandFieldCount('h', 5), c => c.hExpireTime('h', ['f']).then(() => 0, () => 0),
        c => c.lPush('l', ['1', '2']), c => c.lPos('l', '1'), c => c.lmPop('l', 'LEFT'), c => c.lRange('l', 0, -1), c => c.sAdd('s', ['1', '2', '3']), c => c.sMembers('s'), c => c.smIsMember('s', ['1', '9']), c => c.zAdd('z', [{ value: 'a', score: 1 }, { value: 'b', score: 2.5 }]), c => c.zRangeWithScores('z', 0, -1),
        c => c.zPopMin('z'), c => c.zScore('z', 'b'), c => c.zmScore('z', ['b', 'none']), c => c.zmPop('z', 'MAX'), c => c.zRank('z', 'none'), c => c.geoAdd('g', { member: 'P', longitude: 13.36, latitude: 38.11 }), c => c.geoPos('g', 'P'), c => c.geoSearchWith('g', { longitude: 13, latitude: 38 }, { radius: 100, unit: 'km' }, ['WITHDIST', 'WITHCOORD']),
        c => c.xAdd('x', '1-1', { f: 'v' }), c => c.xRange('x', '-', '+'), c => c.xGroupCreate('x', 'grp', '0'), c => c.xReadGroup('grp', 'ann', { key: 'x', id: '>' }), c => c.xPending('x', 'grp'), c => c.xInfoStream('x'), c => c.xInfoGroups('x'), c => c.xAutoClaim('x', 'grp', 'bob', 0, '0'), c => c.xAck('x', 'grp', '1-1'),
        c => c.pfAdd('p', ['a']), c => c.pfCount('p'), c => c.expire('a', 100, 'NX'), c => c.expireTime('none'), c => c.type('z'), c => c.objectEncoding('h'), c => c.sort('l'), c => c.copy('a', '{a}b').catch(e => e.message), c => c.eval('return {KEYS[1], ARGV[1]}', { keys: ['k'], arguments: ['v'] }), c => c.scriptLoad('return 1'), c => c.scriptExists(['ff']),
        c => c.functionLoad("#!lua name=l\nredis.register_function('ff', function(k,a) return a[1] end)", { REPLACE: true }), c => c.functionList(), c => c.functionStats(), c => c.fCall('ff', { keys: [], arguments: ['x'] }), c => c.functionDump().then(dump => typeof dump), c => c.functionFlush(), c => c.multi().set('m', '1').get('m').exec(),
        c => c.configGet('maxmemory-p*'), c => c.configSet('maxmemory-samples', '5'), c => c.commandGetKeys(['SET', 'a', 'b']), c => c.commandGetKeysAndFlags(['SET', 'a', 'b']), c => c.commandInfo(['get']).then(([{ name, arity, flags, categories }]) => [name, arity, [...flags].sort(), [...categories].sort()]), c => c.aclWhoAmI(), c => c.aclSetUser('u', ['on', '>p', '~*', '+@all']),
        c => c.aclGetUser('u'), c => c.aclDelUser('u'), c => c.clientTrackingInfo(), c => c.clientGetName(), c => c.clientInfo().then(info => Object.keys(info).sort()), c => c.clientList().then(list => list.length > 0), c => c.pubSubNumSub(['a']), c => c.pubSubShardNumSub(['a']), c => c.latencyLatest(), c => c.memoryStats().then(stats => typeof stats), c => c.role(),
        c => c.clusterInfo().then(info => /cluster_state:ok/.test(info)), c => c.clusterSlots().then(slots => slots.length), c => c.clusterKeySlot('abc'), c => c.time().then(() => 'told'), c => c.dbSize(), c => c.wait(0, 10), c => c.scan('0', { MATCH: 'none*', COUNT: 1000 }), c => c.randomKey().then(key => typeof key),
        c => c.dump('a').then(dump => dump !== null), c => c.restore('r', 0, 'bad').catch(e => e.message), c => c.waitAof?.(0, 0, 10).catch(() => 0).then(() => 0) ?? 0, c => c.moduleList(), c => c.lastSave().then(() => 'told'), c => c.swapDb?.(0, 1).catch(e => e.message) ?? 0,
    ];
    const differences = [];
    for (const call of tried) {
        const [expected, actual] = [await say(call(theirs), false), await say(call(ours), false)];
        if (expected !== actual) differences.push(`${call}\n    Redis:    ${expected}\n    Holdfast: ${actual}`);
    }

    assert.equal(differences.length, 0, `${differences.length} of ${tried.length} methods:\n  ${differences.join('\n  ')}`);
    theirs.destroy();
    ours.destroy();
}

play([known, calls, methods]);
