using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Wire;

/// <summary>What a record of the write-ahead log says.</summary>
public enum WalRecordKind : byte
{
    /// <summary>Not a record: padding.</summary>
    None = 0,

    /// <summary>An entry at the end of its group's log. Body: the payload.</summary>
    Entry = 1,

    /// <summary>Term and vote (the vote stands in the index field, so that it needs no body).</summary>
    HardState = 2,

    /// <summary>Entries from the index on are void.</summary>
    Truncation = 3,

    /// <summary>A snapshot covers everything up to the position. Body: configuration and feature level there.</summary>
    Compaction = 4,

    /// <summary>The group begins on this node. Body: configuration and feature level.</summary>
    GroupCreated = 5,

    /// <summary>The group is gone from this node for good.</summary>
    Tombstone = 6,

    /// <summary>An entry that was written before, stated again so that an old segment may go: it shortens nothing (S9). Body: the payload.</summary>
    Copied = 7,

    /// <summary>Everything about a group but its entries; each segment begins with those of all groups (S9). Body: see the storage room.</summary>
    Marks = 8,
}

/// <summary>
/// The fixed head of a write-ahead log record; its body follows, padded with zeros to a multiple of 8. Header and body have a checksum each,
/// so that a rotten body still tells whose it was. All fields are little-endian.
/// <code>
///  0 header CRC32C   4 body CRC32C   8 body length   12 segment generation (low 32 bits)
/// 16 group          24 term         32 index         40 commit sequence
/// 48 kind           49 entry kind   50 flags         52 number in the commit (20 bits used) and whether it is the last (bit 31)
/// </code>
/// </summary>
public readonly record struct WalRecordHeader
{
    /// <summary>Bytes of an encoded header.</summary>
    public const int Size = 56;

    /// <summary>The largest body: an entry of 1 MiB and room for what wraps it.</summary>
    public const int BodyBytesMax = 2 * 1024 * 1024;

    /// <summary>Compaction only: the entries after the position did not belong to the snapshot's history and are void.</summary>
    public const ushort DropsSuffixFlag = 1;

    /// <summary>Copied only: when the record was written, the entry was no longer part of the log; it says nothing.</summary>
    public const ushort VoidFlag = 2;

    private const uint LastBit = 1u << 31;

    /// <summary>Checksum of the body.</summary>
    public uint BodyCrc { get; init; }

    /// <summary>Bytes of the body, without padding.</summary>
    public uint BodyLength { get; init; }

    /// <summary>The segment that the record was written for: a recycled file's old records carry another.</summary>
    public uint Generation { get; init; }

    /// <summary>The group.</summary>
    public GroupId Group { get; init; }

    /// <summary>The entry's or hard state's term.</summary>
    public Term Term { get; init; }

    /// <summary>The entry's index; of a hard state, the vote.</summary>
    public ulong Index { get; init; }

    /// <summary>The commit (one write and one fsync) that the record belongs to.</summary>
    public ulong Sequence { get; init; }

    /// <summary>What the record says.</summary>
    public WalRecordKind Kind { get; init; }

    /// <summary>The consensus core's kind of entry.</summary>
    public byte EntryKind { get; init; }

    /// <summary>See the flag constants.</summary>
    public ushort Flags { get; init; }

    /// <summary>The record's place in its commit, from 0.</summary>
    public uint Number { get; init; }

    /// <summary>Whether the commit ends with this record.</summary>
    public bool IsLast { get; init; }

    /// <summary>Bytes from this record's beginning to the next one's.</summary>
    public int TotalBytes => TotalBytesOf((int)BodyLength);

    /// <summary>Bytes that a record with such a body takes, padding included.</summary>
    public static int TotalBytesOf(int bodyLength) => Size + ((bodyLength + 7) & ~7);

    /// <summary>Writes everything that is known before the commit is put together; the rest comes with <see cref="Seal"/>.</summary>
    public void WriteUnsealed(Span<byte> target)
    {
        target[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], BodyCrc);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], BodyLength);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Group.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Index);
        target[48] = (byte)Kind;
        target[49] = EntryKind;
        BinaryPrimitives.WriteUInt16LittleEndian(target[50..], Flags);
    }

    /// <summary>Completes a header that <see cref="WriteUnsealed"/> wrote: its place in the log, and the checksum over all of it.</summary>
    public static void Seal(Span<byte> header, uint generation, ulong sequence, uint number, bool isLast, ushort flags)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], generation);
        BinaryPrimitives.WriteUInt64LittleEndian(header[40..], sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(header[50..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(header[52..], number | (isLast ? LastBit : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(header, Crc32C.Of(header[4..Size]));
    }

    /// <summary>Reads fields without asking whether the checksum holds: for records that this process has just encoded.</summary>
    public static WalRecordHeader Read(ReadOnlySpan<byte> source)
    {
        var number = BinaryPrimitives.ReadUInt32LittleEndian(source[52..]);
        return new WalRecordHeader
        {
            BodyCrc = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]),
            BodyLength = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]),
            Generation = BinaryPrimitives.ReadUInt32LittleEndian(source[12..]),
            Group = new GroupId(BinaryPrimitives.ReadUInt64LittleEndian(source[16..])),
            Term = new Term(BinaryPrimitives.ReadUInt64LittleEndian(source[24..])),
            Index = BinaryPrimitives.ReadUInt64LittleEndian(source[32..]),
            Sequence = BinaryPrimitives.ReadUInt64LittleEndian(source[40..]),
            Kind = (WalRecordKind)source[48],
            EntryKind = source[49],
            Flags = BinaryPrimitives.ReadUInt16LittleEndian(source[50..]),
            Number = number & ~LastBit,
            IsLast = (number & LastBit) != 0,
        };
    }

    /// <summary>Reads a header from disk; false when its checksum, kind or length says that there is none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out WalRecordHeader header)
    {
        header = default;
        if (source.Length < Size) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Of(source[4..Size])) return false;
        header = Read(source);
        return header.Kind is > WalRecordKind.None and <= WalRecordKind.Marks && header.BodyLength <= BodyBytesMax;
    }
}
