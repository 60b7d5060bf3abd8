using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Execution at append, on the leader (S15 to S20): a command is executed when it comes, its effects are appended in the same input, and the reply is held
/// until the effects are committed and a read barrier holds, or leaves at once when the proposal asked for no more.
/// </summary>
/// <param name="replica">Whose commands they are.</param>
/// <param name="executor">Who executes them.</param>
/// <param name="options">The group's: how many replies may be held (beyond it commands are refused as busy before they execute), and how large an entry and the effects of one command may be.</param>
internal sealed class AppendExecution(Replica replica, IAppendExecutor executor, GroupOptions options)
{
    private static readonly Mark RefusedBeforeExecution = new("replication: no room for a command's effects, not executed");
    private static readonly Mark RefusedAfterExecution = new("replication: executed but not appended, taken back");
    private static readonly Mark TailTruncated = new("replication: executed tail truncated");
    private static readonly Mark CannotUndo = new("replication: executed tail cannot be undone");
    private static readonly Mark ReleasedByRound = new("replication: held reply released by a read round");

    private static readonly Mark Chunked = new("replication: effects appended in chunks");
    private static readonly Mark TornCommand = new("replication: an executed command was truncated in the middle of its chunks");

    private readonly Queue<LogPosition> executed = new();
    private readonly Queue<(LogIndex First, LogIndex Last)> chunked = new();
    private readonly Queue<Held> held = new();
    private readonly Dictionary<ulong, ulong> sequencesAhead = [];
    private readonly ByteBuffer effects = new();
    private readonly ByteBuffer payload = new();
    private LogIndex caughtUpAt;
    private LogIndex committedTo;
    private ulong heldFirst;
    private bool isRoundAsked;

    private readonly record struct Held(LogIndex Index, LogPosition Position, object? Reply, IProposalCompletion Completion);

    /// <summary>The last entry that was executed here, committed or not; zero when everything executed is applied.</summary>
    public LogIndex ExecutedTo { get; private set; }

    /// <summary>Nothing that was executed waits for its commit.</summary>
    public bool IsSettled => executed.Count == 0;

    /// <summary>The last entry that was executed; asked for while one waits for its commit.</summary>
    public LogPosition LastExecuted => new(replica.Node.Log.TermAt(ExecutedTo)!.Value, ExecutedTo);

    public bool IsIdle => held.Count == 0;

    private bool Leads => replica.Node.Role == RaftRole.Leader;

    /// <summary>
    /// A new leader executes nothing before an entry of its own term is applied (S15); and after a rebuild nothing before all that was executed then is applied from the log.
    /// </summary>
    public bool MayExecute => !replica.Node.IsHandingOver &&
        replica.Restoring.IsReady && replica.State!.Applied.Term == replica.Node.Term && replica.State.Applied.Index >= caughtUpAt;

