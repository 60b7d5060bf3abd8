using Holdfast.Cluster;
using Holdfast.Rag.Caching;

namespace Holdfast.Server.Client;

/// <summary>The cache that faces share, for <c>holdfast rag</c>.</summary>
internal sealed class SharedKnowledgeCache(ISharedCache shared) : IKnowledgeCache
{
    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel) => shared.GetAsync("rag/" + space, key, cancel);

    public async ValueTask SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel) => await shared.SetAsync("rag/" + space, key, value, timeToLive, cancel);
}
