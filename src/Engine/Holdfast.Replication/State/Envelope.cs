using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

[Flags]
internal enum EnvelopeFlags : byte
{
    None = 0,
    Session = 1,
    Chunk = 2,
    LastChunk = 4,
    Effects = 8,
    Control = 16,
}

/// <summary>Names a proposal for good: the node it came in at, and a number that the node never gives twice (its boot count is the high half).</summary>
internal readonly record struct ProposalId(NodeId Origin, ulong Number);

/// <summary>
/// How the payload of a command entry begins: version, flags, the leader's stamped time, origin and number; then session and sequence, and the chunk's
/// index, when the flags say so. The state machine sees what follows.
/// </summary>
internal readonly record struct Envelope
{
    public const byte Version = 1;

    /// <summary>Most bytes that an envelope takes.</summary>
    public const int BytesMax = 64;

    private const EnvelopeFlags Known = EnvelopeFlags.Session | EnvelopeFlags.Chunk | EnvelopeFlags.LastChunk | EnvelopeFlags.Effects | EnvelopeFlags.Control;

    public required EnvelopeFlags Flags { get; init; }

    public required long TimeMicros { get; init; }

    public required ProposalId Id { get; init; }

    public ulong Session { get; init; }

    public ulong Sequence { get; init; }

    public uint Chunk { get; init; }

    public bool Has(EnvelopeFlags flag) => (Flags & flag) != 0;

    /// <summary>Whether the command is complete with this entry: it came whole, or this is its last chunk.</summary>
    public bool CompletesCommand => !Has(EnvelopeFlags.Chunk) || Has(EnvelopeFlags.LastChunk);

    public void Encode(SpanWriter writer)
    {
        writer.WriteByte(Version);
        writer.WriteByte((byte)Flags);
        writer.WriteUInt64((ulong)TimeMicros);
        writer.WriteUInt64(Id.Origin.Value);
        writer.WriteUInt64(Id.Number);
        if (Has(EnvelopeFlags.Session))
        {
            writer.WriteUInt64(Session);
            writer.WriteUInt64(Sequence);
        }

        if (Has(EnvelopeFlags.Chunk)) writer.WriteUInt32(Chunk);
    }

    /// <summary>Reads what <see cref="Encode"/> wrote and leaves the reader at the command; false when it is of a version or kind this binary does not know.</summary>
    public static bool TryDecode(ref SpanReader reader, out Envelope envelope)
    {
        var version = reader.ReadByte();
        var flags = (EnvelopeFlags)reader.ReadByte();
        var time = (long)reader.ReadUInt64();
        var id = new ProposalId(new NodeId(reader.ReadUInt64()), reader.ReadUInt64());
        var hasSession = (flags & EnvelopeFlags.Session) != 0;
        envelope = new Envelope
        {
            Flags = flags,
            TimeMicros = time,
            Id = id,
            Session = hasSession ? reader.ReadUInt64() : 0,
            Sequence = hasSession ? reader.ReadUInt64() : 0,
            Chunk = (flags & EnvelopeFlags.Chunk) != 0 ? reader.ReadUInt32() : 0,
        };
        return reader.IsWhole && version == Version && (flags & ~Known) == 0;
    }
}

/// <summary>What a control entry changes in the group's own state.</summary>
internal enum ControlKind : byte
{
    OpenSession = 1,
    CloseSession = 2,
    RaiseFeatureLevel = 3,
}
