using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>
/// Which ids a shard has, and how far it is in a split: part of the replicated state. A shard that was never split has all, and nothing is written of it. Of a split the source passes from nothing to sealed to
/// released, the target from expecting to adopted; a source that is sealed can go back, one that is released cannot.
/// </summary>
/// <param name="Part">The ids that it has.</param>
/// <param name="IsExpecting">A target before it has all: it takes what is staged, and neither writes nor reads.</param>
/// <param name="Leaving">Of a source that is sealed: the half that takes no more writes.</param>
/// <param name="SealedAt">The entry that sealed it; none otherwise.</param>
/// <param name="AdoptedAt">Of a target: the seal of whose half it adopted; none otherwise.</param>
/// <param name="ReleasedAt">Of a source: the last seal that was released; none before.</param>
internal readonly record struct ShardHold(HashPart Part, bool IsExpecting, HashPart Leaving, LogIndex SealedAt, LogIndex AdoptedAt, LogIndex ReleasedAt)
{
    /// <summary>Whether the shard was never part of a split.</summary>
    public bool IsWhole => this == default;

    /// <summary>In place of a seal: the target of a split that was given up. It adopts nothing any more.</summary>
    public static readonly LogIndex Abandoned = new(ulong.MaxValue);

    /// <summary>Whether it is the target of a split that was given up.</summary>
    public bool IsAbandoned => AdoptedAt == Abandoned;

    /// <summary>Whether half of it takes no writes just now.</summary>
    public bool IsSealed => SealedAt.Value != 0;

    /// <summary>Whether an id may be written here now.</summary>
    public bool Takes(in PointId id) => !IsExpecting && Part.Has(id) && !(IsSealed && Leaving.Has(id));

    /// <summary>Its share of the state's hash; nothing for a whole shard.</summary>
    public ulong Hash
    {
        get
        {
            if (IsWhole) return 0;
            var hash = new ContentHash(3);
            foreach (var word in (ReadOnlySpan<ulong>)[Part.Depth, Part.Bits, IsExpecting ? 1UL : 0, Leaving.Depth, Leaving.Bits, SealedAt.Value, AdoptedAt.Value, ReleasedAt.Value]) hash.Add(word);
            return hash.Value;
        }
    }

    /// <summary>Writes it, for snapshots.</summary>
    public void Write(SpanWriter writer)
    {
        WritePart(writer, Part);
        writer.WriteByte(IsExpecting ? (byte)1 : (byte)0);
        WritePart(writer, Leaving);
        writer.WriteUInt64(SealedAt.Value);
        writer.WriteUInt64(AdoptedAt.Value);
        writer.WriteUInt64(ReleasedAt.Value);
    }

    /// <summary>Reads it.</summary>
    public static ShardHold Read(ref SpanReader reader) =>
        new(ReadPart(ref reader), reader.ReadByte() != 0, ReadPart(ref reader), new LogIndex(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));

    /// <summary>Writes a part.</summary>
    public static void WritePart(SpanWriter writer, HashPart part)
    {
        writer.WriteByte(part.Depth);
        writer.WriteUInt64(part.Bits);
    }

    /// <summary>Reads a part.</summary>
    public static HashPart ReadPart(ref SpanReader reader) => new(Math.Min(reader.ReadByte(), (byte)HashPart.DepthMax), reader.ReadUInt64());
}
