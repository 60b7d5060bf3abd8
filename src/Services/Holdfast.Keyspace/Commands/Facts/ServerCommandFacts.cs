namespace Holdfast.Keyspace;

/// <summary>
/// Facts about the commands of Redis 7.0.15 on the server, its connections and the cluster, as its own COMMAND says them: name;arity;flags;first last step;categories;group;since;hints;key specs (flags/begin/find, with &amp; between). What a
/// family has not bound to a handler is known and not served.
/// </summary>
internal static class ServerCommandFacts
{
    public const string Rows = """
        asking;1;fast;0 0 0;fast connection;cluster;3.0.0;;
        cluster;-2;;0 0 0;slow;cluster;3.0.0;;
        cluster|addslots;-3;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|addslotsrange;-4;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;7.0.0;;
        cluster|bumpepoch;2;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;nondeterministic_output;
        cluster|count-failure-reports;3;admin stale;0 0 0;admin slow dangerous;cluster;3.0.0;nondeterministic_output;
        cluster|countkeysinslot;3;stale;0 0 0;slow;cluster;3.0.0;;
        cluster|delslots;-3;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|delslotsrange;-4;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;7.0.0;;
        cluster|failover;-2;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|flushslots;2;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|forget;3;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|getkeysinslot;4;stale;0 0 0;slow;cluster;3.0.0;nondeterministic_output;
        cluster|help;2;loading stale;0 0 0;slow;cluster;5.0.0;;
        cluster|info;2;stale;0 0 0;slow;cluster;3.0.0;nondeterministic_output;
        cluster|keyslot;3;stale;0 0 0;slow;cluster;3.0.0;;
        cluster|links;2;stale;0 0 0;slow;cluster;7.0.0;nondeterministic_output;
        cluster|meet;-4;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|myid;2;stale;0 0 0;slow;cluster;3.0.0;;
        cluster|nodes;2;stale;0 0 0;slow;cluster;3.0.0;nondeterministic_output;
        cluster|replicas;3;admin stale;0 0 0;admin slow dangerous;cluster;5.0.0;nondeterministic_output;
        cluster|replicate;3;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|reset;-2;admin noscript stale;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|saveconfig;2;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|set-config-epoch;3;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|setslot;-4;admin stale no_async_loading;0 0 0;admin slow dangerous;cluster;3.0.0;;
        cluster|shards;2;stale;0 0 0;slow;cluster;7.0.0;nondeterministic_output;
        cluster|slaves;3;admin stale;0 0 0;admin slow dangerous;cluster;3.0.0;nondeterministic_output;
        cluster|slots;2;stale;0 0 0;slow;cluster;3.0.0;nondeterministic_output;
        readonly;1;loading stale fast;0 0 0;fast connection;cluster;3.0.0;;
        readwrite;1;loading stale fast;0 0 0;fast connection;cluster;3.0.0;;
        auth;-2;noscript loading stale fast no_auth allow_busy;0 0 0;fast connection;connection;1.0.0;;
        client;-2;;0 0 0;slow;connection;2.4.0;;
        client|caching;3;noscript loading stale;0 0 0;slow connection;connection;6.0.0;;
        client|getname;2;noscript loading stale;0 0 0;slow connection;connection;2.6.9;;
        client|getredir;2;noscript loading stale;0 0 0;slow connection;connection;6.0.0;;
        client|help;2;loading stale;0 0 0;slow connection;connection;5.0.0;;
        client|id;2;noscript loading stale;0 0 0;slow connection;connection;5.0.0;;
        client|info;2;noscript loading stale;0 0 0;slow connection;connection;6.2.0;nondeterministic_output;
        client|kill;-3;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;2.4.0;;
        client|list;-2;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;2.4.0;nondeterministic_output;
        client|no-evict;3;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;7.0.0;;
        client|pause;-3;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;2.9.50;;
        client|reply;3;noscript loading stale;0 0 0;slow connection;connection;3.2.0;;
        client|setname;3;noscript loading stale;0 0 0;slow connection;connection;2.6.9;;
        client|tracking;-3;noscript loading stale;0 0 0;slow connection;connection;6.0.0;;
        client|trackinginfo;2;noscript loading stale;0 0 0;slow connection;connection;6.2.0;;
        client|unblock;-3;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;5.0.0;;
        client|unpause;2;admin noscript loading stale;0 0 0;admin slow dangerous connection;connection;6.2.0;;
        echo;2;loading stale fast;0 0 0;fast connection;connection;1.0.0;;
        hello;-1;noscript loading stale fast no_auth allow_busy;0 0 0;fast connection;connection;6.0.0;;
        ping;-1;fast;0 0 0;fast connection;connection;1.0.0;request_policy:all_shards response_policy:all_succeeded;
        quit;-1;noscript loading stale fast no_auth allow_busy;0 0 0;fast connection;connection;1.0.0;;
        reset;1;noscript loading stale fast no_auth allow_busy;0 0 0;fast connection;connection;6.2.0;;
        select;2;loading stale fast;0 0 0;fast connection;connection;1.0.0;;
        psubscribe;-2;pubsub noscript loading stale;0 0 0;pubsub slow;pubsub;2.0.0;;
        publish;3;pubsub loading stale fast;0 0 0;pubsub fast;pubsub;2.0.0;;
        pubsub;-2;;0 0 0;slow;pubsub;2.8.0;;
        pubsub|channels;-2;pubsub loading stale;0 0 0;pubsub slow;pubsub;2.8.0;;
        pubsub|help;2;loading stale;0 0 0;slow;pubsub;6.2.0;;
        pubsub|numpat;2;pubsub loading stale;0 0 0;pubsub slow;pubsub;2.8.0;;
        pubsub|numsub;-2;pubsub loading stale;0 0 0;pubsub slow;pubsub;2.8.0;;
        pubsub|shardchannels;-2;pubsub loading stale;0 0 0;pubsub slow;pubsub;7.0.0;;
        pubsub|shardnumsub;-2;pubsub loading stale;0 0 0;pubsub slow;pubsub;7.0.0;;
        punsubscribe;-1;pubsub noscript loading stale;0 0 0;pubsub slow;pubsub;2.0.0;;
        spublish;3;pubsub loading stale fast;1 1 1;pubsub fast;pubsub;7.0.0;;not_key/index 1/range 0 1 0
        ssubscribe;-2;pubsub noscript loading stale;1 -1 1;pubsub slow;pubsub;7.0.0;;not_key/index 1/range -1 1 0
        subscribe;-2;pubsub noscript loading stale;0 0 0;pubsub slow;pubsub;2.0.0;;
        sunsubscribe;-1;pubsub noscript loading stale;1 -1 1;pubsub slow;pubsub;7.0.0;;not_key/index 1/range -1 1 0
        unsubscribe;-1;pubsub noscript loading stale;0 0 0;pubsub slow;pubsub;2.0.0;;
        eval;-3;noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;2.6.0;;RW access update/index 2/keynum 0 1 1
        eval_ro;-3;readonly noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;7.0.0;;RO access/index 2/keynum 0 1 1
        evalsha;-3;noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;2.6.0;;RW access update/index 2/keynum 0 1 1
        evalsha_ro;-3;readonly noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;7.0.0;;RO access/index 2/keynum 0 1 1
        fcall;-3;noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;7.0.0;;RW access update/index 2/keynum 0 1 1
        fcall_ro;-3;readonly noscript stale skip_monitor no_mandatory_keys movablekeys;0 0 0;slow scripting;scripting;7.0.0;;RO access/index 2/keynum 0 1 1
        function;-2;;0 0 0;slow;scripting;7.0.0;;
        function|delete;3;write noscript;0 0 0;write slow scripting;scripting;7.0.0;request_policy:all_shards response_policy:all_succeeded;
        function|dump;2;noscript;0 0 0;slow scripting;scripting;7.0.0;;
        function|flush;-2;write noscript;0 0 0;write slow scripting;scripting;7.0.0;request_policy:all_shards response_policy:all_succeeded;
        function|help;2;loading stale;0 0 0;slow scripting;scripting;7.0.0;;
        function|kill;2;noscript allow_busy;0 0 0;slow scripting;scripting;7.0.0;request_policy:all_shards response_policy:one_succeeded;
        function|list;-2;noscript;0 0 0;slow scripting;scripting;7.0.0;nondeterministic_output_order;
        function|load;-3;write denyoom noscript;0 0 0;write slow scripting;scripting;7.0.0;request_policy:all_shards response_policy:all_succeeded;
        function|restore;-3;write denyoom noscript;0 0 0;write slow scripting;scripting;7.0.0;request_policy:all_shards response_policy:all_succeeded;
        function|stats;2;noscript allow_busy;0 0 0;slow scripting;scripting;7.0.0;nondeterministic_output request_policy:all_shards response_policy:special;
        script;-2;;0 0 0;slow;scripting;2.6.0;;
        script|debug;3;noscript;0 0 0;slow scripting;scripting;3.2.0;;
        script|exists;-3;noscript;0 0 0;slow scripting;scripting;2.6.0;request_policy:all_shards response_policy:agg_logical_and;
        script|flush;-2;noscript;0 0 0;slow scripting;scripting;2.6.0;request_policy:all_nodes response_policy:all_succeeded;
        script|help;2;loading stale;0 0 0;slow scripting;scripting;5.0.0;;
        script|kill;2;noscript allow_busy;0 0 0;slow scripting;scripting;2.6.0;request_policy:all_shards response_policy:one_succeeded;
        script|load;3;noscript stale;0 0 0;slow scripting;scripting;2.6.0;request_policy:all_nodes response_policy:all_succeeded;
        acl;-2;;0 0 0;slow;server;6.0.0;;
        acl|cat;-2;noscript loading stale;0 0 0;slow;server;6.0.0;;
        acl|deluser;-3;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|dryrun;-4;admin noscript loading stale;0 0 0;admin slow dangerous;server;7.0.0;;
        acl|genpass;-2;noscript loading stale;0 0 0;slow;server;6.0.0;;
        acl|getuser;3;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|help;2;loading stale;0 0 0;slow;server;6.0.0;;
        acl|list;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|load;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|log;-2;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|save;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|setuser;-3;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|users;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;6.0.0;;
        acl|whoami;2;noscript loading stale;0 0 0;slow;server;6.0.0;;
        bgrewriteaof;1;admin noscript no_async_loading;0 0 0;admin slow dangerous;server;1.0.0;;
        bgsave;-1;admin noscript no_async_loading;0 0 0;admin slow dangerous;server;1.0.0;;
        command;-1;loading stale;0 0 0;slow connection;server;2.8.13;nondeterministic_output_order;
        command|count;2;loading stale;0 0 0;slow connection;server;2.8.13;;
        command|docs;-2;loading stale;0 0 0;slow connection;server;7.0.0;nondeterministic_output_order;
        command|getkeys;-4;loading stale;0 0 0;slow connection;server;2.8.13;;
        command|getkeysandflags;-4;loading stale;0 0 0;slow connection;server;7.0.0;;
        command|help;2;loading stale;0 0 0;slow connection;server;5.0.0;;
        command|info;-2;loading stale;0 0 0;slow connection;server;2.8.13;nondeterministic_output_order;
        command|list;-2;loading stale;0 0 0;slow connection;server;7.0.0;nondeterministic_output_order;
        config;-2;;0 0 0;slow;server;2.0.0;;
        config|get;-3;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.0.0;;
        config|help;2;loading stale;0 0 0;slow;server;5.0.0;;
        config|resetstat;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.0.0;;
        config|rewrite;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.0;;
        config|set;-4;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.0.0;request_policy:all_nodes response_policy:all_succeeded;
        dbsize;1;readonly fast;0 0 0;keyspace read fast;server;1.0.0;request_policy:all_shards response_policy:agg_sum;
        debug;-2;admin noscript loading stale;0 0 0;admin slow dangerous;server;1.0.0;;
        failover;-1;admin noscript stale;0 0 0;admin slow dangerous;server;6.2.0;;
        flushall;-1;write;0 0 0;keyspace write slow dangerous;server;1.0.0;request_policy:all_shards response_policy:all_succeeded;
        flushdb;-1;write;0 0 0;keyspace write slow dangerous;server;1.0.0;request_policy:all_shards response_policy:all_succeeded;
        info;-1;loading stale;0 0 0;slow dangerous;server;1.0.0;nondeterministic_output request_policy:all_shards response_policy:special;
        lastsave;1;loading stale fast;0 0 0;admin fast dangerous;server;1.0.0;nondeterministic_output;
        latency;-2;;0 0 0;slow;server;2.8.13;;
        latency|doctor;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.13;nondeterministic_output request_policy:all_nodes response_policy:special;
        latency|graph;3;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.13;nondeterministic_output request_policy:all_nodes response_policy:special;
        latency|help;2;loading stale;0 0 0;slow;server;2.8.13;;
        latency|histogram;-2;admin noscript loading stale;0 0 0;admin slow dangerous;server;7.0.0;nondeterministic_output request_policy:all_nodes response_policy:special;
        latency|history;3;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.13;nondeterministic_output request_policy:all_nodes response_policy:special;
        latency|latest;2;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.13;nondeterministic_output request_policy:all_nodes response_policy:special;
        latency|reset;-2;admin noscript loading stale;0 0 0;admin slow dangerous;server;2.8.13;request_policy:all_nodes response_policy:all_succeeded;
        lolwut;-1;readonly fast;0 0 0;read fast;server;5.0.0;;
        memory;-2;;0 0 0;slow;server;4.0.0;;
        memory|doctor;2;;0 0 0;slow;server;4.0.0;nondeterministic_output request_policy:all_shards response_policy:special;
        memory|help;2;loading stale;0 0 0;slow;server;4.0.0;;
        memory|malloc-stats;2;;0 0 0;slow;server;4.0.0;nondeterministic_output request_policy:all_shards response_policy:special;
        memory|purge;2;;0 0 0;slow;server;4.0.0;request_policy:all_shards response_policy:all_succeeded;
        memory|stats;2;;0 0 0;slow;server;4.0.0;nondeterministic_output request_policy:all_shards response_policy:special;
        memory|usage;-3;readonly;2 2 1;read slow;server;4.0.0;;RO/index 2/range 0 1 0
        module;-2;;0 0 0;slow;server;4.0.0;;
        module|help;2;loading stale;0 0 0;slow;server;5.0.0;;
        module|list;2;admin noscript;0 0 0;admin slow dangerous;server;4.0.0;nondeterministic_output_order;
        module|load;-3;admin noscript no_async_loading;0 0 0;admin slow dangerous;server;4.0.0;;
        module|loadex;-3;admin noscript no_async_loading;0 0 0;admin slow dangerous;server;7.0.0;;
        module|unload;3;admin noscript no_async_loading;0 0 0;admin slow dangerous;server;4.0.0;;
        monitor;1;admin noscript loading stale;0 0 0;admin slow dangerous;server;1.0.0;;
        psync;-3;admin noscript no_async_loading no_multi;0 0 0;admin slow dangerous;server;2.8.0;;
        replconf;-1;admin noscript loading stale allow_busy;0 0 0;admin slow dangerous;server;3.0.0;;
        replicaof;3;admin noscript stale no_async_loading;0 0 0;admin slow dangerous;server;5.0.0;;
        restore-asking;-4;write denyoom asking;1 1 1;keyspace write slow dangerous;server;3.0.0;;OW update/index 1/range 0 1 0
        role;1;noscript loading stale fast;0 0 0;admin fast dangerous;server;2.8.12;;
        save;1;admin noscript no_async_loading no_multi;0 0 0;admin slow dangerous;server;1.0.0;;
        shutdown;-1;admin noscript loading stale no_multi allow_busy;0 0 0;admin slow dangerous;server;1.0.0;;
        slaveof;3;admin noscript stale no_async_loading;0 0 0;admin slow dangerous;server;1.0.0;;
        slowlog;-2;;0 0 0;slow;server;2.2.12;;
        slowlog|get;-2;admin loading stale;0 0 0;admin slow dangerous;server;2.2.12;request_policy:all_nodes nondeterministic_output;
        slowlog|help;2;loading stale;0 0 0;slow;server;6.2.0;;
        slowlog|len;2;admin loading stale;0 0 0;admin slow dangerous;server;2.2.12;request_policy:all_nodes response_policy:agg_sum nondeterministic_output;
        slowlog|reset;2;admin loading stale;0 0 0;admin slow dangerous;server;2.2.12;request_policy:all_nodes response_policy:all_succeeded;
        swapdb;3;write fast;0 0 0;keyspace write fast dangerous;server;4.0.0;;
        sync;1;admin noscript no_async_loading no_multi;0 0 0;admin slow dangerous;server;1.0.0;;
        time;1;loading stale fast;0 0 0;fast;server;2.6.0;nondeterministic_output;
        discard;1;noscript loading stale fast allow_busy;0 0 0;fast transaction;transactions;2.0.0;;
        exec;1;noscript loading stale skip_slowlog;0 0 0;slow transaction;transactions;1.2.0;;
        multi;1;noscript loading stale fast allow_busy;0 0 0;fast transaction;transactions;1.2.0;;
        unwatch;1;noscript loading stale fast allow_busy;0 0 0;fast transaction;transactions;2.2.0;;
        watch;-2;noscript loading stale fast allow_busy;1 -1 1;fast transaction;transactions;2.2.0;;RO/index 1/range -1 1 0
        """;
}
