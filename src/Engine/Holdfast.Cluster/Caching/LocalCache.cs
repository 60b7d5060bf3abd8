using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>A cache in this process: bounded in bytes; when it is full, what was used longest ago goes. From any thread.</summary>
public sealed class LocalCache : ISharedCache
{
    /// <summary>What an entry costs beside its bytes: its places in two collections.</summary>
    private const int EntryOverheadBytes = 160;

    private readonly Lock gate = new();
    private readonly Dictionary<Key, LinkedListNode<Entry>> entries = [];
    private readonly LinkedList<Entry> byUse = []; // The longest-unused first.
    private readonly Func<Instant> clock;
    private readonly long bytesMax;

    /// <summary>An empty cache of at most <paramref name="bytesMax"/> bytes.</summary>
    public LocalCache(long bytesMax, Func<Instant> clock)
    {
        ArgumentNullException.ThrowIfNull(clock);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesMax, 1);
        (this.bytesMax, this.clock) = (bytesMax, clock);
    }

    /// <summary>Bytes that it holds, overhead included.</summary>
    public long Bytes { get; private set; }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(new Key(space, key), out var node)) return default;
            if (node.Value.Until <= clock())
            {
                Remove(node);
                return default;
            }

            byUse.Remove(node);
            byUse.AddLast(node);
            return new(node.Value.Value);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel = default)
    {
        var size = EntryOverheadBytes + key.Length + value.Length;
        lock (gate)
        {
            var name = new Key(space, key.ToArray());
            if (entries.TryGetValue(name, out var old)) Remove(old);
            if (size > bytesMax || timeToLive <= TimeSpan.Zero) return new(false);
            while (Bytes + size > bytesMax) Remove(byUse.First!);
            entries.Add(name, byUse.AddLast(new Entry(name, value.ToArray(), clock() + timeToLive, size)));
            Bytes += size;
            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask InvalidateAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default)
    {
        lock (gate)
            if (entries.TryGetValue(new Key(space, key), out var node)) Remove(node);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask InvalidateSpaceAsync(string space, CancellationToken cancel = default)
    {
        lock (gate)
        {
            for (var node = byUse.First; node is not null;)
            {
                var next = node.Next;
                if (node.Value.Key.Space == space) Remove(node);
                node = next;
            }
        }

        return ValueTask.CompletedTask;
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        byUse.Remove(node);
        entries.Remove(node.Value.Key);
        Bytes -= node.Value.Size;
    }

    private readonly record struct Entry(Key Key, ReadOnlyMemory<byte> Value, Instant Until, int Size);

    private readonly struct Key(string space, ReadOnlyMemory<byte> bytes) : IEquatable<Key>
    {
        public string Space => space;

        private ReadOnlyMemory<byte> Bytes => bytes;

        public bool Equals(Key other) => space == other.Space && bytes.Span.SequenceEqual(other.Bytes.Span);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            var hash = default(HashCode);
            hash.Add(space, StringComparer.Ordinal);
            hash.AddBytes(bytes.Span);
            return hash.ToHashCode();
        }
    }
}
