using Holdfast.Coordination.Endpoints.SignIn;

namespace Holdfast.Coordination;

/// <summary>How old revisions are forgotten without being asked.</summary>
public enum AutoCompactionMode
{
    /// <summary>They are not: clients compact.</summary>
    Off = 0,

    /// <summary>What is older than a time goes.</summary>
    Periodic = 1,

    /// <summary>All but the newest so many revisions go.</summary>
    Revision = 2,
}

/// <summary>What may be set about the keyspace. Members should agree; where they do not, the leader's word counts for compaction and for clearing alarms.</summary>
public sealed record CoordinationOptions
{
    /// <summary>The largest command that a group takes.</summary>
    private const int RequestBytesMost = 32 * 1024 * 1024;

    /// <summary>What the keyspace may take in memory; beyond it puts are refused until there is room again. Default 2 GiB, etcd's. More than nothing.</summary>
    public long QuotaBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>The largest write in bytes. Default 1.5 MiB, etcd's (<c>--max-request-bytes</c>); the front door's own bound is beside it (<see cref="Endpoints.EndpointLimits.RequestBytesMax"/>).</summary>
    public int RequestBytesMax { get; init; } = CoordinationFace.RequestBytesMax;

    /// <summary>How old revisions are forgotten. On by default, unlike etcd: a history that nobody compacts fills the memory.</summary>
    public AutoCompactionMode AutoCompaction { get; init; } = AutoCompactionMode.Periodic;

    /// <summary>With <see cref="AutoCompactionMode.Periodic"/>: how long revisions are kept. One hour; at least a second.</summary>
    public TimeSpan RetentionTime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>With <see cref="AutoCompactionMode.Revision"/>: how many revisions are kept. Looked at every five minutes, as in etcd.</summary>
    public long RetentionRevisions { get; init; } = 1000;

    /// <summary>How callers are recognised while auth is on. JSON Web Tokens are set on all members or on none.</summary>
    public CoordinationAuthOptions Auth { get; init; } = new();

    /// <summary>How often a watch that asked for it is told the revision while nothing happens. Ten minutes, etcd's; at least 100 ms. kube-apiserver likes 5 s.</summary>
    public TimeSpan WatchProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a client that takes a snapshot may read as slowly as it likes. A minute; less in tests only.</summary>
    internal TimeSpan SnapshotHeadStart { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>All faults at once; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (QuotaBytes < 1) faults.Add("QuotaBytes: more than nothing");
        if (RequestBytesMax is < 1 or > RequestBytesMost) faults.Add("RequestBytesMax: between 1 byte and 32 MiB");
        if (AutoCompaction == AutoCompactionMode.Periodic && RetentionTime < TimeSpan.FromSeconds(1)) faults.Add("RetentionTime: at least a second");
        if (AutoCompaction == AutoCompactionMode.Revision && RetentionRevisions < 1) faults.Add("RetentionRevisions: at least 1");
        if (WatchProgressInterval < TimeSpan.FromMilliseconds(100)) faults.Add("WatchProgressInterval: at least 100 ms");
        return faults;
    }
}
