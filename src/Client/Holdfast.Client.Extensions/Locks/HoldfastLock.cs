using Medallion.Threading;

namespace Holdfast.Client.Extensions;

/// <summary>A lock that can be acquired, over and over, by whoever comes first in line.</summary>
public sealed class HoldfastLock : IDistributedLock
{
    private readonly HoldfastClient client;
    private readonly TimeSpan ttl;

    internal HoldfastLock(HoldfastClient client, string name, TimeSpan ttl)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (this.client, Name, this.ttl) = (client, name, ttl);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>Tries for as long as <paramref name="timeout"/>, once with zero; null when somebody else has it.</summary>
    /// <exception cref="Grpc.Core.RpcException">The cluster refused, or was never reached.</exception>
    public async ValueTask<HoldfastLockHandle?> TryAcquireAsync(TimeSpan timeout = default, CancellationToken cancellationToken = default)
    {
        if (timeout < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan) throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "a wait is not negative; Timeout.InfiniteTimeSpan waits for ever");
        var options = new TenureOptions { Ttl = ttl, Wait = timeout == Timeout.InfiniteTimeSpan ? null : timeout };
        return await client.LockAsync(Name, options, cancellationToken).ConfigureAwait(false) is { } held ? new HoldfastLockHandle(held) : null;
    }

    /// <summary>Waits until it is acquired: for ever, or as long as <paramref name="timeout"/>.</summary>
    /// <exception cref="TimeoutException">Somebody else had it all the time.</exception>
    public async ValueTask<HoldfastLockHandle> AcquireAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        await TryAcquireAsync(timeout ?? Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false)
        ?? throw new TimeoutException($"the lock {Name} is held by somebody else, and the wait of {timeout} is over");

    /// <inheritdoc/>
    IDistributedSynchronizationHandle? IDistributedLock.TryAcquire(TimeSpan timeout, CancellationToken cancellationToken) => Wait(TryAcquireAsync(timeout, cancellationToken));

    /// <inheritdoc/>
    IDistributedSynchronizationHandle IDistributedLock.Acquire(TimeSpan? timeout, CancellationToken cancellationToken) => Wait(AcquireAsync(timeout, cancellationToken));

    /// <inheritdoc/>
    async ValueTask<IDistributedSynchronizationHandle?> IDistributedLock.TryAcquireAsync(TimeSpan timeout, CancellationToken cancellationToken) =>
        await TryAcquireAsync(timeout, cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    async ValueTask<IDistributedSynchronizationHandle> IDistributedLock.AcquireAsync(TimeSpan? timeout, CancellationToken cancellationToken) =>
        await AcquireAsync(timeout, cancellationToken).ConfigureAwait(false);

    /// <summary>The interface asks for calls that block. Nothing below comes back to the caller's context, so they cannot wait for themselves.</summary>
    private static T Wait<T>(ValueTask<T> call) => call.AsTask().GetAwaiter().GetResult();
}
