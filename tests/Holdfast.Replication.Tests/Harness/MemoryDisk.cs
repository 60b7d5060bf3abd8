using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>A disk in memory that outlives the node that uses it. Everything written stays: what a crash loses is the storage room's own test.</summary>
internal sealed class MemoryDisk : IDisk
{
    private readonly SortedDictionary<string, MemoryFile> files = new(StringComparer.Ordinal);
    private readonly List<string> opened = [];

    public long FreeBytes => long.MaxValue;

    public IDiskFile Open(string path)
    {
        lock (files)
        {
            if (!files.TryGetValue(path, out var file)) files[path] = file = new MemoryFile();
            opened.Add(path);
            return new Handle(this, path, file);
        }
    }

    /// <summary>How often files are open whose path ended so when they were opened; deleted ones count, as on a disk, where they still take their space.</summary>
    public int OpenHandles(string ending)
    {
        lock (files) return opened.Count(path => path.EndsWith(ending, StringComparison.Ordinal));
    }

    public bool Exists(string path)
    {
        lock (files) return files.ContainsKey(path) || files.Keys.Any(name => name.StartsWith(path + "/", StringComparison.Ordinal));
    }

    public IReadOnlyList<string> List(string folder)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        lock (files)
            return [.. files.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..].Split('/')[0]).Distinct()];
    }

    public void CreateFolder(string folder)
    {
    }

    public void Delete(string path)
    {
        lock (files)
            foreach (var name in files.Keys.Where(name => name == path || name.StartsWith(path + "/", StringComparison.Ordinal)).ToList())
                files.Remove(name);
    }

    public void Rename(string from, string to)
    {
        lock (files)
        {
            foreach (var name in files.Keys.Where(name => name == from || name.StartsWith(from + "/", StringComparison.Ordinal)).ToList())
            {
                files[to + name[from.Length..]] = files[name];
                files.Remove(name);
            }
        }
    }

    /// <summary>Flips bits of every file whose path ends so.</summary>
    public int Rot(string ending, long offset)
    {
        lock (files)
        {
            var rotten = files.Where(file => file.Key.EndsWith(ending, StringComparison.Ordinal)).ToList();
            foreach (var (_, file) in rotten) file.Rot(offset);
            return rotten.Count;
        }
    }

    public void SyncFolder(string folder)
    {
    }

    private void Close(string path)
    {
        lock (files) opened.Remove(path);
    }

    private sealed class Handle(MemoryDisk disk, string path, MemoryFile file) : IDiskFile
    {
        private bool isClosed;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> target) => file.Read(offset, target);

        public void Write(long offset, ReadOnlySpan<byte> source) => file.Write(offset, source);

        public void Sync()
        {
        }

        public void Allocate(long size) => file.Allocate(size);

        public void Dispose()
        {
            if (!isClosed) disk.Close(path);
            isClosed = true;
        }
    }

    private sealed class MemoryFile
    {
        private readonly Lock gate = new();
        private byte[] bytes = new byte[4096];
        private long length;

        public long Length
        {
            get
            {
                lock (gate) return length;
            }
        }

        public int Read(long offset, Span<byte> target)
        {
            lock (gate)
            {
                var count = (int)Math.Clamp(length - offset, 0, target.Length);
                bytes.AsSpan((int)offset, count).CopyTo(target);
                return count;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            lock (gate)
            {
                Grow(offset + source.Length);
                source.CopyTo(bytes.AsSpan((int)offset));
            }
        }

        public void Rot(long offset)
        {
            lock (gate) bytes[offset] ^= 0x5A;
        }

        public void Allocate(long size)
        {
            lock (gate) Grow(size);
        }

        private void Grow(long needed)
        {
            if (needed > bytes.Length) Array.Resize(ref bytes, (int)Math.Max(needed, bytes.Length * 2L));
            length = Math.Max(length, needed);
        }
    }
}
