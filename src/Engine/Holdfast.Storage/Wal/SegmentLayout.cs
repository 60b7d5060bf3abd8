using System.Buffers.Binary;
using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// A segment file: one block of header, <see cref="RingSlots"/> blocks of batch headers, then commits, each beginning on a block. The ring of batch headers lies
/// in the same file as the bodies, far from them, so that one fsync makes both durable.
/// </summary>
internal static class SegmentLayout
{
    public const int RingSlots = 16;

    private const string Suffix = ".seg";

    public static int DataStart(int blockBytes) => (1 + RingSlots) * blockBytes;

    public static long SlotOffset(ulong sequence, int blockBytes) => (1 + (long)(sequence % RingSlots)) * blockBytes;

    public static long AlignUp(long value, int blockBytes) => (value + blockBytes - 1) & -blockBytes;

    public static string FileName(ulong generation) => generation.ToString("D16", CultureInfo.InvariantCulture) + Suffix;

    public static bool TryParse(string name, out ulong generation)
    {
        generation = 0;
        return name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(name.AsSpan(0, name.Length - Suffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out generation);
    }
}

/// <summary>The first block of a segment. It is durable before anything else is written to the segment.</summary>
internal readonly record struct SegmentHeader
{
    public const int Size = 96;
    public const ushort CurrentVersion = 1;

    private const uint Magic = 0x4C415748; // "HWAL"

    public required ClusterId Cluster { get; init; }

    public required int BlockBytes { get; init; }

    public required ulong Generation { get; init; }

    /// <summary>The oldest segment that is still needed.</summary>
    public required ulong Oldest { get; init; }

    /// <summary>The sequence of the segment's first commit.</summary>
    public required ulong FirstSequence { get; init; }

    /// <summary>Commits up to this sequence were fsynced before the segment was begun.</summary>
    public required ulong ProvenSequence { get; init; }

    /// <summary>The segment that holds the commits before.</summary>
    public required ulong PreviousGeneration { get; init; }

    /// <summary>Where the log ends in that segment; what stands there afterwards was judged torn and is not part of the log.</summary>
    public required long PreviousEnd { get; init; }

    /// <summary>How many marks records the segment begins with (twice).</summary>
    public required uint MarksCount { get; init; }

    /// <summary>Whether the identity of some group was lost on this disk, at any time.</summary>
    public required bool GroupsMayBeLost { get; init; }

    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(target, CurrentVersion);
        target[2] = GroupsMayBeLost ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Cluster.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], (uint)BlockBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], MarksCount);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Oldest);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], FirstSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(target[48..], ProvenSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], PreviousGeneration);
        BinaryPrimitives.WriteInt64LittleEndian(target[64..], PreviousEnd);
        BinaryPrimitives.WriteUInt32LittleEndian(target[(Size - 4)..], Crc32C.Of(target[..(Size - 4)]));
    }

    /// <summary>Reads a header; false when it is not whole. A version of the future is reported by <paramref name="version"/> alone: its other fields are unknown.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out SegmentHeader header, out ushort version)
    {
        header = default;
        version = 0;
        if (source.Length < Size) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[(Size - 4)..]) != Crc32C.Of(source[..(Size - 4)])) return false;
        version = BinaryPrimitives.ReadUInt16LittleEndian(source);
        header = new SegmentHeader
        {
            Cluster = new ClusterId(BinaryPrimitives.ReadUInt64LittleEndian(source[8..])),
            BlockBytes = (int)BinaryPrimitives.ReadUInt32LittleEndian(source[16..]),
            MarksCount = BinaryPrimitives.ReadUInt32LittleEndian(source[20..]),
            Generation = BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            Oldest = BinaryPrimitives.ReadUInt64LittleEndian(source[32..]),
            FirstSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[40..]),
            ProvenSequence = BinaryPrimitives.ReadUInt64LittleEndian(source[48..]),
            PreviousGeneration = BinaryPrimitives.ReadUInt64LittleEndian(source[56..]),
            PreviousEnd = BinaryPrimitives.ReadInt64LittleEndian(source[64..]),
            GroupsMayBeLost = source[2] != 0,
        };
        return true;
    }
}

/// <summary>A batch header: it says that a commit was written, so that a bad body is not taken for one that never was.</summary>
internal readonly record struct RingSlot(uint Generation, ulong Sequence, uint Records)
{
    public const int Size = 32;

    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(target, SegmentHeader.CurrentVersion);
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Generation);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(target[16..], Records);
        BinaryPrimitives.WriteUInt32LittleEndian(target[(Size - 4)..], Crc32C.Of(target[..(Size - 4)]));
    }

    public static bool TryRead(ReadOnlySpan<byte> source, uint generation, out RingSlot slot)
    {
        slot = default;
        if (source.Length < Size) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[(Size - 4)..]) != Crc32C.Of(source[..(Size - 4)])) return false;
        slot = new RingSlot(
            BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[16..]));
        return slot.Generation == generation && slot.Sequence != 0;
    }
}
