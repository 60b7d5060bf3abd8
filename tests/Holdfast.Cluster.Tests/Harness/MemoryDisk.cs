using Holdfast.Storage;

namespace Holdfast.Cluster.Tests;

/// <summary>A data directory in memory, for the small files of this room.</summary>
internal sealed class MemoryDisk : IDisk
{
    private readonly SortedDictionary<string, MemoryFile> files = new(StringComparer.Ordinal);

    public long FreeBytes => long.MaxValue;

    /// <summary>Opening any file fails, as on a disk that is gone.</summary>
    public bool IsGone { get; set; }

    public byte[] this[string path]
    {
        get => files[path].Bytes;
        set => files[path] = new MemoryFile { Bytes = value };
    }

    public IDiskFile Open(string path) => IsGone ? throw new IOException("the disk is gone.") : files.TryGetValue(path, out var file) ? file : files[path] = new MemoryFile();

    public bool Exists(string path) => files.ContainsKey(path);

    public IReadOnlyList<string> List(string folder) => [.. files.Keys];

    public void CreateFolder(string folder)
    {
    }

    public void Delete(string path) => files.Remove(path);

    public void Rename(string from, string to)
    {
        files[to] = files[from];
        files.Remove(from);
    }

    public void SyncFolder(string folder)
    {
    }

    private sealed class MemoryFile : IDiskFile
    {
        public byte[] Bytes { get; set; } = [];

        public long Length => Bytes.Length;

        public int Read(long offset, Span<byte> target)
        {
            var rest = Bytes.AsSpan((int)offset);
            var count = Math.Min(rest.Length, target.Length);
            rest[..count].CopyTo(target);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (Bytes.Length < offset + source.Length)
            {
                var longer = new byte[offset + source.Length];
                Bytes.CopyTo(longer, 0);
                Bytes = longer;
            }

            source.CopyTo(Bytes.AsSpan((int)offset));
        }

        public void Sync()
        {
        }

        public void Allocate(long length)
        {
        }

        public void Dispose()
        {
        }
    }
}
