namespace Holdfast.Keyspace;

/// <summary>
/// Facts about commands that came after Redis 7.0, and our own; the fields are those of <see cref="DataCommandFacts"/>. The installed 7.0.15 cannot be asked about them: they are built from their documentation
/// (redis.io, 7.2 and 7.4) and marked so in docs/keyspace.md.
/// </summary>
internal static class NewerCommandFacts
{
    public const string Rows = """
        client|no-touch;3;noscript loading stale;0 0 0;slow connection;connection;7.2.0;;
        hexpire;-6;write denyoom fast;1 1 1;write hash fast;hash;7.4.0;;RW update/index 1/range 0 1 0
        hexpireat;-6;write denyoom fast;1 1 1;write hash fast;hash;7.4.0;;RW update/index 1/range 0 1 0
        hpexpire;-6;write denyoom fast;1 1 1;write hash fast;hash;7.4.0;;RW update/index 1/range 0 1 0
        hpexpireat;-6;write denyoom fast;1 1 1;write hash fast;hash;7.4.0;;RW update/index 1/range 0 1 0
        hpersist;-5;write fast;1 1 1;write hash fast;hash;7.4.0;;RW update/index 1/range 0 1 0
        hexpiretime;-5;readonly fast;1 1 1;read hash fast;hash;7.4.0;;RO access/index 1/range 0 1 0
        hpexpiretime;-5;readonly fast;1 1 1;read hash fast;hash;7.4.0;;RO access/index 1/range 0 1 0
        hpttl;-5;readonly fast;1 1 1;read hash fast;hash;7.4.0;nondeterministic_output;RO access/index 1/range 0 1 0
        httl;-5;readonly fast;1 1 1;read hash fast;hash;7.4.0;nondeterministic_output;RO access/index 1/range 0 1 0
        client|setinfo;4;noscript loading stale;0 0 0;slow connection;connection;7.2.0;;
        cluster|myshardid;2;stale;0 0 0;slow;cluster;7.2.0;nondeterministic_output;
        waitaof;4;blocking;0 0 0;slow blocking connection;generic;7.2.0;request_policy:all_shards response_policy:agg_min;
        holdfast.cancelmove;2;admin noscript no_multi;0 0 0;admin slow dangerous;holdfast;holdfast;;
        holdfast.durability;-1;noscript fast;0 0 0;fast connection;holdfast;holdfast;;
        holdfast.fence;-1;noscript fast;0 0 0;fast connection;holdfast;holdfast;;
        holdfast.forward;-1;noscript fast;0 0 0;fast connection;holdfast;holdfast;;
        holdfast.prefix;-1;admin noscript no_multi;0 0 0;admin slow dangerous;holdfast;holdfast;;
        holdfast.move;3;admin noscript no_multi;0 0 0;admin slow dangerous;holdfast;holdfast;;
        holdfast.moves;1;admin noscript;0 0 0;admin slow dangerous;holdfast;holdfast;;
        holdfast.rebalance;-1;admin noscript no_multi;0 0 0;admin slow dangerous;holdfast;holdfast;;
        """;
}
