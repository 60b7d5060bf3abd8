using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A beat: "support me". Answers the newest question only.</summary>
/// <param name="SentAt">The asker's clock when it asked: its lease counts from here (S3).</param>
/// <param name="Lease">How long a promise it asks for, at most <see cref="RaftOptions.LeaseMax"/>.</param>
public readonly record struct SupportBeat(Instant SentAt, TimeSpan Lease);

/// <summary>A promise: "until <paramref name="Lease"/> after I got your beat, my groups that are bound to this epoch vote for no one else".</summary>
public readonly record struct SupportReply(Instant SentAt, TimeSpan Lease, SupportEpoch Epoch);

/// <summary>
/// Who supports whom between this node and its peers, for one lane (S2). Both halves: what this node has promised, and what it was promised.
/// The beat thread and the loop both use it, so each method is one atomic step under the table's own lock.
/// </summary>
public sealed class SupportTable
{
    private readonly Lock gate = new();
    private readonly Dictionary<NodeId, Given> given = [];
    private readonly Dictionary<NodeId, SupportGrant> received = [];
    private readonly double driftMax;
    private readonly List<NodeId> unannounced = [];
    private ulong lastEpoch;

    private struct Given
    {
        public SupportEpoch Epoch;
        public Instant Until;
    }

    /// <summary>A table without promises.</summary>
    /// <param name="bootCount">How often this node has started: no two processes of one node give the same epoch.</param>
    /// <param name="driftMax">How much two clocks may differ in speed, as a fraction; a received lease is shortened by it. Default 1 %, a hundred times what crystals do.</param>
    public SupportTable(uint bootCount, double driftMax = 0.01)
    {
        this.driftMax = driftMax;
        lastEpoch = (ulong)bootCount << 32;
    }

    /// <summary>The epoch at which this node supports <paramref name="node"/>, lapsed or not, until it is withdrawn; none when it does not.</summary>
    public SupportEpoch EpochFor(NodeId node)
    {
        lock (gate) return given.TryGetValue(node, out var promise) ? promise.Epoch : SupportEpoch.None;
    }

    /// <summary>A peer asks for support: it is given, or prolonged.</summary>
    public SupportReply OnBeat(Instant now, NodeId from, in SupportBeat beat)
    {
        var lease = beat.Lease < RaftOptions.LeaseMax ? beat.Lease : RaftOptions.LeaseMax;
        lock (gate)
        {
            if (!given.TryGetValue(from, out var promise)) promise.Epoch = new SupportEpoch(++lastEpoch);
            var until = now + lease;
            if (until > promise.Until) promise.Until = until;
            given[from] = promise;
            return new SupportReply(beat.SentAt, lease, promise.Epoch);
        }
    }

    /// <summary>A peer has promised support.</summary>
    public void OnReply(NodeId from, in SupportReply reply)
    {
        var until = reply.SentAt + reply.Lease * (1 - driftMax);
        lock (gate)
        {
            // Replies may overtake each other on a re-made connection: an older question never shortens or replaces a newer answer.
            if (received.TryGetValue(from, out var known) && (known.Epoch.Value > reply.Epoch.Value || (known.Epoch == reply.Epoch && known.Until >= until))) return;
            received[from] = new SupportGrant(reply.Epoch, until);
        }
    }

    /// <summary>What <paramref name="node"/> has promised this node.</summary>
    public SupportGrant GrantFrom(NodeId node)
    {
        lock (gate) return received.TryGetValue(node, out var grant) ? grant : default;
    }

    /// <summary>Takes support back if the promise has lapsed; only then may this node's groups vote against <paramref name="node"/>.</summary>
    /// <returns>True when the node is not, or no longer, supported.</returns>
    public bool TryWithdraw(Instant now, NodeId node)
    {
        lock (gate)
        {
            if (!given.TryGetValue(node, out var promise)) return true;
            if (now <= promise.Until) return false;
            given.Remove(node);
            unannounced.Add(node);
            return true;
        }
    }

    /// <summary>The earliest time at which a promise can lapse.</summary>
    public Instant EarliestLapse()
    {
        var earliest = Instant.Never;
        lock (gate)
            foreach (var promise in given.Values)
                earliest = Instant.Min(earliest, promise.Until);
        return earliest;
    }

    /// <summary>
    /// Takes back every lapsed promise, and lists whose promises were taken back since the last call, here or by
    /// <see cref="TryWithdraw"/>: the groups that were bound to them look for another leader.
    /// </summary>
    public void WithdrawLapsed(Instant now, List<NodeId> withdrawn)
    {
        withdrawn.Clear();
        lock (gate)
        {
            foreach (var (node, promise) in given)
                if (now > promise.Until) withdrawn.Add(node);
            foreach (var node in withdrawn) given.Remove(node);
            withdrawn.AddRange(unannounced);
            unannounced.Clear();
        }

        withdrawn.Sort();
    }
}
