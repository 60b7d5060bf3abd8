using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Coordination.Runs;

/// <summary>What a run holds. Part of the format: never renumber.</summary>
internal enum HistoryRunKind : byte
{
    /// <summary>In any order: what the revision that was compacted when the run was written sees of the changes before it, deletions included where an earlier run may hold the key.</summary>
    Seen = 1,

    /// <summary>Every change of its revisions, in their order.</summary>
    Changes = 2,
}

/// <summary>
/// A piece of the keyspace's history that will never change, in a file named by its hash. Successive snapshots name the same runs. A run begins with a head of three bytes, version and kind, and goes on with
/// versions (<see cref="Mvcc.VersionCodec"/>).
/// </summary>
/// <param name="File">The file.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="From">The first revision that it speaks of.</param>
/// <param name="Through">The last. Runs follow each other without a gap; several that hold what one revision sees speak of the same.</param>
/// <param name="Records">Versions in it.</param>
/// <param name="Bytes">Its length.</param>
internal sealed record HistoryRun(FileHash File, HistoryRunKind Kind, long From, long Through, long Records, long Bytes)
{
    /// <summary>The format of a run's content.</summary>
    public const ushort FormatVersion = 1;

    /// <summary>Bytes before the first version.</summary>
    public const int HeadBytes = 3;

    /// <summary>Runs that a snapshot may name: with runs of the default size 64 GiB of history.</summary>
    public const int CountMax = 4096;

    /// <summary>Writes a run's head.</summary>
    public static void WriteHead(SpanWriter writer, HistoryRunKind kind)
    {
        writer.WriteUInt16(FormatVersion);
        writer.WriteByte((byte)kind);
    }

    /// <summary>Writes the list of a snapshot's runs: how many of them, from the first on, are settled, then each.</summary>
    public static void Write(SpanWriter writer, IReadOnlyList<HistoryRun> runs, int settled)
    {
        Span<byte> hash = stackalloc byte[FileHash.Size];
        writer.WriteUInt32((uint)settled);
        writer.WriteUInt32((uint)runs.Count);
        foreach (var run in runs)
        {
            run.File.CopyTo(hash);
            writer.WriteBytes(hash);
            writer.WriteByte((byte)run.Kind);
            writer.WriteUInt64((ulong)run.From);
            writer.WriteUInt64((ulong)run.Through);
            writer.WriteUInt64((ulong)run.Records);
            writer.WriteUInt64((ulong)run.Bytes);
        }
    }

    /// <summary>Reads it back; false when it is none, or one whose runs do not follow each other.</summary>
    public static bool TryRead(ref SpanReader reader, out List<HistoryRun> runs, out int settled)
    {
        settled = (int)reader.ReadUInt32();
        var count = reader.ReadUInt32();
        runs = [];
        if (!reader.IsWhole || count > CountMax || settled < 0 || settled > count) return false;
        for (; count > 0; count--)
        {
            var hash = reader.Take(FileHash.Size);
            if (!reader.IsWhole) return false;
            runs.Add(new HistoryRun(new FileHash(hash), (HistoryRunKind)reader.ReadByte(), (long)reader.ReadUInt64(), (long)reader.ReadUInt64(), (long)reader.ReadUInt64(), (long)reader.ReadUInt64()));
        }

        return reader.IsWhole && IsChain(runs);
    }

    /// <summary>Whether the runs speak of all revisions from the first on, without a gap.</summary>
    public static bool IsChain(IReadOnlyList<HistoryRun> runs)
    {
        var through = 0L;
        for (var i = 0; i < runs.Count; i++)
        {
            var (run, before) = (runs[i], i == 0 ? null : runs[i - 1]);
            var isSameSight = run.Kind == HistoryRunKind.Seen && before is { Kind: HistoryRunKind.Seen } && (run.From, run.Through) == (before.From, before.Through);
            if (!isSameSight && run.From != through + 1) return false;
            if (run.Through < run.From) return false;
            through = run.Through;
        }

        return true;
    }
}
