using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>
/// Entries as they travel in an append: count, then for each its term (8), kind (1) and payload (block). Their indexes follow the header's
/// <see cref="AppendHeader.Previous"/> one by one. A view over the received frame; nothing is copied before the log takes it.
/// </summary>
public readonly ref struct EntryBatch
{
    private readonly ReadOnlySpan<byte> encoded;

    private EntryBatch(int count, ReadOnlySpan<byte> encoded)
    {
        Count = count;
        this.encoded = encoded;
    }

    /// <summary>How many entries there are.</summary>
    public int Count { get; }

    /// <summary>No entries: a heartbeat.</summary>
    public static EntryBatch Empty => default;

    /// <summary>Writes <paramref name="count"/> entries of a log, commands without their payload when the receiver is a witness.</summary>
    public static void Encode(SpanWriter writer, RaftLog log, LogIndex first, int count, bool stripPayload)
    {
        writer.WriteUInt32((uint)count);
        for (var i = 0; i < count; i++)
        {
            var entry = log[first + (ulong)i];
            writer.WriteUInt64(entry.Position.Term.Value);
            writer.WriteByte((byte)entry.Kind);
            writer.WriteBlock(stripPayload && entry.Kind == EntryKind.Command ? default : entry.Payload.Span);
        }
    }

    /// <summary>Takes a batch from a frame and checks every length in it; false when it is malformed.</summary>
    public static bool TryDecode(ref SpanReader reader, out EntryBatch batch)
    {
        var count = reader.ReadUInt32();
        var encoded = reader.Rest;
        for (var i = 0u; i < count && reader.IsWhole; i++)
        {
            reader.ReadUInt64();
            if (reader.ReadByte() > (byte)EntryKind.Configuration) reader.Take(int.MaxValue);
            reader.ReadBlock();
        }

        batch = reader.IsWhole ? new EntryBatch((int)count, encoded[..(encoded.Length - reader.Rest.Length)]) : default;
        return reader.IsWhole;
    }

    /// <summary>Walks the entries.</summary>
    public Enumerator GetEnumerator() => new(encoded, Count);

    /// <summary>One entry of a batch.</summary>
    public readonly ref struct Item(Term term, EntryKind kind, ReadOnlySpan<byte> payload)
    {
        /// <summary>The term the entry was proposed in.</summary>
        public Term Term { get; } = term;

        /// <summary>What it is to the core.</summary>
        public EntryKind Kind { get; } = kind;

        /// <summary>Its bytes, valid as long as the frame.</summary>
        public ReadOnlySpan<byte> Payload { get; } = payload;
    }

    /// <summary>Walks a batch from its first entry to its last.</summary>
    public ref struct Enumerator(ReadOnlySpan<byte> encoded, int count)
    {
        private SpanReader reader = new(encoded);
        private int left = count;

        /// <summary>The entry the walk stands at.</summary>
        public Item Current { get; private set; }

        /// <summary>Goes on to the next entry.</summary>
        public bool MoveNext()
        {
            if (left-- <= 0) return false;
            Current = new Item(new Term(reader.ReadUInt64()), (EntryKind)reader.ReadByte(), reader.ReadBlock());
            return true;
        }
    }
}
