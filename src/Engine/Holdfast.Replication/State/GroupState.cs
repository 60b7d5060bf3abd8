using System.Numerics;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>What applying one entry, or a slice of it, has come to.</summary>
/// <param name="IsDone">False: call again with the same entry.</param>
/// <param name="Id">Whose proposal ended, when <paramref name="Ends"/>.</param>
/// <param name="Ends">The entry completes a proposal.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Reply">What the state machine answered.</param>
internal readonly record struct AppliedEntry(bool IsDone, ProposalId Id, bool Ends, ProposalStatus Status, object? Reply);

/// <summary>
/// A group's replicated state: the user's machine, and around it what every group has: stamped time, feature level, sessions, chunks, and a rolling hash
/// over all of it. Pure and single-threaded: the same entries give the same state and hash on every replica.
/// </summary>
internal sealed class GroupState
{
    internal const byte SectionVersion = 1;
    private const string NewerLevel = "the group's feature level is newer than this program: start a newer version";

    private static readonly Mark UnknownEntry = new("replication: entry without a readable envelope passed over", elsewhere: "ForeignFrameTests: simulated nodes propose through the production code, which writes envelopes");

    private readonly IStateMachine machine;
    private readonly SessionTable sessions;
    private readonly ChunkTable chunks;
    private readonly uint featureLevelKnown;
    private ulong hash;

    // An entry on which the machine has yielded.
    private bool isMidEntry;
    private Envelope envelope;
    private ByteBuffer? assembled;

    /// <param name="machine">The user's machine, empty.</param>
    /// <param name="sessionsMax">The bound of the session table.</param>
    /// <param name="featureLevel">The level that the group is at.</param>
    /// <param name="featureLevelKnown">The highest level that this binary knows.</param>
    /// <param name="partBytesMax">Bytes of all commands in part; another number than the default in tests only.</param>
    public GroupState(IStateMachine machine, int sessionsMax, uint featureLevel, uint featureLevelKnown, int partBytesMax = ChunkTable.BytesMax)
    {
        this.machine = machine;
        chunks = new ChunkTable(partBytesMax);
        this.featureLevelKnown = featureLevelKnown;
        sessions = new SessionTable(sessionsMax);
        FeatureLevel = featureLevel;
    }

    public IStateMachine Machine => machine;

    /// <summary>A planted mistake: see <see cref="PlantedReplicaBug.EvictedSessionExecuted"/>.</summary>
    public bool ExecutesEvicted { get; init; }

    /// <summary>The last entry that the state contains.</summary>
    public LogPosition Applied { get; private set; }

    /// <summary>The stamped time of the last entry; never goes back, whatever a leader stamps.</summary>
    public long TimeMicros { get; private set; }

    public uint FeatureLevel { get; private set; }

    public int SessionCount => sessions.Count;

    public int PartCount => chunks.Count;

    public bool IsMidEntry => isMidEntry;

    public ulong StateHash => HashWith(machine.StateHash);

    /// <summary>The hash of this state with a machine's that had come as far.</summary>
    public ulong HashWith(ulong machineHash) => Mix(hash ^ machineHash);

