using System.Collections.Concurrent;
using Holdfast.Rag.Caching;

namespace Holdfast.Rag.Tests.Caching;

/// <summary>A cache that keeps everything, until a test takes it away or spoils it.</summary>
internal sealed class KeptCache : IKnowledgeCache
{
    public ConcurrentDictionary<string, byte[]> Values { get; } = new();

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel) =>
        new(Values.TryGetValue(NameOf(space, key), out var value) ? (ReadOnlyMemory<byte>?)value : null);

    public ValueTask SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel)
    {
        Values[NameOf(space, key)] = value.ToArray();
        return ValueTask.CompletedTask;
    }

    private static string NameOf(string space, ReadOnlyMemory<byte> key) => $"{space} {Convert.ToHexString(key.Span)}";
}
