using Holdfast.Coordination.Protocol;
using Medallion.Threading;

namespace Holdfast.Client.Extensions;

/// <summary>A lock that this process holds until the handle is disposed or lost.</summary>
public sealed class HoldfastLockHandle : IDistributedSynchronizationHandle
{
    private readonly HeldLock held;

    internal HoldfastLockHandle(HeldLock held) => this.held = held;

    /// <summary>The fencing token: each later holder's is larger. Whatever the holder writes to should refuse a smaller one than the largest it has seen (S22).</summary>
    public long Fence => held.Fence;

    /// <summary>The key that stands for the lock.</summary>
    public string Key => held.Key;

    /// <inheritdoc/>
    public CancellationToken HandleLostToken => held.Lost;

    /// <summary>A comparison for transactions that only the holder may do.</summary>
    public Compare StillHeld() => held.StillHeld();

    /// <inheritdoc/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => held.DisposeAsync();
}
