using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>What the user may say about the Redis face.</summary>
public sealed record KeyspaceOptions
{
    /// <summary>When replies to writes leave unless a connection says otherwise. Default: when a quorum has them on disk.</summary>
    public Durability Durability { get; init; }

    /// <summary>Replicas of each shard; odd. Fewer while the cluster has fewer nodes. Default 3.</summary>
    public int Replicas { get; init; } = 3;

    /// <summary>Clients at once; more are told so and closed. Default 10,000.</summary>
    public int ClientsMax { get; init; } = 10_000;

    /// <summary>How long a command waits for a leader of its slot to be known before it is refused. Default 2 s: several elections.</summary>
    public TimeSpan LeaderPatience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How old what a client reads from a replica may be, when it asked for that (READONLY). Default 1 s.</summary>
    public TimeSpan ReplicaAgeMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Who may use DEBUG: "no" (nobody, the default), "local" (clients on this machine) or "yes" (everybody), as Redis's enable-debug-command.</summary>
    public string DebugCommand { get; init; } = "no";

    /// <summary>The file that CONFIG REWRITE writes and the next start reads; empty for none, as of a Redis without a configuration file. Default none.</summary>
    public string SettingsFile { get; init; } = "";

    /// <summary>Bytes of replies that a client may leave unread before no more of its commands are read. Default 1 MiB.</summary>
    public int UnreadBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Whether slots are given out by hand (CLUSTER ADDSLOTS, redis-cli --cluster create) and not by themselves. Default: by themselves.</summary>
    public bool IsBootstrappedByHand { get; init; }
}