    public void Execute(ReadOnlySpan<byte> command, in ProposeOptions wish, IProposalCompletion completion)
    {
        if (held.Count >= options.PendingProposalsMax && wish.Durability != Durability.Async)
        {
            completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Busy));
            return;
        }

        if (wish.Session != 0 && !IsNew(wish, completion)) return;

        // The core accepts the place first (S16): afterwards only effects that are larger than an entry may be are refused, and taken back.
        var admitted = replica.Node.Admit();
        if (admitted.Status != ProposeStatus.Accepted)
        {
            RefusedBeforeExecution.Hit();
            completion.OnCompleted(ProposeOutcome.Of(ProposalDesk.StatusOf(admitted.Status)));
            return;
        }

        var position = admitted.Position;
        var time = replica.Proposals.Stamp();
        effects.Clear();
        var result = executor.Execute(new AppendCommand(position, time, command), effects);
        if (result.HasEffects && !TryAppend(wish, time, position, completion)) return;
        if (wish.Durability == Durability.Async) completion.OnCompleted(new ProposeOutcome(ProposalStatus.Applied, position, result.Reply));
        else Hold(position, result.Reply, completion);

        // What only read, and is answered already, leaves nothing to flush.
        if (result.HasEffects || wish.Durability != Durability.Async) replica.MarkDirty();
    }

    /// <summary>Whether this replica executed the entry when it was appended; then the machine holds its effects already.</summary>
    public bool TakeExecuted(LogPosition position)
    {
        if (!executed.TryPeek(out var first) || first.Index != position.Index) return false;
        Invariant.Holds(first.Term == position.Term, "an entry was committed in the place of one that was executed and not taken back");
        executed.Dequeue();
        while (chunked.TryPeek(out var span) && span.Last <= position.Index) chunked.Dequeue();
        return true;
    }

    /// <summary>After entries were applied: the machine need not undo what is committed.</summary>
    public void OnApplied(LogIndex applied)
    {
        if (applied <= committedTo) return;
        committedTo = applied;
        executor.OnCommitted(applied);
    }

    public void OnTruncated(LogIndex from)
    {
        caughtUpAt = LogIndex.Min(caughtUpAt, from.Previous);
        if (executed.Count == 0 || from > ExecutedTo) return;
        TailTruncated.Hit();
        if (!Undo(from))
        {
            caughtUpAt = LogIndex.Min(caughtUpAt, from.Previous); // Of what was executed, the log holds no more than this.
            return;
        }

        for (var left = executed.Count; left > 0; left--)
            if (executed.Dequeue() is var position && position.Index < from) executed.Enqueue(position);
        for (var left = chunked.Count; left > 0; left--)
            if (chunked.Dequeue() is var span && span.Last < from) chunked.Enqueue(span);
        ExecutedTo = from.Previous;
        sequencesAhead.Clear();
    }

    /// <summary>
    /// The state is replaced by a snapshot's: what was executed is gone with it, and comes again from the log as it is committed. Entries that were executed and
    /// applied already, too: a leader that rebuilds because of a refused command executes nothing before it is at the log's end again (S15).
    /// </summary>
    public void OnStateReplaced()
    {
        caughtUpAt = replica.Node.Log.Last.Index;
        executed.Clear();
        chunked.Clear();
        sequencesAhead.Clear();
        ExecutedTo = LogIndex.Zero;
    }

    /// <summary>Leadership is lost: nobody knows what becomes of what was executed (S19).</summary>
    public void OnLeadershipLost()
    {
        while (held.TryDequeue(out var waiting))
        {
            heldFirst++;
            waiting.Completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Unknown));
        }
    }

    /// <summary>Lets replies go whose effects are committed, under the lease, or asks for a round that stands in for it (S17).</summary>
    public void Release(Instant now)
    {
        if (IsSettled) sequencesAhead.Clear();
        if (held.Count == 0 || held.Peek().Index > replica.State!.Applied.Index) return;
        if (replica.Node.HoldsLease(now)) ReleaseBefore(heldFirst + (ulong)held.Count);
        else if (!isRoundAsked)
        {
            isRoundAsked = true;
            replica.Reads.Ask(now, ReadConsistency.Strong, new Round(this, heldFirst + (ulong)held.Count));
        }
    }

    /// <summary>The reply waits for all that was executed so far; what of it lingers on its way to the disk (async) goes on.</summary>
    private void Hold(LogPosition position, object? reply, IProposalCompletion completion)
    {
        var through = options.Bug == PlantedReplicaBug.AsyncNotWaitedFor && held.Count == 0 && position.Index > ExecutedTo ? LogIndex.Zero : ExecutedTo;
        held.Enqueue(new Held(through, position, reply, completion));
        if (!IsSettled) replica.Loop.HurryLog();
    }

    private bool IsNew(in ProposeOptions wish, IProposalCompletion completion)
    {
        var verdict = replica.State!.JudgeAhead(wish.Session, wish.Sequence);
        if (verdict == SessionVerdict.Execute && sequencesAhead.TryGetValue(wish.Session, out var ahead) && ahead >= wish.Sequence)
            verdict = SessionVerdict.AlreadyExecuted;
        if (verdict == SessionVerdict.Execute) return true;
        if (verdict == SessionVerdict.Evicted) completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.SessionEvicted));
        else Hold(replica.Node.Log.Last, null, completion);
        replica.MarkDirty();
        return false;
    }

    private bool TryAppend(in ProposeOptions wish, long time, LogPosition position, IProposalCompletion completion)
    {
        var envelope = new Envelope
        {
            Flags = wish.Session != 0 ? EnvelopeFlags.Effects | EnvelopeFlags.Session : EnvelopeFlags.Effects,
            TimeMicros = time,
            Id = new ProposalId(NodeId.None, position.Index.Value),
            Session = wish.Session,
            Sequence = wish.Sequence,
        };
        var result = AppendAll(envelope, out var entries);
        if (result.Status != ProposeStatus.Accepted)
        {
            // Too large. Executed and not appended counts as truncated (S16); nothing of it was seen by anybody.
            RefusedAfterExecution.Hit();
            Undo(position.Index);
            completion.OnCompleted(ProposeOutcome.Of(ProposalDesk.StatusOf(result.Status)));
            return false;
        }

        ExecutedTo = result.Position.Index;
        Invariant.Holds(ExecutedTo.Value == position.Index.Value + entries - 1, "an executed command was appended in another place than it was executed for");
        for (var place = position.Index; place <= ExecutedTo; place = place.Next) executed.Enqueue(position with { Index = place });
        if (entries > 1) chunked.Enqueue((position.Index, ExecutedTo));
        if (wish.Session != 0) sequencesAhead[wish.Session] = wish.Sequence;
        return true;
    }

    /// <summary>
    /// Appends the effects: one entry, or as many as they need, of which the last completes the command for all replicas. Only their size can refuse them, and before the first.
    /// </summary>
    private ProposeResult AppendAll(in Envelope envelope, out ulong entries)
    {
        entries = 1;
        if (effects.Length > options.CommandBytesMax) return new ProposeResult(ProposeStatus.TooLarge, default, NodeId.None);
        if (effects.Length <= options.ChunkBytes) return AppendOne(envelope, effects.Written);
        Chunked.Hit();
        ProposeResult result = default;
        var rest = effects.Written;
        for (var chunk = 0u; rest.Length > 0; chunk++)
        {
            var bytes = rest[..Math.Min(options.ChunkBytes, rest.Length)];
            rest = rest[bytes.Length..];
            var last = rest.Length == 0 ? EnvelopeFlags.LastChunk : EnvelopeFlags.None;
            result = AppendOne(envelope with { Flags = envelope.Flags | EnvelopeFlags.Chunk | last, Chunk = chunk }, bytes);
            if (result.Status != ProposeStatus.Accepted) return result;
            entries = chunk + 1;
        }

        return result;
    }

    private ProposeResult AppendOne(in Envelope envelope, ReadOnlySpan<byte> bytes)
    {
        payload.Clear();
        var writer = new SpanWriter(payload);
        envelope.Encode(writer);
        writer.WriteBytes(bytes);
        return replica.Node.ProposeAdmitted(payload.Written);
    }

    /// <summary>Takes back what was executed from an index on; false when the machine cannot, and the state is rebuilt from snapshot and log instead (S20).</summary>
    private bool Undo(LogIndex from)
    {
        // A command of which only the end is gone is gone: the machine knows it by the place of its beginning.
        foreach (var (first, last) in chunked)
        {
            if (first >= from || from > last) continue;
            TornCommand.Hit();
            from = first;
        }

        if (executor.OnTruncated(from)) return true;
        CannotUndo.Hit();
        replica.Restoring.Rebuild();
        return false;
    }

    private void ReleaseBefore(ulong end)
    {
        while (heldFirst < end && held.TryPeek(out var waiting) && waiting.Index <= replica.State!.Applied.Index)
        {
            held.Dequeue();
            heldFirst++;
            waiting.Completion.OnCompleted(new ProposeOutcome(ProposalStatus.Applied, waiting.Position, waiting.Reply));
        }
    }

    /// <summary>A read round that began after the replies it stands for were asked.</summary>
    private sealed class Round(AppendExecution owner, ulong end) : IReadCompletion
    {
        public void OnGrant(in ReadGrant grant)
        {
            owner.isRoundAsked = false;
            if (!grant.IsGranted || !owner.Leads) return;
            ReleasedByRound.Hit();
            owner.ReleaseBefore(end);
        }
    }
}
