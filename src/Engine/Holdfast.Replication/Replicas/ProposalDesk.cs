using System.Diagnostics;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// A replica's proposals: into the log when it leads, to the leader in a frame when it follows, and parked for a while when nobody is known to lead.
/// <para>
/// A proposal belongs to the term in which it was appended or handed over: no leader takes it in another. So when an entry of a later term is applied here and the proposal has not been, it is certain that it never will be
/// (terms only rise along a log), and it is proposed again. That is how a write outlives the leader that it was under way to. One whose fate stays open until its time is over is answered <em>unknown</em>, and is never sent twice (S25).
/// </para>
/// </summary>
internal sealed class ProposalDesk
{
    private const int ParkedMax = 1024;
    private const long ParkedBytesMax = 16 * 1024 * 1024;

    private static readonly Mark ParkedForLeader = new("replication: proposal parked until a leader is known");
    private static readonly Mark ForwardRefusedByLeader = new("replication: forwarded proposal refused");
    private static readonly Mark ForwardOfOtherTerm = new("replication: forwarded proposal of another term refused");
    private static readonly Mark ProposedAgain = new("replication: proposal of an earlier term certainly not written, proposed again");
    private static readonly Mark HiddenBySnapshot = new("replication: fate of proposals hidden by a snapshot");
    private static readonly Mark Chunked = new("replication: command appended in chunks");

    private readonly Replica replica;
    private readonly GroupOptions options;
    private readonly ProposalTable table;
    private readonly BoundedQueue<Parked> parked = new(ParkedMax);
    private readonly ByteBuffer payload = new();
    private readonly ByteBuffer frame = new();
    private long parkedBytes;
    private long stampedMicros;
    private Term reached;

    private readonly record struct Parked(byte[] Command, ProposeOptions Options, EnvelopeFlags Flags, IProposalCompletion Completion, Instant Deadline);

    public ProposalDesk(Replica replica, GroupOptions options, uint bootCount)
    {
        this.replica = replica;
        this.options = options;
        table = new ProposalTable(options.PendingProposalsMax, bootCount);
    }

    public bool IsIdle => Count == 0;

    /// <summary>Proposals whose fate is open, parked ones included.</summary>
    public int Count => table.Count + parked.Count;

