using System.Diagnostics.CodeAnalysis;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Is told of changes of keys.</summary>
internal interface IKeyWatcher
{
    /// <summary>A key that it watches was changed, or may have been.</summary>
    void OnChanged();

    /// <summary>It must know of what is beside the value too (groups of a stream), which no reader of the key sees.</summary>
    bool WatchesAll => false;
}

/// <summary>Who watches which keys (WATCH, a command that goes on in slices): on the leader only, in memory. Whatever makes the leader's knowledge uncertain breaks every watch.</summary>
internal sealed class WatchTable
{
    private readonly Dictionary<byte[], List<IKeyWatcher>> watchers = new(ByteKey.Comparer);
    private readonly Dictionary<byte[], List<IKeyWatcher>>.AlternateLookup<ReadOnlySpan<byte>> bySpan;

    public WatchTable() => bySpan = watchers.GetAlternateLookup<ReadOnlySpan<byte>>();

    public bool IsEmpty => watchers.Count == 0;

    public void Watch(ReadOnlySpan<byte> key, IKeyWatcher watcher)
    {
        if (!bySpan.TryGetValue(key, out var list)) watchers[key.ToArray()] = list = [];
        if (!list.Contains(watcher)) list.Add(watcher);
    }

    public void Forget(ReadOnlySpan<byte> key, IKeyWatcher watcher)
    {
        if (!bySpan.TryGetValue(key, out var list)) return;
        list.Remove(watcher);
        if (list.Count == 0) bySpan.Remove(key);
    }

    /// <summary>The key was changed, or is gone.</summary>
    public void OnChanged(ReadOnlySpan<byte> key)
    {
        if (watchers.Count == 0 || !bySpan.TryGetValue(key, out var list)) return;
        foreach (var watcher in list) watcher.OnChanged();
    }

    /// <summary>Something beside the key's value was changed.</summary>
    public void OnChangedBeside(ReadOnlySpan<byte> key)
    {
        if (watchers.Count == 0 || !bySpan.TryGetValue(key, out var list)) return;
        foreach (var watcher in list)
            if (watcher.WatchesAll) watcher.OnChanged();
    }

    /// <summary>Nobody's watch holds any more.</summary>
    public void BreakAll()
    {
        foreach (var (_, list) in watchers)
            foreach (var watcher in list) watcher.OnChanged();
    }
}

/// <summary>Byte strings as keys of dictionaries, by content; looked up by span without a copy. (Their order decides nothing.)</summary>
internal sealed class ByteKey : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly ByteKey Comparer = new();

    public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)KeyHash.Of(alternate, 0);

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
