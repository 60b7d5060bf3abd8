namespace Holdfast.Storage.Tests;

/// <summary>A disk in memory that forgets what was not synced, files and names of files and folders, tears, rots, fills and fails.</summary>
internal sealed class MemoryDisk : IDisk
{
    private const int Sector = 512;

    private SortedDictionary<string, Node> names = new(StringComparer.Ordinal);
    private SortedDictionary<string, Node> durableNames = new(StringComparer.Ordinal);

    // A folder is a name in the folder above, and durable when that was synced.
    private HashSet<string> folders = new(StringComparer.Ordinal);
    private readonly HashSet<string> durableFolders = new(StringComparer.Ordinal);

    private int syncsLeft = int.MaxValue;

    public long FreeBytes { get; set; } = long.MaxValue;

    public bool FailSyncs { get; set; }

    public int Syncs { get; private set; }

    /// <summary>From the given number of syncs on, syncs claim success and do nothing: where power will be lost before they return.</summary>
    public void LoseSyncsAfter(int syncs) => syncsLeft = syncs;

    public IEnumerable<string> Paths => names.Keys;

    public IDiskFile Open(string path)
    {
        if (!names.TryGetValue(path, out var node)) names[path] = node = new Node();
        CreateFolder(ParentOf(path));
        return new Handle(this, node);
    }

    public bool Exists(string path) => names.ContainsKey(path) || List(path).Count > 0;

    public IReadOnlyList<string> List(string folder)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var path in names.Keys)
            if (path.StartsWith(folder + "/", StringComparison.Ordinal)) found.Add(path[(folder.Length + 1)..].Split('/')[0]);
        return [.. found];
    }

    public void CreateFolder(string folder)
    {
        for (; folder.Length > 0; folder = ParentOf(folder)) folders.Add(folder);
    }

    public void Delete(string path)
    {
        foreach (var name in names.Keys.ToList())
            if (name == path || name.StartsWith(path + "/", StringComparison.Ordinal)) names.Remove(name);
    }

    public void Rename(string from, string to)
    {
        names[to] = names[from];
        names.Remove(from);
    }

    public void SyncFolder(string folder)
    {
        foreach (var name in durableNames.Keys.ToList())
            if (ParentOf(name) == folder && !names.ContainsKey(name)) durableNames.Remove(name);
        foreach (var (name, node) in names)
            if (ParentOf(name) == folder) durableNames[name] = node;
        foreach (var name in folders)
            if (ParentOf(name) == folder) durableFolders.Add(name);
    }

    /// <summary>Power is lost: of what was not synced, only the sectors that <paramref name="survives"/> names (file, sector) are on disk.</summary>
    public void LosePower(Func<string, long, bool>? survives = null)
    {
        foreach (var (name, node) in names) node.LosePower(sector => survives?.Invoke(name, sector) ?? false);
        folders = [.. durableFolders.Where(IsReachable)];
        names = new SortedDictionary<string, Node>(durableNames, StringComparer.Ordinal);
        foreach (var name in durableNames.Keys)
            if (!IsReachable(ParentOf(name))) names.Remove(name);
        FailSyncs = false;
        syncsLeft = int.MaxValue;
    }

    /// <summary>Flips bits at a place on the medium.</summary>
    public void Rot(string path, long offset, int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            names[path].Now[offset + i] ^= 0x5A;
            names[path].OnMedium[offset + i] ^= 0x5A;
        }
    }

    public byte[] Content(string path) => names[path].Now;

    private bool IsReachable(string folder) => folder.Length == 0 || (durableFolders.Contains(folder) && IsReachable(ParentOf(folder)));

    private static string ParentOf(string path) => path.Contains('/') ? path[..path.LastIndexOf('/')] : "";

    private sealed class Node
    {
        public byte[] Now = [];
        public byte[] OnMedium = [];
        private readonly HashSet<long> dirty = [];

        public void Resize(long length)
        {
            if (Now.Length < length) Array.Resize(ref Now, (int)length);
        }

        public void Touch(long offset, int count)
        {
            for (var sector = offset / Sector; sector * Sector < offset + count; sector++) dirty.Add(sector);
        }

        public void Sync()
        {
            OnMedium = Medium();
            dirty.Clear();
        }

        /// <summary>What an uncached read sees, and a sync makes durable: the medium, and the sectors that are still to be written to it.</summary>
        public byte[] Medium()
        {
            var medium = new byte[Now.Length];
            OnMedium.AsSpan(0, Math.Min(OnMedium.Length, medium.Length)).CopyTo(medium);
            foreach (var sector in dirty)
            {
                var from = (int)(sector * Sector);
                var count = Math.Min(Sector, Now.Length - from);
                Now.AsSpan(from, count).CopyTo(medium.AsSpan(from));
            }

            return medium;
        }

        public void CallClean() => dirty.Clear();

        public void LosePower(Func<long, bool> survives)
        {
            var after = new byte[Now.Length];
            OnMedium.AsSpan(0, Math.Min(OnMedium.Length, after.Length)).CopyTo(after);
            foreach (var sector in dirty)
            {
                if (!survives(sector)) continue;
                var from = (int)(sector * Sector);
                var count = Math.Min(Sector, Now.Length - from);
                Now.AsSpan(from, count).CopyTo(after.AsSpan(from));
            }

            Now = after;
            OnMedium = [.. after];
            dirty.Clear();
        }
    }

    private sealed class Handle(MemoryDisk disk, Node node) : IDiskFile
    {
        public long Length => node.Now.Length;

        public int Read(long offset, Span<byte> target)
        {
            var count = (int)Math.Clamp(node.Now.Length - offset, 0, target.Length);
            node.Now.AsSpan((int)Math.Min(offset, node.Now.Length), count).CopyTo(target);
            return count;
        }

        public int ReadUncached(long offset, Span<byte> target)
        {
            var medium = node.Medium();
            var count = (int)Math.Clamp(medium.Length - offset, 0, target.Length);
            medium.AsSpan((int)Math.Min(offset, medium.Length), count).CopyTo(target);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (source.Length > disk.FreeBytes) throw new DiskFullException("The disk in memory is full.");
            node.Resize(offset + source.Length);
            source.CopyTo(node.Now.AsSpan((int)offset));
            node.Touch(offset, source.Length);
        }

        public void Sync()
        {
            if (disk.FailSyncs)
            {
                node.CallClean(); // As Linux does: the pages stay in the cache, and are not written by any later sync.
                throw new IOException("The disk in memory failed to sync.");
            }

            disk.Syncs++;
            if (disk.syncsLeft-- > 0) node.Sync();
        }

        public void Allocate(long length) => node.Resize(length);

        public void Dispose()
        {
        }
    }
}