    /// <summary>Applies an entry. <paramref name="isExecuted"/>: this replica executed it at append, so the machine already holds its effects.</summary>
    public AppliedEntry Apply(in Entry entry, NodeId self, bool isExecuted)
    {
        if (!isMidEntry)
        {
            Invariant.Holds(entry.Position.Index == Applied.Index.Next, "an entry was applied out of order");
            Invariant.Holds(entry.Position.Term >= Applied.Term, "an entry's term is older than that of the one before it");
            if (entry.Position.Term > Applied.Term) chunks.DropAll();
        }

        if (entry.Kind != EntryKind.Command) return Finish(entry, default, false, ProposalStatus.Applied, null);

        var reader = new SpanReader(entry.Payload.Span);
        if (!Envelope.TryDecode(ref reader, out envelope))
        {
            // Features that need a newer envelope are raised only when every member knows them (S5), so only a foreign entry comes here.
            UnknownEntry.Hit();
            return Finish(entry, default, false, ProposalStatus.Applied, null);
        }

        var command = reader.Rest;
        if (!isMidEntry)
        {
            TimeMicros = Math.Max(TimeMicros, envelope.TimeMicros);
            if (envelope.Has(EnvelopeFlags.Chunk))
            {
                hash = Mix(hash ^ Crc32C.Of(command));
                assembled = chunks.Take(envelope, command);
                if (assembled is null) return Finish(entry, envelope.Id, false, ProposalStatus.Applied, null);
            }

            if (envelope.Has(EnvelopeFlags.Control)) return Finish(entry, envelope.Id, true, ProposalStatus.Applied, Control(entry.Position.Index, command));
            if (envelope.Has(EnvelopeFlags.Session))
            {
                hash = Mix(hash ^ envelope.Session ^ BitOperations.RotateLeft(envelope.Sequence, 32));
                // Effects were judged and executed when they were appended: that the session was evicted by an entry in between decides nothing any more (S15).
                object? earlier = null;
                var verdict = envelope.Has(EnvelopeFlags.Effects) ? SessionVerdict.Execute : sessions.Judge(envelope.Session, envelope.Sequence, out earlier);
                if (verdict == SessionVerdict.Evicted && !ExecutesEvicted) return Finish(entry, envelope.Id, true, ProposalStatus.SessionEvicted, null);
                if (verdict == SessionVerdict.AlreadyExecuted) return Finish(entry, envelope.Id, true, ProposalStatus.Applied, earlier);
            }
        }

        object? reply = null;
        if (!isExecuted)
        {
            var result = machine.Apply(new CommittedEntry
            {
                Position = entry.Position,
                TimeMicros = TimeMicros,
                FeatureLevel = FeatureLevel,
                Command = assembled is null ? command : assembled.Written,
                ReplyWanted = envelope.Id.Origin == self,
            });
            isMidEntry = !result.IsDone;
            if (isMidEntry) return default;
            reply = result.Reply;
        }

        if (envelope.Has(EnvelopeFlags.Session)) sessions.Executed(envelope.Session, envelope.Sequence, reply);
        return Finish(entry, envelope.Id, true, ProposalStatus.Applied, reply);
    }

    /// <summary>Whether a session's command should be executed at append; the table itself changes when the entry is committed.</summary>
    public SessionVerdict JudgeAhead(ulong session, ulong sequence) => sessions.Peek(session, sequence);

    public void EncodeSection(SpanWriter writer)
    {
        Invariant.Holds(!isMidEntry, "a snapshot was begun in the middle of an entry");
        writer.WriteByte(SectionVersion);
        MessageCodec.WritePosition(writer, Applied);
        writer.WriteUInt64((ulong)TimeMicros);
        writer.WriteUInt32(FeatureLevel);
        writer.WriteUInt64(hash);
        sessions.Encode(writer);
        chunks.Encode(writer);
    }

    /// <summary>Reads a section that precedes the machine's chunks; false when it is of another version or damaged. The state is then not to be used.</summary>
    public bool DecodeSection(ReadOnlySpan<byte> section)
    {
        var reader = new SpanReader(section);
        var version = reader.ReadByte();
        Applied = MessageCodec.ReadPosition(ref reader);
        TimeMicros = (long)reader.ReadUInt64();
        FeatureLevel = reader.ReadUInt32();
        hash = reader.ReadUInt64();
        sessions.Decode(ref reader);
        chunks.Decode(ref reader);
        (isMidEntry, assembled) = (false, null);
        Invariant.Holds(!reader.IsWhole || FeatureLevel <= featureLevelKnown, NewerLevel);
        return reader.IsWhole && version == SectionVersion;
    }

    private object? Control(LogIndex index, ReadOnlySpan<byte> command)
    {
        hash = Mix(hash ^ Crc32C.Of(command));
        var reader = new SpanReader(command);
        var kind = (ControlKind)reader.ReadByte();
        var argument = reader.ReadUInt64();
        switch (kind)
        {
            case ControlKind.OpenSession:
                sessions.Open(index.Value);
                return index.Value;
            case ControlKind.CloseSession:
                sessions.Close(argument);
                return null;
            case ControlKind.RaiseFeatureLevel:
                // To apply on without knowing how would be to diverge: the node stops here and goes on, from here, with a newer program (S5).
                Invariant.Holds(argument <= featureLevelKnown, NewerLevel);
                FeatureLevel = Math.Max(FeatureLevel, (uint)argument);
                return FeatureLevel;
            default:
                return null;
        }
    }

    private AppliedEntry Finish(in Entry entry, ProposalId id, bool ends, ProposalStatus status, object? reply)
    {
        hash = Mix(hash ^ entry.Position.Term.Value ^ BitOperations.RotateLeft(entry.Position.Index.Value, 32) ^ (ulong)TimeMicros);
        Applied = entry.Position;
        assembled = null;
        return new AppliedEntry(true, id, ends, status, reply);
    }

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