    public void Propose(Instant now, ReadOnlySpan<byte> command, in ProposeOptions wish, EnvelopeFlags flags, IProposalCompletion completion)
    {
        if (replica.Loop.IsStopping || replica.IsGone)
        {
            completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Stopped));
            return;
        }

        var deadline = now + (wish.Timeout > TimeSpan.Zero ? wish.Timeout : options.ProposeTimeout);
        if (command.Length > options.CommandBytesMax) completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.TooLarge));
        else if (!table.HasRoom) completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Busy));
        else Place(now, command, wish, flags, completion, deadline);
    }

    private void Place(Instant now, ReadOnlySpan<byte> command, in ProposeOptions wish, EnvelopeFlags flags, IProposalCompletion completion, Instant deadline)
    {
        var node = replica.Node;
        if (MustWait(flags))
        {
            Park(command, wish, flags, completion, deadline);
        }
        else if (IsExecuted(flags))
        {
            if (node.Role == RaftRole.Leader) replica.Execution!.Execute(command, wish, completion);
            else completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.NoLeader)); // Clients of such a group are sent to its leader.
        }
        else if (node.Role == RaftRole.Leader)
        {
            var envelope = EnvelopeOf(wish, flags, new ProposalId(node.Self, table.NextNumber));
            var result = Append(now, envelope, command);
            if (result.Status == ProposeStatus.Accepted)
            {
                table.Add(completion, deadline, node.Term);
                if (completion is ProposeCall { Span: { } span }) replica.Trace.OnAppended(result.Position.Index, span);
            }
            else
            {
                table.PassOver(); // Chunks may stand in the log under its number.
                completion.OnCompleted(ProposeOutcome.Of(StatusOf(result.Status)));
            }
        }
        else if (TryForward(command, wish, flags, (completion as ProposeCall)?.Span))
        {
            table.Add(completion, deadline, node.Term);
            replica.MarkDirty();
        }
        else
        {
            table.PassOver();
            completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Busy));
        }
    }

    /// <summary>Whether a command is executed when it is appended: all but the group's own, where its machine does so at all.</summary>
    private bool IsExecuted(EnvelopeFlags flags) => replica.Execution is not null && (flags & EnvelopeFlags.Control) == 0;

    /// <summary>Whether there is nobody, for now, who would take a command.</summary>
    private bool MustWait(EnvelopeFlags flags)
    {
        var node = replica.Node;
        if (IsExecuted(flags)) return node.Role == RaftRole.Leader && !replica.Execution!.MayExecute;
        if (node.Role == RaftRole.Leader) return node.IsHandingOver;
        return node.Leader == NodeId.None || !replica.Loop.Mesh.IsConnected(node.Leader) || replica.State is null;
    }

    /// <summary>A follower hands on what a client asked of it.</summary>
    public void OnForward(Instant now, NodeId from, ref SpanReader reader)
    {
        var term = new Term(reader.ReadUInt64());
        if (!Envelope.TryDecode(ref reader, out var envelope) || envelope.Id.Origin != from || envelope.Has(EnvelopeFlags.Effects)) return;
        var isOfOtherTerm = term != replica.Node.Term && options.Bug != PlantedReplicaBug.ForwardTakenInAnyTerm;
        if (isOfOtherTerm) ForwardOfOtherTerm.Hit();
        var result = isOfOtherTerm || (replica.Execution is not null && !envelope.Has(EnvelopeFlags.Control))
            ? new ProposeResult(ProposeStatus.NotLeader, default, NodeId.None)
            : AppendOne(now, envelope, reader.Rest);
        if (result.Status == ProposeStatus.Accepted)
        {
            if (envelope.CompletesCommand) replica.Trace.OnForwardAppended(envelope.Id, result.Position.Index);
            return;
        }

        var writer = replica.BeginFrame(frame, FrameKind.ForwardRefused);
        writer.WriteUInt64(envelope.Id.Number);
        // Between two leaders it is not short of room: its client may ask again at once.
        writer.WriteByte((byte)(replica.Node.IsHandingOver ? ProposalStatus.NoLeader : StatusOf(result.Status)));
        replica.Loop.Mesh.TrySend(from, frame.Written);
    }

    /// <summary>The leader took nothing of a forwarded proposal.</summary>
    public void OnForwardRefused(ref SpanReader reader)
    {
        var number = reader.ReadUInt64();
        var status = (ProposalStatus)reader.ReadByte();
        if (!reader.IsWhole || status is not (ProposalStatus.NoLeader or ProposalStatus.Busy or ProposalStatus.TooLarge)) return;
        ForwardRefusedByLeader.Hit();
        if (table.Take(number, out var deadline) is not { } completion) return;
        // Nothing was written, and soon somebody leads: it waits for that, as it would have if this node had known.
        if (status == ProposalStatus.NoLeader && completion is ProposeCall call && !replica.Loop.IsStopping) Park(call.Command, call.Options, call.Flags, call, deadline);
        else completion.OnCompleted(ProposeOutcome.Of(status));
    }

    /// <summary>An entry that completes a proposal was applied here.</summary>
    public void OnApplied(in AppliedEntry applied, LogPosition position)
    {
        if (applied.Id.Origin != replica.Node.Self) return;
        table.Take(applied.Id.Number, out _)?.OnCompleted(new ProposeOutcome(applied.Status, position, applied.Reply));
    }

    /// <summary>An entry of that term was applied here, and all before it.</summary>
    public void OnReached(Instant now, Term term)
    {
        if (term == reached) return;
        reached = term;
        ProposeUndone(now, term);
    }

    /// <summary>The state is a snapshot's now: what it holds of the proposals under way was not seen, and nothing can be said of them any more.</summary>
    public void OnStateReplaced()
    {
        if (table.Count == 0 || options.Bug == PlantedReplicaBug.SnapshotTakenForNothing) return;
        HiddenBySnapshot.Hit();
        table.GiveUpKnowing();
    }

    private void ProposeUndone(Instant now, Term term)
    {
        foreach (var (completion, deadline) in table.TakeBefore(term))
        {
            // The call keeps what it proposes until it has ended; a completion on the loop has let go of it.
            if (completion is not ProposeCall call || now >= deadline || replica.Loop.IsStopping)
            {
                completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.NoLeader));
                continue;
            }

            ProposedAgain.Hit();
            if (table.HasRoom) Place(now, call.Command, call.Options, call.Flags, call, deadline);
            else call.OnCompleted(ProposeOutcome.Of(ProposalStatus.Busy));
        }
    }

    /// <summary>Somebody leads now.</summary>
    public void OnLeaderKnown(Instant now)
    {
        if (options.Bug == PlantedReplicaBug.ProposedAgainAtElection) ProposeUndone(now, replica.Node.Term);
        Unpark(now);
    }

    /// <summary>A leader is known, or this replica may now execute: what was parked goes on its way.</summary>
    public void Unpark(Instant now)
    {
        for (var left = parked.Count; left > 0 && parked.TryDequeue(out var waiting); left--)
        {
            parkedBytes -= waiting.Command.Length;
            if (now >= waiting.Deadline) waiting.Completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.NoLeader));
            else if (MustWait(waiting.Flags)) KeepParked(waiting);
            else if (!table.HasRoom) waiting.Completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Busy));
            else Place(now, waiting.Command, waiting.Options, waiting.Flags, waiting.Completion, waiting.Deadline);
        }
    }

    /// <summary>Back to the end of the line, as it is: parked commands are looked at many times a second, and are not copied each time.</summary>
    private void KeepParked(in Parked waiting)
    {
        parkedBytes += waiting.Command.Length;
        Invariant.Holds(parked.TryEnqueue(waiting), "a parked proposal lost its place");
    }

    public void Expire(Instant now)
    {
        table.ExpireUntil(now);
        Unpark(now);
    }

    /// <summary>The node stops: what was handed over is unknown, what was not is refused.</summary>
    public void Stop()
    {
        table.EndAll();
        while (parked.TryDequeue(out var waiting)) waiting.Completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.Stopped));
        parkedBytes = 0;
    }

    /// <summary>Appends the command as one entry, or as chunks when it is larger than one may be; its last chunk is the commit marker.</summary>
    public ProposeResult Append(Instant now, in Envelope envelope, ReadOnlySpan<byte> command)
    {
        if (command.Length <= options.ChunkBytes) return AppendOne(now, envelope, command);
        Chunked.Hit();
        ProposeResult result = default;
        for (var chunk = 0u; command.Length > 0; chunk++)
        {
            var bytes = command[..Math.Min(options.ChunkBytes, command.Length)];
            command = command[bytes.Length..];
            result = AppendOne(now, ChunkOf(envelope, chunk, command.Length == 0), bytes);
            // What was appended before stays incomplete and is never executed.
            if (result.Status != ProposeStatus.Accepted) return result;
        }

        return result;
    }

    /// <summary>The leader's stamp for an entry that is appended now.</summary>
    public long Stamp() => stampedMicros = Math.Max(Math.Max(stampedMicros, replica.State?.TimeMicros ?? 0), replica.Loop.WallMicros());

    private ProposeResult AppendOne(Instant now, in Envelope envelope, ReadOnlySpan<byte> command)
    {
        if (replica.Node.Role != RaftRole.Leader) return new ProposeResult(ProposeStatus.NotLeader, default, replica.Node.Leader);
        payload.Clear();
        var writer = new SpanWriter(payload);
        (envelope with { TimeMicros = Stamp() }).Encode(writer);
        writer.WriteBytes(command);
        replica.MarkDirty();
        return replica.Node.Propose(now, payload.Written);
    }

    private bool TryForward(ReadOnlySpan<byte> command, in ProposeOptions wish, EnvelopeFlags flags, Activity? span)
    {
        var envelope = EnvelopeOf(wish, flags, new ProposalId(replica.Node.Self, table.NextNumber));
        if (span is not null) AnnounceTrace(envelope.Id.Number, span);
        if (command.Length <= options.ChunkBytes) return ForwardOne(envelope, command);
        for (var chunk = 0u; command.Length > 0; chunk++)
        {
            var bytes = command[..Math.Min(options.ChunkBytes, command.Length)];
            command = command[bytes.Length..];
            if (!ForwardOne(ChunkOf(envelope, chunk, command.Length == 0), bytes)) return false;
        }

        return true;
    }

    /// <summary>Before the proposal itself, on the same connection, so that it is known when that comes. When it is lost the trace ends here.</summary>
    private void AnnounceTrace(ulong number, Activity span)
    {
        span.SetTag("forwarded_to", replica.Node.Leader.ToString());
        WriteTrace.Announce(replica.BeginFrame(frame, FrameKind.ForwardTrace), number, span.Context);
        replica.Loop.Mesh.TrySend(replica.Node.Leader, frame.Written);
    }

    private bool ForwardOne(in Envelope envelope, ReadOnlySpan<byte> command)
    {
        var writer = replica.BeginFrame(frame, FrameKind.Forward);
        writer.WriteUInt64(replica.Node.Term.Value);
        envelope.Encode(writer);
        writer.WriteBytes(command);
        return replica.Loop.Mesh.TrySend(replica.Node.Leader, frame.Written);
    }

    /// <summary>Waits for a leader or its time. The replica must have a turn: one that nobody talks to would never look at the time.</summary>
    private void Park(ReadOnlySpan<byte> command, in ProposeOptions wish, EnvelopeFlags flags, IProposalCompletion completion, Instant deadline)
    {
        ParkedForLeader.Hit();
        replica.MarkDirty();
        if (parkedBytes + command.Length > ParkedBytesMax || !parked.TryEnqueue(new Parked(command.ToArray(), wish, flags, completion, deadline)))
            completion.OnCompleted(ProposeOutcome.Of(ProposalStatus.NoLeader));
        else
            parkedBytes += command.Length;
    }

    private static Envelope EnvelopeOf(in ProposeOptions wish, EnvelopeFlags flags, ProposalId id) => new()
    {
        Flags = wish.Session != 0 ? flags | EnvelopeFlags.Session : flags,
        TimeMicros = 0,
        Id = id,
        Session = wish.Session,
        Sequence = wish.Sequence,
    };

    private static Envelope ChunkOf(in Envelope envelope, uint chunk, bool isLast) => envelope with
    {
        Flags = envelope.Flags | EnvelopeFlags.Chunk | (isLast ? EnvelopeFlags.LastChunk : EnvelopeFlags.None),
        Chunk = chunk,
    };

    public static ProposalStatus StatusOf(ProposeStatus status) => status switch
    {
        ProposeStatus.NotLeader => ProposalStatus.NoLeader,
        ProposeStatus.TooLarge => ProposalStatus.TooLarge,
        _ => ProposalStatus.Busy,
    };
}
