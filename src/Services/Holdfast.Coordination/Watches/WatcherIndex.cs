using Holdfast.Coordination.Mvcc;

namespace Holdfast.Coordination.Watches;

/// <summary>
/// Synced watchers by what they watch. A watch of one key is found by hash; watches of ranges are asked one by one, about 20 ns each.
/// Nothing depends on the order in which watchers are found: each has its own place in its own stream.
/// </summary>
internal sealed class WatcherIndex
{
    private readonly Dictionary<byte[], List<Watcher>> byKey = new(KeyEquality.Instance);

    /// <summary>Watchers of ranges.</summary>
    public List<Watcher> Ranges { get; } = [];

    /// <summary>Watchers of exactly this key, or null.</summary>
    public List<Watcher>? Of(byte[] key) => byKey.GetValueOrDefault(key);

    /// <summary>Adds a watcher.</summary>
    public void Add(Watcher watcher)
    {
        var list = Ranges;
        if (watcher.Range.IsSingle && !byKey.TryGetValue(watcher.Range.Start, out list)) byKey[watcher.Range.Start] = list = [];
        watcher.Place = list!.Count;
        list.Add(watcher);
    }

    /// <summary>Takes a watcher out; the last one takes its place.</summary>
    public void Remove(Watcher watcher)
    {
        var list = watcher.Range.IsSingle ? byKey[watcher.Range.Start] : Ranges;
        var last = list[^1];
        list[watcher.Place] = last;
        last.Place = watcher.Place;
        list.RemoveAt(list.Count - 1);
        if (list.Count == 0 && watcher.Range.IsSingle) byKey.Remove(watcher.Range.Start);
    }

    private sealed class KeyEquality : IEqualityComparer<byte[]>
    {
        public static readonly KeyEquality Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] key)
        {
            var hash = new RollingHash(0);
            hash.Add(key);
            return (int)(hash.Value >> 32);
        }
    }
}
