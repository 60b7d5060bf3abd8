using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>
/// A replica's read barrier. Reads asked in one turn share one question to the core; a granted read goes on when this replica has applied the grant's index.
/// A read that nobody could confirm is asked again until its time is over: nothing was read, so that is safe.
/// </summary>
internal sealed class ReadDesk(Replica replica, GroupOptions options)
{
    private static readonly Mark AskedAgain = new("replication: read asked again");
    private static readonly Mark NeverApplied = new("replication: granted read given up, its index was not applied in time");
    private static readonly Mark StaleServed = new("replication: stale read served without a question");

    private readonly Dictionary<ulong, Batch> batches = [];
    private readonly Stack<Batch> spare = new();
    private readonly PriorityQueue<Waiting, ulong> granted = new();
    private readonly List<(Waiting Read, ulong Index)> inTime = [];
    private Batch asked = new();
    private Batch refused = new();
    private ulong contexts;
    private int count;
    private Instant confirmedAt = Instant.Zero;
    private LogIndex confirmedIndex;
    private bool isConfirmed;

    private readonly record struct Waiting(IReadCompletion Completion, Instant Deadline);

    private sealed class Batch
    {
        public List<Waiting> Reads { get; } = [];

        public Instant AskedAt { get; set; }
    }

    public bool IsIdle => count == 0;

    public void Ask(Instant now, ReadConsistency consistency, IReadCompletion completion)
    {
        if (replica.Loop.IsStopping || replica.IsGone || replica.State is null || !replica.Restoring.IsReady || count >= options.PendingReadsMax)
        {
            completion.OnGrant(new ReadGrant(false, LogIndex.Zero, now));
            return;
        }

        // State with effects that may yet be taken back is shown to nobody (S15, S18): such a read waits like a strong one.
        var isSettled = replica.Execution is not { IsSettled: false };
        if (consistency.Kind == ReadKind.Local && isSettled)
        {
            completion.OnGrant(new ReadGrant(true, replica.State.Applied.Index, now));
            return;
        }

        // The age of what a leader confirmed counts from this node's own question (S14).
        if (consistency.Kind == ReadKind.Stale && isSettled && isConfirmed && (now - confirmedAt <= consistency.Bound || options.Bug == PlantedReplicaBug.StaleBoundIgnored) && replica.ReadableTo >= confirmedIndex)
        {
            StaleServed.Hit();
            completion.OnGrant(new ReadGrant(true, confirmedIndex, now));
            return;
        }

        count++;
        asked.Reads.Add(new Waiting(completion, now + options.ReadTimeout));
        replica.MarkDirty();
    }

    /// <summary>Before the core is flushed: one question for everything that was asked since.</summary>
    public void Submit(Instant now)
    {
        if (asked.Reads.Count == 0) return;
        var batch = asked;
        asked = spare.TryPop(out var reused) ? reused : new Batch();
        batch.AskedAt = now;
        batches.Add(++contexts, batch);
        replica.Node.ReadIndex(now, contexts);
    }

    public void OnDecided(Instant now, in ReadReady ready)
    {
        if (!batches.Remove(ready.Context, out var batch)) return;
        if (ready.Granted)
        {
            (confirmedAt, confirmedIndex, isConfirmed) = (batch.AskedAt, ready.Index, true);
            // What was executed here and is not yet committed must not be seen (S15, S17).
            var index = LogIndex.Max(ready.Index, replica.Execution?.ExecutedTo ?? LogIndex.Zero);
            foreach (var waiting in batch.Reads) granted.Enqueue(waiting, index.Value);
            Release(now);
        }
        else
        {
            AskedAgain.Hit();
            refused.Reads.AddRange(batch.Reads);
        }

        batch.Reads.Clear();
        spare.Push(batch);
    }

    /// <summary>Lets go on what waited for entries to be applied.</summary>
    public void Release(Instant now)
    {
        while (granted.TryPeek(out var waiting, out var index) && (index <= replica.ReadableTo.Value || options.Bug == PlantedReplicaBug.ReadGrantedBeforeApplied))
        {
            granted.Dequeue();
            count--;
            waiting.Completion.OnGrant(new ReadGrant(true, new LogIndex(index), now));
        }
    }

    /// <summary>Asks again what was refused, and gives up what is overdue.</summary>
    public void Retry(Instant now)
    {
        GiveUpGranted(now);
        if (refused.Reads.Count == 0) return;
        var again = refused;
        refused = spare.TryPop(out var reused) ? reused : new Batch();
        foreach (var waiting in again.Reads)
        {
            if (now < waiting.Deadline)
            {
                asked.Reads.Add(waiting);
            }
            else
            {
                count--;
                waiting.Completion.OnGrant(new ReadGrant(false, LogIndex.Zero, now));
            }
        }

        again.Reads.Clear();
        spare.Push(again);
        replica.MarkDirty();
    }

    /// <summary>A granted read waits for its index no longer than any other: a follower that was cut off since, or a leader whose own tail cannot be committed, may not apply it for hours.</summary>
    private void GiveUpGranted(Instant now)
    {
        var isAnyOverdue = false;
        foreach (var (waiting, _) in granted.UnorderedItems) isAnyOverdue |= now >= waiting.Deadline;
        if (!isAnyOverdue) return;
        while (granted.TryDequeue(out var waiting, out var index))
        {
            if (now < waiting.Deadline)
            {
                inTime.Add((waiting, index));
                continue;
            }

            NeverApplied.Hit();
            count--;
            waiting.Completion.OnGrant(new ReadGrant(false, LogIndex.Zero, now));
        }

        foreach (var (waiting, index) in inTime) granted.Enqueue(waiting, index);
        inTime.Clear();
    }

    /// <summary>The node stops, or the state that was to be read is gone: asking again, here or elsewhere, is safe.</summary>
    public void RefuseAll(Instant now)
    {
        foreach (var (_, batch) in batches) Refuse(now, batch);
        batches.Clear();
        Refuse(now, asked);
        Refuse(now, refused);
        while (granted.TryDequeue(out var waiting, out _)) waiting.Completion.OnGrant(new ReadGrant(false, LogIndex.Zero, now));
        count = 0;
    }

    private static void Refuse(Instant now, Batch batch)
    {
        foreach (var waiting in batch.Reads) waiting.Completion.OnGrant(new ReadGrant(false, LogIndex.Zero, now));
        batch.Reads.Clear();
    }
}
