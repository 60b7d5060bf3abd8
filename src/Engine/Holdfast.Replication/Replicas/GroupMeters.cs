using System.Collections.Concurrent;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Replication;

/// <summary>A turn in a replica's role, term or leader.</summary>
/// <param name="Role">What it became.</param>
/// <param name="Term">In which term.</param>
/// <param name="Leader">Whom it follows; nobody while there is none.</param>
/// <param name="Leaderless">How long this replica had known no leader when it came to know this one; zero otherwise.</param>
public readonly record struct RoleTurn(RaftRole Role, Term Term, NodeId Leader, TimeSpan Leaderless);

/// <summary>How far one follower is, as its leader sees it.</summary>
/// <param name="Node">The follower.</param>
/// <param name="Match">Its log is known to agree up to here, and to be durable there.</param>
public readonly record struct FollowerPlace(NodeId Node, LogIndex Match);

/// <summary>What a replica counts on its loop, for the metrics page and the log of events. Reading is for any thread.</summary>
public sealed class GroupMeters
{
    /// <summary>Turns that nobody has taken yet; beyond it the oldest are dropped, since the newest says where the replica is.</summary>
    private const int TurnsMax = 256;

    private readonly ConcurrentQueue<RoleTurn> turns = new();
    private Instant leaderlessSince;
    private NodeId knownLeader;
    private Term knownTerm;
    private int pending;
    private long snapshotBytes;

    internal GroupMeters(Instant now) => leaderlessSince = now;

    /// <summary>How long this replica knew no leader, each time until it knew one again (R1.11).</summary>
    public Histogram ElectionSeconds { get; } = new(Histogram.Seconds);

    /// <summary>How often this replica came to know another leader, or the same in a new term.</summary>
    public Counter LeaderChanges { get; } = new();

    /// <summary>Proposals made here that were not applied: refused, or of unknown fate.</summary>
    public Counter ProposalsFailed { get; } = new();

    /// <summary>Snapshots of the own state that became durable.</summary>
    public Counter SnapshotsTaken { get; } = new();

    /// <summary>Snapshots of other replicas that replaced the state here.</summary>
    public Counter SnapshotsInstalled { get; } = new();

    /// <summary>From the beginning of a snapshot to its durable record.</summary>
    public Histogram SnapshotSeconds { get; } = new(Histogram.Seconds);

    /// <summary>Bytes of the newest snapshot taken here, shared files not counted.</summary>
    public long SnapshotBytes => Volatile.Read(ref snapshotBytes);

    /// <summary>Proposals made here whose fate is open.</summary>
    public int Pending => Volatile.Read(ref pending);

    /// <summary>Takes the oldest turn that nobody has taken yet.</summary>
    public bool TryTakeTurn(out RoleTurn turn) => turns.TryDequeue(out turn);

    internal void OnRole(Instant now, in RoleChange role)
    {
        var leaderless = TimeSpan.Zero;
        if (role.Leader == NodeId.None)
        {
            if (leaderlessSince == Instant.Never) leaderlessSince = now;
        }
        else
        {
            if (leaderlessSince != Instant.Never) ElectionSeconds.Observe(leaderless = now - leaderlessSince);
            leaderlessSince = Instant.Never;
            if (role.Leader != knownLeader || role.Term != knownTerm) LeaderChanges.Increment();
            (knownLeader, knownTerm) = (role.Leader, role.Term);
        }

        if (turns.Count >= TurnsMax) turns.TryDequeue(out _);
        turns.Enqueue(new RoleTurn(role.Role, role.Term, role.Leader, leaderless));
    }

    internal void OnPending(int count) => Volatile.Write(ref pending, count);

    internal void OnSnapshotTaken(long bytes, TimeSpan took)
    {
        Volatile.Write(ref snapshotBytes, bytes);
        SnapshotSeconds.Observe(took);
        SnapshotsTaken.Increment();
    }
}
