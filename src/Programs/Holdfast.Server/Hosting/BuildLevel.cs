namespace Holdfast.Server.Hosting;

/// <summary>
/// The feature levels that this program runs. A change of what replicas apply, or of a format that they share, raises <see cref="Known"/> and branches on the group's level; a group is raised only when
/// every member's program knows the level (S5), and a program refuses what is above its own.
/// </summary>
internal static class BuildLevel
{
    /// <summary>
    /// The highest level. 2: the etcd keyspace's history may lie in runs, files by hash that its snapshots name (decision 0017); shards of vectors take conditional upserts, and are split; large values of the Redis face move to another shard in pieces (hashes, lists, sets, sorted sets, streams).
    /// </summary>
#if NEXT_FEATURE_LEVEL
    public const uint Known = 3; // The build that the rolling upgrade is tested with.
#else
    public const uint Known = 2;
#endif

    /// <summary>The lowest level that it can still run.</summary>
    public const uint Lowest = 1;
}
