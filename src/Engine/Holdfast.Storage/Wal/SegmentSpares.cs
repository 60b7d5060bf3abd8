using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// Segment files that wait for their use: released ones, and, while a log is young and has released none, one that is made ahead. To a file system a first write into new space is a change
/// of metadata, for which an fsync waits; so while a segment fills, the next one is written full of zeros by somebody who has time (<see cref="Prepare"/>), and the log only renames it.
/// Kept by the log's thread; <see cref="Prepare"/> may run on another one.
/// </summary>
/// <remarks>
/// Measured on ext4 beside thirty busy processes: zeros written into a new segment 4 MiB ahead of the log held up one commit in a thousand for 121 ms in the median and 516 ms at most, and the new
/// segment's header, whose fsync writes the file system's own data too, for 25 and 250 ms; commits between took 0.5 ms in the median.
/// </remarks>
internal sealed class SegmentSpares(IDisk disk, WalOptions options)
{
    private const string Prefix = "spare-";
    private const string UnfinishedPrefix = "filling-";
    private const int PieceBytes = 256 * 1024;

    /// <summary>Between two steps of <see cref="SnapshotStore.SyncEveryBytes"/> the disk is the log's alone: filling a segment takes some tenths of a second.</summary>
    private static readonly TimeSpan PauseBetweenSteps = TimeSpan.FromMilliseconds(5);

    /// <summary>On a disk with room for fewer segments than this nothing is made ahead: it would be full the sooner.</summary>
    private const int RoomSegmentsMin = 4;

    private static readonly Mark Reused = new("storage: a released segment's file was used again");

    private readonly Lock gate = new();
    private readonly List<string> ready = [];

    /// <summary>Whether a file is one that is being made. Its zeros had better pass the page cache by, however the log writes: copied through it they took a tenth of the processor time of a node that SETs in batches.</summary>
    public static bool IsBeingFilled(string path) => Path.GetFileName(path.AsSpan()).StartsWith(UnfinishedPrefix, StringComparison.Ordinal);

    /// <summary>How many whole spares lie in a log's folder, whoever keeps them. From any thread.</summary>
    public static int CountIn(IDisk disk, WalOptions options) => disk.List(options.Folder).Count(static name => name.StartsWith(Prefix, StringComparison.Ordinal));

    /// <summary>Whether nothing waits for its use.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (gate) return ready.Count == 0;
        }
    }

    /// <summary>After a restart: takes over a file of the log's folder that is a spare; what a process left half filled is deleted. False when it is neither.</summary>
    public bool TryTakeOver(string name)
    {
        if (name.StartsWith(UnfinishedPrefix, StringComparison.Ordinal)) disk.Delete($"{options.Folder}/{name}");
        else if (name.StartsWith(Prefix, StringComparison.Ordinal)) Add(name);
        else return false;
        return true;
    }

    /// <summary>Makes a spare the file at a path; false without any.</summary>
    public bool TryUse(string path)
    {
        lock (gate)
        {
            if (ready.Count == 0) return false;
            Reused.Hit();
            disk.Rename($"{options.Folder}/{ready[^1]}", path);
            ready.RemoveAt(ready.Count - 1);
            return true;
        }
    }

    /// <summary>A segment was released: keeps its file, or deletes it when enough are kept. The caller syncs the folder.</summary>
    public void Release(ulong segment, string path)
    {
        lock (gate)
        {
            if (ready.Count >= options.SparesMax)
            {
                disk.Delete(path);
                return;
            }

            ready.Add($"{Prefix}{segment}");
            disk.Rename(path, $"{options.Folder}/{ready[^1]}");
        }
    }

    /// <summary>Makes the spare that the segment after <paramref name="generation"/> will use, in small steps; nothing on a disk that is nearly full.</summary>
    /// <exception cref="IOException">There is no room, or the disk fails. Nothing is lost by that: the log makes its next segment itself, as it comes to it.</exception>
    public void Prepare(ulong generation, CancellationToken stopping)
    {
        if (disk.FreeBytes / options.SegmentBytes < RoomSegmentsMin) return;
        var path = $"{options.Folder}/{UnfinishedPrefix}{generation}";
        try
        {
            using (var file = disk.Open(path)) Fill(file, stopping);
            if (stopping.IsCancellationRequested) disk.Delete(path);
            else AddFilled(path, $"{Prefix}filled-{generation}");
        }
        catch (IOException)
        {
            disk.Delete(path);
            throw;
        }
    }

    private void AddFilled(string path, string name)
    {
        lock (gate)
        {
            disk.Rename(path, $"{options.Folder}/{name}");
            ready.Add(name);
        }
    }

    private void Fill(IDiskFile file, CancellationToken stopping)
    {
        var zeros = new AlignedBuffer().Take(PieceBytes);
        zeros.Clear();
        long unsynced = 0;
        for (long at = 0; at < options.SegmentBytes && !stopping.IsCancellationRequested; at += zeros.Length)
        {
            if (options.SegmentBytes - at < zeros.Length) zeros = zeros[..(int)(options.SegmentBytes - at)];
            file.Write(at, zeros);
            unsynced += zeros.Length;
            if (unsynced < SnapshotStore.SyncEveryBytes) continue;
            file.Sync();
            unsynced = 0;
            stopping.WaitHandle.WaitOne(PauseBetweenSteps);
        }

        file.Sync();
    }

    private void Add(string name)
    {
        lock (gate) ready.Add(name);
    }
}
