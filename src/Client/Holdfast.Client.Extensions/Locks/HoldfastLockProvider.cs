using Medallion.Threading;

namespace Holdfast.Client.Extensions;

/// <summary>
/// Distributed locks for code that is written against <c>DistributedLock.Core</c>. All who ask for a name, here, by <c>holdfast lock</c> or by <c>etcdctl lock</c>, stand in one line and are served in order.
/// The handles are <see cref="HoldfastLockHandle"/>: cast to it for the fencing token.
/// </summary>
/// <param name="client">Whom to ask; kept, not disposed.</param>
/// <param name="ttl">How soon others may have a lock when this process is gone: whole seconds, at least 2; 10 seconds when null.</param>
public sealed class HoldfastLockProvider(HoldfastClient client, TimeSpan? ttl = null) : IDistributedLockProvider
{
    /// <summary>A lock of this name; nothing is asked of the cluster yet.</summary>
    public HoldfastLock CreateLock(string name) => new(client, name, ttl ?? TenureOptions.Default.Ttl);

    /// <inheritdoc/>
    IDistributedLock IDistributedLockProvider.CreateLock(string name) => CreateLock(name);
}
