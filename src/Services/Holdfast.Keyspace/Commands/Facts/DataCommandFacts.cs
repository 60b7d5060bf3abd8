namespace Holdfast.Keyspace;

/// <summary>
/// Facts about the commands of Redis 7.0.15 on keys, as its own COMMAND says them: name;arity;flags;first last step;categories;group;since;hints;key specs (flags/begin/find, with &amp; between). What a
/// family has not bound to a handler is known and not served.
/// </summary>
internal static class DataCommandFacts
{
    public const string Rows = """
        bitcount;-2;readonly;1 1 1;read bitmap slow;bitmap;2.6.0;;RO access/index 1/range 0 1 0
        bitfield;-2;write denyoom;1 1 1;write bitmap slow;bitmap;3.2.0;;RW access update variable_flags/index 1/range 0 1 0
        bitfield_ro;-2;readonly fast;1 1 1;read bitmap fast;bitmap;6.0.0;;RO access/index 1/range 0 1 0
        bitop;-4;write denyoom;2 -1 1;write bitmap slow;bitmap;2.6.0;;OW update/index 2/range 0 1 0&RO access/index 3/range -1 1 0
        bitpos;-3;readonly;1 1 1;read bitmap slow;bitmap;2.8.7;;RO access/index 1/range 0 1 0
        getbit;3;readonly fast;1 1 1;read bitmap fast;bitmap;2.2.0;;RO access/index 1/range 0 1 0
        setbit;4;write denyoom;1 1 1;write bitmap slow;bitmap;2.2.0;;RW access update/index 1/range 0 1 0
        copy;-3;write denyoom;1 2 1;keyspace write slow;generic;6.2.0;;RO access/index 1/range 0 1 0&OW update/index 2/range 0 1 0
        del;-2;write;1 -1 1;keyspace write slow;generic;1.0.0;request_policy:multi_shard response_policy:agg_sum;RM delete/index 1/range -1 1 0
        dump;2;readonly;1 1 1;keyspace read slow;generic;2.6.0;nondeterministic_output;RO access/index 1/range 0 1 0
        exists;-2;readonly fast;1 -1 1;keyspace read fast;generic;1.0.0;request_policy:multi_shard response_policy:agg_sum;RO/index 1/range -1 1 0
        expire;-3;write fast;1 1 1;keyspace write fast;generic;1.0.0;;RW update/index 1/range 0 1 0
        expireat;-3;write fast;1 1 1;keyspace write fast;generic;1.2.0;;RW update/index 1/range 0 1 0
        expiretime;2;readonly fast;1 1 1;keyspace read fast;generic;7.0.0;;RO access/index 1/range 0 1 0
        keys;2;readonly;0 0 0;keyspace read slow dangerous;generic;1.0.0;request_policy:all_shards nondeterministic_output_order;
        migrate;-6;write movablekeys;3 3 1;keyspace write slow dangerous;generic;2.6.0;nondeterministic_output;RW access delete/index 3/range 0 1 0&RW access delete incomplete/keyword KEYS -2/range -1 1 0
        move;3;write fast;1 1 1;keyspace write fast;generic;1.0.0;;RW access update/index 1/range 0 1 0
        object;-2;;0 0 0;slow;generic;2.2.3;;
        object|encoding;3;readonly;2 2 1;keyspace read slow;generic;2.2.3;nondeterministic_output;RO/index 2/range 0 1 0
        object|freq;3;readonly;2 2 1;keyspace read slow;generic;4.0.0;nondeterministic_output;RO/index 2/range 0 1 0
        object|help;2;loading stale;0 0 0;keyspace slow;generic;6.2.0;;
        object|idletime;3;readonly;2 2 1;keyspace read slow;generic;2.2.3;nondeterministic_output;RO/index 2/range 0 1 0
        object|refcount;3;readonly;2 2 1;keyspace read slow;generic;2.2.3;nondeterministic_output;RO/index 2/range 0 1 0
        persist;2;write fast;1 1 1;keyspace write fast;generic;2.2.0;;RW update/index 1/range 0 1 0
        pexpire;-3;write fast;1 1 1;keyspace write fast;generic;2.6.0;;RW update/index 1/range 0 1 0
        pexpireat;-3;write fast;1 1 1;keyspace write fast;generic;2.6.0;;RW update/index 1/range 0 1 0
        pexpiretime;2;readonly fast;1 1 1;keyspace read fast;generic;7.0.0;;RO access/index 1/range 0 1 0
        pttl;2;readonly fast;1 1 1;keyspace read fast;generic;2.6.0;nondeterministic_output;RO access/index 1/range 0 1 0
        randomkey;1;readonly;0 0 0;keyspace read slow;generic;1.0.0;request_policy:all_shards nondeterministic_output;
        rename;3;write;1 2 1;keyspace write slow;generic;1.0.0;;RW access delete/index 1/range 0 1 0&OW update/index 2/range 0 1 0
        renamenx;3;write fast;1 2 1;keyspace write fast;generic;1.0.0;;RW access delete/index 1/range 0 1 0&OW insert/index 2/range 0 1 0
        restore;-4;write denyoom;1 1 1;keyspace write slow dangerous;generic;2.6.0;;OW update/index 1/range 0 1 0
        scan;-2;readonly;0 0 0;keyspace read slow;generic;2.8.0;nondeterministic_output request_policy:special;
        sort;-2;write denyoom movablekeys;1 1 1;write set sortedset list slow dangerous;generic;1.0.0;;RO access/index 1/range 0 1 0&RO access/unknown/unknown&OW update/unknown/unknown
        sort_ro;-2;readonly movablekeys;1 1 1;read set sortedset list slow dangerous;generic;7.0.0;;RO access/index 1/range 0 1 0&RO access/unknown/unknown
        touch;-2;readonly fast;1 -1 1;keyspace read fast;generic;3.2.1;request_policy:multi_shard response_policy:agg_sum;RO/index 1/range -1 1 0
        ttl;2;readonly fast;1 1 1;keyspace read fast;generic;1.0.0;nondeterministic_output;RO access/index 1/range 0 1 0
        type;2;readonly fast;1 1 1;keyspace read fast;generic;1.0.0;;RO/index 1/range 0 1 0
        unlink;-2;write fast;1 -1 1;keyspace write fast;generic;4.0.0;request_policy:multi_shard response_policy:agg_sum;RM delete/index 1/range -1 1 0
        wait;3;noscript;0 0 0;slow connection;generic;3.0.0;request_policy:all_shards response_policy:agg_min;
        geoadd;-5;write denyoom;1 1 1;write geo slow;geo;3.2.0;;RW update/index 1/range 0 1 0
        geodist;-4;readonly;1 1 1;read geo slow;geo;3.2.0;;RO access/index 1/range 0 1 0
        geohash;-2;readonly;1 1 1;read geo slow;geo;3.2.0;;RO access/index 1/range 0 1 0
        geopos;-2;readonly;1 1 1;read geo slow;geo;3.2.0;;RO access/index 1/range 0 1 0
        georadius;-6;write denyoom movablekeys;1 1 1;write geo slow;geo;3.2.0;;RO access/index 1/range 0 1 0&OW update/keyword STORE 6/range 0 1 0&OW update/keyword STOREDIST 6/range 0 1 0
        georadius_ro;-6;readonly;1 1 1;read geo slow;geo;3.2.10;;RO access/index 1/range 0 1 0
        georadiusbymember;-5;write denyoom movablekeys;1 1 1;write geo slow;geo;3.2.0;;RO access/index 1/range 0 1 0&OW update/keyword STORE 5/range 0 1 0&OW update/keyword STOREDIST 5/range 0 1 0
        georadiusbymember_ro;-5;readonly;1 1 1;read geo slow;geo;3.2.10;;RO access/index 1/range 0 1 0
        geosearch;-7;readonly;1 1 1;read geo slow;geo;6.2.0;;RO access/index 1/range 0 1 0
        geosearchstore;-8;write denyoom;1 2 1;write geo slow;geo;6.2.0;;OW update/index 1/range 0 1 0&RO access/index 2/range 0 1 0
        hdel;-3;write fast;1 1 1;write hash fast;hash;2.0.0;;RW delete/index 1/range 0 1 0
        hexists;3;readonly fast;1 1 1;read hash fast;hash;2.0.0;;RO/index 1/range 0 1 0
        hget;3;readonly fast;1 1 1;read hash fast;hash;2.0.0;;RO access/index 1/range 0 1 0
        hgetall;2;readonly;1 1 1;read hash slow;hash;2.0.0;nondeterministic_output_order;RO access/index 1/range 0 1 0
        hincrby;4;write denyoom fast;1 1 1;write hash fast;hash;2.0.0;;RW access update/index 1/range 0 1 0
        hincrbyfloat;4;write denyoom fast;1 1 1;write hash fast;hash;2.6.0;;RW access update/index 1/range 0 1 0
        hkeys;2;readonly;1 1 1;read hash slow;hash;2.0.0;nondeterministic_output_order;RO access/index 1/range 0 1 0
        hlen;2;readonly fast;1 1 1;read hash fast;hash;2.0.0;;RO/index 1/range 0 1 0
        hmget;-3;readonly fast;1 1 1;read hash fast;hash;2.0.0;;RO access/index 1/range 0 1 0
        hmset;-4;write denyoom fast;1 1 1;write hash fast;hash;2.0.0;;RW update/index 1/range 0 1 0
        hrandfield;-2;readonly;1 1 1;read hash slow;hash;6.2.0;nondeterministic_output;RO access/index 1/range 0 1 0
        hscan;-3;readonly;1 1 1;read hash slow;hash;2.8.0;nondeterministic_output;RO access/index 1/range 0 1 0
        hset;-4;write denyoom fast;1 1 1;write hash fast;hash;2.0.0;;RW update/index 1/range 0 1 0
        hsetnx;4;write denyoom fast;1 1 1;write hash fast;hash;2.0.0;;RW insert/index 1/range 0 1 0
        hstrlen;3;readonly fast;1 1 1;read hash fast;hash;3.2.0;;RO/index 1/range 0 1 0
        hvals;2;readonly;1 1 1;read hash slow;hash;2.0.0;nondeterministic_output_order;RO access/index 1/range 0 1 0
        pfadd;-2;write denyoom fast;1 1 1;write hyperloglog fast;hyperloglog;2.8.9;;RW insert/index 1/range 0 1 0
        pfcount;-2;readonly;1 -1 1;read hyperloglog slow;hyperloglog;2.8.9;;RW access/index 1/range -1 1 0
        pfdebug;3;write denyoom admin;2 2 1;write hyperloglog admin slow dangerous;hyperloglog;2.8.9;;RW access/index 2/range 0 1 0
        pfmerge;-2;write denyoom;1 -1 1;write hyperloglog slow;hyperloglog;2.8.9;;RW access insert/index 1/range 0 1 0&RO access/index 2/range -1 1 0
        pfselftest;1;admin;0 0 0;hyperloglog admin slow dangerous;hyperloglog;2.8.9;;
        blmove;6;write denyoom noscript blocking;1 2 1;write list slow blocking;list;6.2.0;;RW access delete/index 1/range 0 1 0&RW insert/index 2/range 0 1 0
        blmpop;-5;write blocking movablekeys;0 0 0;write list slow blocking;list;7.0.0;;RW access delete/index 2/keynum 0 1 1
        blpop;-3;write noscript blocking;1 -2 1;write list slow blocking;list;2.0.0;;RW access delete/index 1/range -2 1 0
        brpop;-3;write noscript blocking;1 -2 1;write list slow blocking;list;2.0.0;;RW access delete/index 1/range -2 1 0
        brpoplpush;4;write denyoom noscript blocking;1 2 1;write list slow blocking;list;2.2.0;;RW access delete/index 1/range 0 1 0&RW insert/index 2/range 0 1 0
        lindex;3;readonly;1 1 1;read list slow;list;1.0.0;;RO access/index 1/range 0 1 0
        linsert;5;write denyoom;1 1 1;write list slow;list;2.2.0;;RW insert/index 1/range 0 1 0
        llen;2;readonly fast;1 1 1;read list fast;list;1.0.0;;RO/index 1/range 0 1 0
        lmove;5;write denyoom;1 2 1;write list slow;list;6.2.0;;RW access delete/index 1/range 0 1 0&RW insert/index 2/range 0 1 0
        lmpop;-4;write movablekeys;0 0 0;write list slow;list;7.0.0;;RW access delete/index 1/keynum 0 1 1
        lpop;-2;write fast;1 1 1;write list fast;list;1.0.0;;RW access delete/index 1/range 0 1 0
        lpos;-3;readonly;1 1 1;read list slow;list;6.0.6;;RO access/index 1/range 0 1 0
        lpush;-3;write denyoom fast;1 1 1;write list fast;list;1.0.0;;RW insert/index 1/range 0 1 0
        lpushx;-3;write denyoom fast;1 1 1;write list fast;list;2.2.0;;RW insert/index 1/range 0 1 0
        lrange;4;readonly;1 1 1;read list slow;list;1.0.0;;RO access/index 1/range 0 1 0
        lrem;4;write;1 1 1;write list slow;list;1.0.0;;RW delete/index 1/range 0 1 0
        lset;4;write denyoom;1 1 1;write list slow;list;1.0.0;;RW update/index 1/range 0 1 0
        ltrim;4;write;1 1 1;write list slow;list;1.0.0;;RW delete/index 1/range 0 1 0
        rpop;-2;write fast;1 1 1;write list fast;list;1.0.0;;RW access delete/index 1/range 0 1 0
        rpoplpush;3;write denyoom;1 2 1;write list slow;list;1.2.0;;RW access delete/index 1/range 0 1 0&RW insert/index 2/range 0 1 0
        rpush;-3;write denyoom fast;1 1 1;write list fast;list;1.0.0;;RW insert/index 1/range 0 1 0
        rpushx;-3;write denyoom fast;1 1 1;write list fast;list;2.2.0;;RW insert/index 1/range 0 1 0
        sadd;-3;write denyoom fast;1 1 1;write set fast;set;1.0.0;;RW insert/index 1/range 0 1 0
        scard;2;readonly fast;1 1 1;read set fast;set;1.0.0;;RO/index 1/range 0 1 0
        sdiff;-2;readonly;1 -1 1;read set slow;set;1.0.0;nondeterministic_output_order;RO access/index 1/range -1 1 0
        sdiffstore;-3;write denyoom;1 -1 1;write set slow;set;1.0.0;;OW update/index 1/range 0 1 0&RO access/index 2/range -1 1 0
        sinter;-2;readonly;1 -1 1;read set slow;set;1.0.0;nondeterministic_output_order;RO access/index 1/range -1 1 0
        sintercard;-3;readonly movablekeys;0 0 0;read set slow;set;7.0.0;;RO access/index 1/keynum 0 1 1
        sinterstore;-3;write denyoom;1 -1 1;write set slow;set;1.0.0;;RW update/index 1/range 0 1 0&RO access/index 2/range -1 1 0
        sismember;3;readonly fast;1 1 1;read set fast;set;1.0.0;;RO/index 1/range 0 1 0
        smembers;2;readonly;1 1 1;read set slow;set;1.0.0;nondeterministic_output_order;RO access/index 1/range 0 1 0
        smismember;-3;readonly fast;1 1 1;read set fast;set;6.2.0;;RO access/index 1/range 0 1 0
        smove;4;write fast;1 2 1;write set fast;set;1.0.0;;RW access delete/index 1/range 0 1 0&RW insert/index 2/range 0 1 0
        spop;-2;write fast;1 1 1;write set fast;set;1.0.0;nondeterministic_output;RW access delete/index 1/range 0 1 0
        srandmember;-2;readonly;1 1 1;read set slow;set;1.0.0;nondeterministic_output;RO access/index 1/range 0 1 0
        srem;-3;write fast;1 1 1;write set fast;set;1.0.0;;RW delete/index 1/range 0 1 0
        sscan;-3;readonly;1 1 1;read set slow;set;2.8.0;nondeterministic_output;RO access/index 1/range 0 1 0
        sunion;-2;readonly;1 -1 1;read set slow;set;1.0.0;nondeterministic_output_order;RO access/index 1/range -1 1 0
        sunionstore;-3;write denyoom;1 -1 1;write set slow;set;1.0.0;;OW update/index 1/range 0 1 0&RO access/index 2/range -1 1 0
        bzmpop;-5;write blocking movablekeys;0 0 0;write sortedset slow blocking;sorted-set;7.0.0;;RW access delete/index 2/keynum 0 1 1
        bzpopmax;-3;write noscript blocking fast;1 -2 1;write sortedset fast blocking;sorted-set;5.0.0;;RW access delete/index 1/range -2 1 0
        bzpopmin;-3;write noscript blocking fast;1 -2 1;write sortedset fast blocking;sorted-set;5.0.0;;RW access delete/index 1/range -2 1 0
        zadd;-4;write denyoom fast;1 1 1;write sortedset fast;sorted-set;1.2.0;;RW update/index 1/range 0 1 0
        zcard;2;readonly fast;1 1 1;read sortedset fast;sorted-set;1.2.0;;RO/index 1/range 0 1 0
        zcount;4;readonly fast;1 1 1;read sortedset fast;sorted-set;2.0.0;;RO access/index 1/range 0 1 0
        zdiff;-3;readonly movablekeys;0 0 0;read sortedset slow;sorted-set;6.2.0;;RO access/index 1/keynum 0 1 1
        zdiffstore;-4;write denyoom movablekeys;1 1 1;write sortedset slow;sorted-set;6.2.0;;OW update/index 1/range 0 1 0&RO access/index 2/keynum 0 1 1
        zincrby;4;write denyoom fast;1 1 1;write sortedset fast;sorted-set;1.2.0;;RW access update/index 1/range 0 1 0
        zinter;-3;readonly movablekeys;0 0 0;read sortedset slow;sorted-set;6.2.0;;RO access/index 1/keynum 0 1 1
        zintercard;-3;readonly movablekeys;0 0 0;read sortedset slow;sorted-set;7.0.0;;RO access/index 1/keynum 0 1 1
        zinterstore;-4;write denyoom movablekeys;1 1 1;write sortedset slow;sorted-set;2.0.0;;OW update/index 1/range 0 1 0&RO access/index 2/keynum 0 1 1
        zlexcount;4;readonly fast;1 1 1;read sortedset fast;sorted-set;2.8.9;;RO access/index 1/range 0 1 0
        zmpop;-4;write movablekeys;0 0 0;write sortedset slow;sorted-set;7.0.0;;RW access delete/index 1/keynum 0 1 1
        zmscore;-3;readonly fast;1 1 1;read sortedset fast;sorted-set;6.2.0;;RO access/index 1/range 0 1 0
        zpopmax;-2;write fast;1 1 1;write sortedset fast;sorted-set;5.0.0;;RW access delete/index 1/range 0 1 0
        zpopmin;-2;write fast;1 1 1;write sortedset fast;sorted-set;5.0.0;;RW access delete/index 1/range 0 1 0
        zrandmember;-2;readonly;1 1 1;read sortedset slow;sorted-set;6.2.0;nondeterministic_output;RO access/index 1/range 0 1 0
        zrange;-4;readonly;1 1 1;read sortedset slow;sorted-set;1.2.0;;RO access/index 1/range 0 1 0
        zrangebylex;-4;readonly;1 1 1;read sortedset slow;sorted-set;2.8.9;;RO access/index 1/range 0 1 0
        zrangebyscore;-4;readonly;1 1 1;read sortedset slow;sorted-set;1.0.5;;RO access/index 1/range 0 1 0
        zrangestore;-5;write denyoom;1 2 1;write sortedset slow;sorted-set;6.2.0;;OW update/index 1/range 0 1 0&RO access/index 2/range 0 1 0
        zrank;-3;readonly fast;1 1 1;read sortedset fast;sorted-set;2.0.0;;RO access/index 1/range 0 1 0
        zrem;-3;write fast;1 1 1;write sortedset fast;sorted-set;1.2.0;;RW delete/index 1/range 0 1 0
        zremrangebylex;4;write;1 1 1;write sortedset slow;sorted-set;2.8.9;;RW delete/index 1/range 0 1 0
        zremrangebyrank;4;write;1 1 1;write sortedset slow;sorted-set;2.0.0;;RW delete/index 1/range 0 1 0
        zremrangebyscore;4;write;1 1 1;write sortedset slow;sorted-set;1.2.0;;RW delete/index 1/range 0 1 0
        zrevrange;-4;readonly;1 1 1;read sortedset slow;sorted-set;1.2.0;;RO access/index 1/range 0 1 0
        zrevrangebylex;-4;readonly;1 1 1;read sortedset slow;sorted-set;2.8.9;;RO access/index 1/range 0 1 0
        zrevrangebyscore;-4;readonly;1 1 1;read sortedset slow;sorted-set;2.2.0;;RO access/index 1/range 0 1 0
        zrevrank;-3;readonly fast;1 1 1;read sortedset fast;sorted-set;2.0.0;;RO access/index 1/range 0 1 0
        zscan;-3;readonly;1 1 1;read sortedset slow;sorted-set;2.8.0;nondeterministic_output;RO access/index 1/range 0 1 0
        zscore;3;readonly fast;1 1 1;read sortedset fast;sorted-set;1.2.0;;RO access/index 1/range 0 1 0
        zunion;-3;readonly movablekeys;0 0 0;read sortedset slow;sorted-set;6.2.0;;RO access/index 1/keynum 0 1 1
        zunionstore;-4;write denyoom movablekeys;1 1 1;write sortedset slow;sorted-set;2.0.0;;OW update/index 1/range 0 1 0&RO access/index 2/keynum 0 1 1
        xack;-4;write fast;1 1 1;write stream fast;stream;5.0.0;;RW update/index 1/range 0 1 0
        xadd;-5;write denyoom fast;1 1 1;write stream fast;stream;5.0.0;nondeterministic_output;RW update/index 1/range 0 1 0
        xautoclaim;-6;write fast;1 1 1;write stream fast;stream;6.2.0;nondeterministic_output;RW delete/index 1/range 0 1 0
        xclaim;-6;write fast;1 1 1;write stream fast;stream;5.0.0;nondeterministic_output;RW update/index 1/range 0 1 0
        xdel;-3;write fast;1 1 1;write stream fast;stream;5.0.0;;RW delete/index 1/range 0 1 0
        xgroup;-2;;0 0 0;slow;stream;5.0.0;;
        xgroup|create;-5;write denyoom;2 2 1;write stream slow;stream;5.0.0;;RW insert/index 2/range 0 1 0
        xgroup|createconsumer;5;write denyoom;2 2 1;write stream slow;stream;6.2.0;;RW insert/index 2/range 0 1 0
        xgroup|delconsumer;5;write;2 2 1;write stream slow;stream;5.0.0;;RW delete/index 2/range 0 1 0
        xgroup|destroy;4;write;2 2 1;write stream slow;stream;5.0.0;;RW delete/index 2/range 0 1 0
        xgroup|help;2;loading stale;0 0 0;stream slow;stream;5.0.0;;
        xgroup|setid;-5;write;2 2 1;write stream slow;stream;5.0.0;;RW update/index 2/range 0 1 0
        xinfo;-2;;0 0 0;slow;stream;5.0.0;;
        xinfo|consumers;4;readonly;2 2 1;read stream slow;stream;5.0.0;nondeterministic_output;RO access/index 2/range 0 1 0
        xinfo|groups;3;readonly;2 2 1;read stream slow;stream;5.0.0;;RO access/index 2/range 0 1 0
        xinfo|help;2;loading stale;0 0 0;stream slow;stream;5.0.0;;
        xinfo|stream;-3;readonly;2 2 1;read stream slow;stream;5.0.0;;RO access/index 2/range 0 1 0
        xlen;2;readonly fast;1 1 1;read stream fast;stream;5.0.0;;RO/index 1/range 0 1 0
        xpending;-3;readonly;1 1 1;read stream slow;stream;5.0.0;nondeterministic_output;RO access/index 1/range 0 1 0
        xrange;-4;readonly;1 1 1;read stream slow;stream;5.0.0;;RO access/index 1/range 0 1 0
        xread;-4;readonly blocking movablekeys;0 0 0;read stream slow blocking;stream;5.0.0;;RO access/keyword STREAMS 1/range -1 1 2
        xreadgroup;-7;write blocking movablekeys;0 0 0;write stream slow blocking;stream;5.0.0;;RO access/keyword STREAMS 4/range -1 1 2
        xrevrange;-4;readonly;1 1 1;read stream slow;stream;5.0.0;;RO access/index 1/range 0 1 0
        xsetid;-3;write denyoom fast;1 1 1;write stream fast;stream;5.0.0;;RW update/index 1/range 0 1 0
        xtrim;-4;write;1 1 1;write stream slow;stream;5.0.0;nondeterministic_output;RW delete/index 1/range 0 1 0
        append;3;write denyoom fast;1 1 1;write string fast;string;2.0.0;;RW insert/index 1/range 0 1 0
        decr;2;write denyoom fast;1 1 1;write string fast;string;1.0.0;;RW access update/index 1/range 0 1 0
        decrby;3;write denyoom fast;1 1 1;write string fast;string;1.0.0;;RW access update/index 1/range 0 1 0
        get;2;readonly fast;1 1 1;read string fast;string;1.0.0;;RO access/index 1/range 0 1 0
        getdel;2;write fast;1 1 1;write string fast;string;6.2.0;;RW access delete/index 1/range 0 1 0
        getex;-2;write fast;1 1 1;write string fast;string;6.2.0;;RW access update/index 1/range 0 1 0
        getrange;4;readonly;1 1 1;read string slow;string;2.4.0;;RO access/index 1/range 0 1 0
        getset;3;write denyoom fast;1 1 1;write string fast;string;1.0.0;;RW access update/index 1/range 0 1 0
        incr;2;write denyoom fast;1 1 1;write string fast;string;1.0.0;;RW access update/index 1/range 0 1 0
        incrby;3;write denyoom fast;1 1 1;write string fast;string;1.0.0;;RW access update/index 1/range 0 1 0
        incrbyfloat;3;write denyoom fast;1 1 1;write string fast;string;2.6.0;;RW access update/index 1/range 0 1 0
        lcs;-3;readonly;1 2 1;read string slow;string;7.0.0;;RO access/index 1/range 1 1 0
        mget;-2;readonly fast;1 -1 1;read string fast;string;1.0.0;request_policy:multi_shard;RO access/index 1/range -1 1 0
        mset;-3;write denyoom;1 -1 2;write string slow;string;1.0.1;request_policy:multi_shard response_policy:all_succeeded;OW update/index 1/range -1 2 0
        msetnx;-3;write denyoom;1 -1 2;write string slow;string;1.0.1;request_policy:multi_shard response_policy:agg_min;OW insert/index 1/range -1 2 0
        psetex;4;write denyoom;1 1 1;write string slow;string;2.6.0;;OW update/index 1/range 0 1 0
        set;-3;write denyoom;1 1 1;write string slow;string;1.0.0;;RW access update variable_flags/index 1/range 0 1 0
        setex;4;write denyoom;1 1 1;write string slow;string;2.0.0;;OW update/index 1/range 0 1 0
        setnx;3;write denyoom fast;1 1 1;write string fast;string;1.0.0;;OW insert/index 1/range 0 1 0
        setrange;4;write denyoom;1 1 1;write string slow;string;2.2.0;;RW update/index 1/range 0 1 0
        strlen;2;readonly fast;1 1 1;read string fast;string;2.2.0;;RO/index 1/range 0 1 0
        substr;4;readonly;1 1 1;read string slow;string;1.0.0;;RO access/index 1/range 0 1 0
        """;
}
