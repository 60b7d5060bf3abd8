using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

internal enum ScanKind : byte
{
    /// <summary>A whole record.</summary>
    Record,

    /// <summary>A record whose header is whole and whose body is not.</summary>
    BadBody,

    /// <summary>A stretch in which at most so many records were lost.</summary>
    Lost,
}

internal readonly record struct ScanItem(ScanKind Kind, WalRecordHeader Header, ulong Sequence, long Offset, int LostMax);

/// <summary>
/// Reads a segment's commits in order. Where a header does not hold, it looks for the next one that does: behind a bad sector the log is readable again,
/// and numbers in the headers say how much is missing.
/// </summary>
internal sealed class SegmentScan
{
    private readonly List<ScanItem> items = [];

    public IReadOnlyList<ScanItem> Items => items;

    /// <summary>A planted mistake: see <see cref="PlantedLogBug.BodyChecksumUnchecked"/>.</summary>
    public bool BelievesBodies { get; set; }

    /// <summary>The highest sequence for which there is any sign, in records or in the ring; zero for none.</summary>
    public ulong NewestSign { get; private set; }

    /// <summary>The highest sequence of a readable header; zero for none.</summary>
    public ulong NewestRecord { get; private set; }

    /// <summary>Where the last readable commit ends, on a block.</summary>
    public long End { get; private set; }

    public ulong RingNewest { get; private set; }

    public uint RingNewestRecords { get; private set; }

    /// <param name="file">The segment's bytes, up to where the log ends in it.</param>
    /// <param name="ring">Any prefix of the segment that contains its ring.</param>
    /// <param name="generation">The segment's generation, low 32 bits.</param>
    /// <param name="blockBytes">What commits are aligned to.</param>
    /// <param name="firstSequence">The first commit's sequence, or 0 when the segment's header does not tell.</param>
    public void Run(ReadOnlySpan<byte> file, ReadOnlySpan<byte> ring, uint generation, int blockBytes, ulong firstSequence)
    {
        items.Clear();
        NewestRecord = 0;
        (RingNewest, RingNewestRecords) = NewestInRing(ring, generation, blockBytes);
        var position = (long)SegmentLayout.DataStart(blockBytes);
        var sequence = firstSequence == 0 ? 0 : firstSequence - 1;
        var number = 0u;
        var open = false;
        var known = firstSequence != 0;
        End = position;
        while (true)
        {
            var next = new Expected(sequence, number, open, known);
            if (!TryHeader(file, position, generation, out var header) || !next.IsFollowedBy(header))
            {
                if (!Find(file, position, generation, next, out var found, out header)) break;
                var lost = open && header.Sequence == sequence ? (int)(header.Number - number) : LostIn(found - position);
                var (first, last) = (open ? sequence : sequence + 1, header.Number > 0 || header.Sequence == sequence ? header.Sequence : header.Sequence - 1);
                items.Add(new ScanItem(ScanKind.Lost, default, first, position, Math.Max(lost, 1)));

                // The segment's beginning restates what may be whole elsewhere; a commit that was lost behind it does not.
                if (first <= firstSequence + 1 && last > firstSequence + 1 && firstSequence > 0) items.Add(new ScanItem(ScanKind.Lost, default, last, position, Math.Max(lost, 1)));
                position = found;
            }

            var body = file.Slice((int)position + WalRecordHeader.Size, (int)header.BodyLength);
            items.Add(new ScanItem(BelievesBodies || Crc32C.Of(body) == header.BodyCrc ? ScanKind.Record : ScanKind.BadBody, header, header.Sequence, position, 0));
            sequence = header.Sequence;
            NewestRecord = sequence;
            number = header.Number + 1;
            open = !header.IsLast;
            known = true;
            position += header.TotalBytes;
            End = SegmentLayout.AlignUp(position, blockBytes);
            if (!open) position = End;
        }

        // A commit that the end of the log cuts was cut by an earlier recovery, which said so in the next segment's header.
        if (open && position < file.Length) items.Add(new ScanItem(ScanKind.Lost, default, sequence, position, LostIn(file.Length - position)));
        NewestSign = Math.Max(NewestRecord, RingNewest);
    }

    private static int LostIn(long bytes) => (int)Math.Clamp(bytes / WalRecordHeader.Size, 1, 1 << 20);

    private static bool TryHeader(ReadOnlySpan<byte> file, long position, uint generation, out WalRecordHeader header)
    {
        header = default;
        return position + WalRecordHeader.Size <= file.Length
            && WalRecordHeader.TryRead(file[(int)position..], out header)
            && header.Generation == generation
            && position + header.TotalBytes <= file.Length;
    }

    /// <summary>Finds the next header that can belong to the rest of the log.</summary>
    private static bool Find(ReadOnlySpan<byte> file, long from, uint generation, in Expected expected, out long found, out WalRecordHeader header)
    {
        for (found = from; found + WalRecordHeader.Size <= file.Length; found += 8)
        {
            // The generation is looked at first: it spares almost every checksum.
            if (BinaryPrimitives.ReadUInt32LittleEndian(file[((int)found + 12)..]) != generation) continue;
            if (TryHeader(file, found, generation, out header) && expected.MayBeFollowedBy(header)) return true;
        }

        header = default;
        return false;
    }

    /// <summary>The newest batch header of a segment's ring, and how many records its commit has; zeros for none.</summary>
    public static (ulong Sequence, uint Records) NewestInRing(ReadOnlySpan<byte> ring, uint generation, int blockBytes)
    {
        (ulong Sequence, uint Records) newest = default;
        for (var i = 0; i < SegmentLayout.RingSlots; i++)
        {
            var offset = (1 + i) * blockBytes;
            if (offset + RingSlot.Size > ring.Length) break;
            if (RingSlot.TryRead(ring[offset..], generation, out var slot) && slot.Sequence > newest.Sequence) newest = (slot.Sequence, slot.Records);
        }

        return newest;
    }

    /// <summary>Where the reader stands: inside a commit before a record number, or behind a whole commit.</summary>
    private readonly record struct Expected(ulong Sequence, uint Number, bool IsOpen, bool IsKnown)
    {
        public bool IsFollowedBy(in WalRecordHeader header) => IsOpen
            ? header.Sequence == Sequence && header.Number == Number
            : header.Number == 0 && (!IsKnown || header.Sequence == Sequence + 1);

        public bool MayBeFollowedBy(in WalRecordHeader header) => header.Sequence > Sequence || (IsOpen && header.Sequence == Sequence && header.Number >= Number);
    }
}
