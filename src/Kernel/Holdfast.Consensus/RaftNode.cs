using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// One replica's side of one group's Raft protocol (Ongaro, "Consensus: Bridging Theory and Practice"). A single-threaded object:
/// the owner hands it inputs, each with a fresh monotonic <c>now</c>, which only change memory, and then calls
/// <see cref="Flush"/>, which says in <see cref="Effects"/> what is to be sent, persisted, applied and read.
/// Calling <see cref="Flush"/> once after a batch of inputs is how appends, acknowledgements and disk writes are batched.
/// It never waits, never asks the time, and on the steady path never allocates.
/// </summary>
public sealed class RaftNode
{
    /// <summary>Begins as a follower with what recovery found.</summary>
    public RaftNode(RaftOptions options, RaftStart start, SupportTable support, SeededRandom dice, Instant now) => throw new InvariantBrokenException("not built yet");

    /// <summary>This node.</summary>
    public NodeId Self => default;

    /// <summary>The entries this replica holds in memory: everything after the last compaction.</summary>
    public RaftLog Log => default!;

    /// <summary>The role in the current term.</summary>
    public RaftRole Role => default;

    /// <summary>The current term.</summary>
    public Term Term => default;

    /// <summary>The leader of the current term, or nobody known.</summary>
    public NodeId Leader => default;

    /// <summary>Everything up to here is committed, as far as this replica knows.</summary>
    public LogIndex Commit => default;

    /// <summary>The configuration in force: the newest in the log, committed or not.</summary>
    public Configuration Configuration => default!;

    /// <summary>When <see cref="Tick"/> wants to be called next; <see cref="Instant.Never"/> for a group at rest.</summary>
    public Instant Deadline => default;

    /// <summary>Whether a <see cref="Flush"/> would say anything.</summary>
    public bool HasEffects => default;

    /// <summary>Whether this leader holds a lease at <paramref name="now"/>: no other leader can have been elected (S2, S3), and reads need no round.</summary>
    public bool HoldsLease(Instant now) => default;

    /// <summary>Time has passed: election, heartbeat, check-quorum.</summary>
    public void Tick(Instant now) { }

    /// <summary>The node-pair support for <paramref name="node"/> was withdrawn: its groups look for another leader at once.</summary>
    public void OnSupportWithdrawn(Instant now, NodeId node) { }

    /// <summary>A vote is asked for.</summary>
    public void Step(Instant now, NodeId from, in RequestVote message) { }

    /// <summary>A vote is answered.</summary>
    public void Step(Instant now, NodeId from, in VoteReply message) { }

    /// <summary>Entries, a heartbeat or a commit announcement from a leader.</summary>
    public void Step(Instant now, NodeId from, in AppendHeader header, EntryBatch entries) { }

    /// <summary>A follower answers an append.</summary>
    public void Step(Instant now, NodeId from, in AppendReply message) { }

    /// <summary>A leader that has compacted what this replica lacks.</summary>
    public void Step(Instant now, NodeId from, in OfferSnapshot message) { }

    /// <summary>A leader asks this replica to stand.</summary>
    public void Step(Instant now, NodeId from, in TimeoutNow message) { }

    /// <summary>A follower asks for a read index.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexRequest message) { }

    /// <summary>The leader answers a read-index request.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexReply message) { }

    /// <summary>Puts an entry into the leader's log; the payload is copied.</summary>
    public ProposeResult Propose(Instant now, ReadOnlySpan<byte> payload) => default;

    /// <summary>Begins a membership change through joint consensus; the second step is proposed by the core itself when the first is committed.</summary>
    public ProposeResult ProposeConfiguration(Instant now, Configuration target) => default;

    /// <summary>Hands leadership to <paramref name="target"/>, or with nobody named to the best caught-up voter. Proposals are refused meanwhile; given up after one election timeout.</summary>
    public bool TransferLeadership(Instant now, NodeId target) => default;

    /// <summary>Asks for a read index for a batch of this node's reads: at once under the lease, else by a round, or through the leader. Decided in <see cref="Effects.Reads"/>.</summary>
    public void ReadIndex(Instant now, ulong context) { }

    /// <summary>Everything in the persist request is durable. Tokens come back in order; one may stand for all before it.</summary>
    public void OnDurable(Instant now, PersistToken token) { }

    /// <summary>The state machine has applied up to here.</summary>
    public void OnApplied(LogIndex index) { }

    /// <summary>The connection to a peer was lost or re-made: what was in flight may be gone.</summary>
    public void OnPeerReset(Instant now, NodeId peer) { }

    /// <summary>A durable local snapshot covers everything up to here (which has been applied): the log may forget it.</summary>
    public void Compact(LogIndex through) { }

    /// <summary>A snapshot was fetched, is durable, and has replaced the state: the log continues after it.</summary>
    public void OnSnapshotInstalled(Instant now, LogPosition position, Configuration configuration) { }

    /// <summary>Says what is to be done about all inputs since the last call. <paramref name="effects"/> must be clear.</summary>
    public void Flush(Instant now, Effects effects) { }
}
