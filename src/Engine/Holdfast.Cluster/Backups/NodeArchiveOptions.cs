using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Cluster;

/// <summary>What a node's archive is made from, and when.</summary>
public sealed record NodeArchiveOptions
{
    /// <summary>The backup directory, which several nodes and clusters may share: this node's archive is <c>CLUSTER/NODE</c> below it. On another disk than the data, else one loss takes both.</summary>
    public required string Directory { get; init; }

    /// <summary>The node's name.</summary>
    public required string NodeName { get; init; }

    /// <summary>The cluster.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>The SHA-256 of the cluster's authority, in hex; empty without TLS.</summary>
    public string AuthorityFingerprint { get; init; } = "";

    /// <summary>The authority's certificate (DER); empty without TLS.</summary>
    public ReadOnlyMemory<byte> AuthorityCertificate { get; init; }

    /// <summary>Where the groups are.</summary>
    public required NodeRuntime Runtime { get; init; }

    /// <summary>How long after a base the next one is taken. Default six hours: a restore reads a base and the log since.</summary>
    public TimeSpan BaseEvery { get; init; } = TimeSpan.FromHours(6);

    /// <summary>Every moment of so long ago can be restored. Default seven days.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(7);

    /// <summary>What the archive is encrypted with; null for not at all.</summary>
    public BackupKey? Key { get; init; }

    /// <summary>How often the log is followed: what is acknowledged is in the archive within about so long. Default half a second.</summary>
    public TimeSpan Pulse { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The wall clock, in microseconds since the Unix epoch.</summary>
    public Func<long> Clock { get; init; } = static () => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;

    /// <summary>Told when a base is complete, a sentence.</summary>
    public Action<string> Say { get; init; } = _ => { };

    /// <summary>Told what an operator should look at, a sentence; null: it is over.</summary>
    public Action<string?> Warn { get; init; } = _ => { };
}

/// <summary>How a node's archive stands; for all threads.</summary>
/// <param name="Folder">Where it is.</param>
/// <param name="BaseMicros">When the oldest of the groups' newest bases was complete; 0 before the first.</param>
/// <param name="CoveredMicros">Everything acknowledged before this moment is in the archive, in all groups; 0 before the first round.</param>
/// <param name="Fault">Why the last round failed; null when it did not.</param>
public sealed record NodeArchiveStatus(string Folder, long BaseMicros, long CoveredMicros, string? Fault)
{
    /// <summary>Bases that were completed since the node started.</summary>
    public int BasesTaken { get; init; }

    /// <summary>Whether bases are being taken now.</summary>
    public bool IsTakingBases { get; init; }

    /// <summary>Of the bases that are being taken: bytes copied.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>Of the bases that are being taken: bytes to copy, as far as is known.</summary>
    public long TotalBytes { get; init; }
}
