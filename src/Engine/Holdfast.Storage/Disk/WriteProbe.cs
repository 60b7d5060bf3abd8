using System.Diagnostics;

namespace Holdfast.Storage;

/// <summary>
/// Disks differ: some make an unbuffered overwrite durable much faster than a buffered one, some the other way round.
/// At start-up both are tried for a few milliseconds, with two writes a commit as the log does them.
/// </summary>
public static class WriteProbe
{
    private const int Block = 4096;
    private const int RoundsMin = 4;
    private const int RoundsMax = 32;
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(20);

    /// <summary>Whether unbuffered writes are clearly faster here (by a fifth at least), and what was measured, in a sentence.</summary>
    public static (bool PreferDirect, string Finding) Measure(string folder)
    {
        if (!OperatingSystem.IsLinux()) return (false, "Unbuffered writes are used on Linux only.");
        var path = Path.Combine(folder, "write-probe");
        try
        {
            using var direct = new LogDiskFile(path, prefersDirect: true);
            if (!direct.IsDirect) return (false, "The file system refuses unbuffered writes; the log uses fdatasync.");
            using var buffered = new DirectoryDiskFile(path);
            var block = new AlignedBuffer().Take(Block);
            block.Fill(1);

            // Overwritten space, as in a recycled segment: the first writes of fresh space also change the file's metadata.
            for (var i = 0; i < 2 * RoundsMax; i++) buffered.Write((long)i * Block, block);
            buffered.Sync();
            direct.Sync();
            var (synced, unbuffered) = Compare(buffered, direct, block);
            var text = $"A commit takes {synced.TotalMicroseconds:F0} us with fdatasync and {unbuffered.TotalMicroseconds:F0} us unbuffered";
            return unbuffered < synced * 0.8 ? (true, text + "; the log writes unbuffered.") : (false, text + "; the log uses fdatasync.");
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>In turn, and by the lower quartile: what others do on the machine meanwhile meets both alike, and only ever adds.</summary>
    private static (TimeSpan Buffered, TimeSpan Direct) Compare(IDiskFile buffered, IDiskFile direct, ReadOnlySpan<byte> block)
    {
        var began = Stopwatch.GetTimestamp();
        var (ofBuffered, ofDirect) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < RoundsMax && (i < RoundsMin || Stopwatch.GetElapsedTime(began) < Budget); i++)
        {
            ofBuffered.Add(Commit(buffered, i, block));
            ofDirect.Add(Commit(direct, i, block));
        }

        ofBuffered.Sort();
        ofDirect.Sort();
        return (ofBuffered[ofBuffered.Count / 4], ofDirect[ofDirect.Count / 4]);
    }

    private static TimeSpan Commit(IDiskFile file, int place, ReadOnlySpan<byte> block)
    {
        var start = Stopwatch.GetTimestamp();
        file.Write((long)place * Block, block);
        file.Write((long)(RoundsMax + place) * Block, block);
        file.Sync();
        return Stopwatch.GetElapsedTime(start);
    }
}
