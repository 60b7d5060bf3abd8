using System.Collections.Concurrent;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// A loop's road to the log: a few batches, of which one is being filled while others are on their way. When all are under way the loop waits before it
/// flushes more: that is the bound on what a slow disk can pile up. A batch that nobody waits for (execution at append whose replies have left, <see cref="Durability.Async"/>)
/// lingers, so that many turns cost one write and one fsync.
/// </summary>
internal sealed class WalLine
{
    private const int BatchesMax = 8;

    /// <summary>How long a batch lingers that nobody waits for. A crash of this process loses as much of what was acknowledged before it was durable.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(5);

    /// <summary>A batch of so many bytes lingers no more.</summary>
    private const int LingerBytesMax = 256 * 1024;

    private static readonly Mark AllUnderway = new("replication: every batch of a loop is on its way to the disk");
    private static readonly Mark Lingered = new("replication: a batch that nobody waits for lingered");

    private readonly IWalQueue queue;
    private readonly ConcurrentQueue<WalBatch> durable = new();
    private readonly Queue<Filled> underway = new();
    private readonly Stack<Filled> free = new();
    private Filled? current;
    private Instant lingersUntil = Instant.Never;
    private ulong sequence;

    /// <summary>A batch and who is to be told when it is durable.</summary>
    private sealed class Filled(int loop)
    {
        public WalBatch Batch { get; } = new(loop);

        public List<(Replica Replica, PersistToken Token)> Persisted { get; } = [];

        public List<(Replica Replica, LogPosition Position)> Recorded { get; } = [];

        public List<Replica> Deleted { get; } = [];
    }

    public WalLine(IWalQueue queue, int loop)
    {
        this.queue = queue;
        for (var i = 0; i < BatchesMax; i++) free.Push(new Filled(loop));
    }

    /// <summary>Whether something can be written now.</summary>
    public bool HasRoom
    {
        get
        {
            if (current is not null || free.Count > 0) return true;
            AllUnderway.Hit();
            return false;
        }
    }

    public bool HasNews => !durable.IsEmpty;

    /// <summary>When a batch that lingers is to be submitted; never when none does.</summary>
    public Instant LingersUntil => current is null ? Instant.Never : lingersUntil;

    /// <summary>On any thread.</summary>
    public void OnBatchDurable(WalBatch batch) => durable.Enqueue(batch);

    public void Create(GroupId group, Configuration configuration, uint featureLevel) => Urgent().Batch.AppendGroupCreated(group, configuration, featureLevel);

    public void Delete(Replica replica)
    {
        var filled = Urgent();
        filled.Batch.AppendTombstone(replica.Group);
        filled.Deleted.Add(replica);
    }

    public void Persist(Replica replica, in PersistRequest request)
    {
        var isAwaited = request.HardState is not null || request.TruncateFrom != LogIndex.Zero || replica.IsLogAwaited;
        var filled = isAwaited ? Urgent() : Lingering(replica.Loop.Now);
        var batch = filled.Batch;
        var group = replica.Group;
        if (request.TruncateFrom != LogIndex.Zero) batch.AppendTruncation(group, request.TruncateFrom);
        if (request.HardState is { } hardState) batch.AppendHardState(group, hardState);
        for (var i = 0; i < request.Count; i++) batch.AppendEntry(group, replica.Node.Log[request.First + (ulong)i]);
        filled.Persisted.Add((replica, request.Token));
        if (batch.IsFull) Submit();
    }

    public void Record(Replica replica, LogPosition position, Configuration configuration, uint featureLevel)
    {
        var filled = Urgent();
        filled.Batch.AppendCompaction(replica.Group, position, configuration, featureLevel);
        filled.Recorded.Add((replica, position));
    }

    public void Copy(Replica replica, LogIndex from, LogIndex through)
    {
        var log = replica.Node.Log;
        from = LogIndex.Max(from, log.Base.Index.Next);
        for (var index = from; index <= LogIndex.Min(through, log.Last.Index); index = index.Next)
        {
            var batch = Urgent().Batch;
            batch.AppendCopied(replica.Group, log[index]);
            if (batch.IsFull) Submit();
        }
    }

    /// <summary>Somebody waits for what was filled: it lingers no more.</summary>
    public void Hurry()
    {
        if (current is not null) lingersUntil = Instant.Zero;
    }

    /// <summary>Submits what was filled, unless it may linger.</summary>
    public void SubmitDue(Instant now)
    {
        if (now >= lingersUntil || current is { Batch.Bytes: >= LingerBytesMax }) Submit();
        else if (current is not null) Lingered.Hit();
    }

    public void Submit()
    {
        if (current is null || current.Batch.IsEmpty) return;
        lingersUntil = Instant.Never;
        current.Batch.Sequence = ++sequence;
        underway.Enqueue(current);
        var batch = current.Batch;
        current = null;
        queue.Submit(batch);
    }

    public void TakeDurable(Instant now)
    {
        while (durable.TryDequeue(out var batch))
        {
            var filled = underway.Dequeue();
            Invariant.Holds(ReferenceEquals(filled.Batch, batch), "the log completed a loop's batches out of order");
            foreach (var (replica, token) in filled.Persisted) replica.OnDurable(now, token);
            foreach (var (replica, position) in filled.Recorded) replica.OnRecorded(now, position);
            foreach (var replica in filled.Deleted) replica.Loop.OnDeleted(replica.Group);
            filled.Persisted.Clear();
            filled.Deleted.Clear();
            filled.Recorded.Clear();
            batch.Clear();
            if (underway.Count + free.Count < BatchesMax) free.Push(filled);
        }
    }

    private Filled Urgent()
    {
        lingersUntil = Instant.Zero;
        return Current();
    }

    private Filled Lingering(Instant now)
    {
        lingersUntil = Instant.Min(lingersUntil, now + Linger);
        return Current();
    }

    // A turn that fills more than one batch may borrow beyond the bound; what was borrowed is not kept.
    private Filled Current() => current ??= free.TryPop(out var filled) ? filled : new Filled(underway.Peek().Batch.Loop);
}
