using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>How an instance is kept registered.</summary>
public sealed record RegistrationOptions
{
    /// <summary>How soon the instance leaves the registry when nothing is heard from this process; whole seconds, at least 2. The TTL check.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What has to pass for the instance to be healthy; none is always healthy. All are asked before the instance is registered.</summary>
    public IReadOnlyList<HealthCheck> Checks { get; init; } = [];

    /// <summary>The pause between two rounds of checks.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For one check.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Called with every change of health and its reason. It must not throw.</summary>
    public Action<ServiceHealth, string>? OnHealth { get; init; }
}

/// <summary>
/// An instance that is kept registered until disposed. A lost lease is replaced by a new one, and a key that somebody deleted is written again; writing the same key again is ours to do, since nobody else
/// writes it but a later registration of the same id, which is left alone.
/// </summary>
public sealed class ServiceRegistration : IAsyncDisposable
{
    private readonly HoldfastClient client;
    private readonly RegistrationOptions options;
    private readonly CancellationTokenSource stop = new();
    private readonly string key;
    private Task keeping = Task.CompletedTask;
    private Task watching = Task.CompletedTask;
    private volatile CancellationTokenSource deleted = new();
    private KeptLease lease;
    private ServiceInstance instance;

    private ServiceRegistration(HoldfastClient client, string key, ServiceInstance instance, RegistrationOptions options, KeptLease lease) =>
        (this.client, this.key, this.instance, this.options, this.lease) = (client, key, instance, options, lease);

    /// <summary>The instance as it is registered.</summary>
    public ServiceInstance Instance => Volatile.Read(ref instance);

    /// <summary>Takes the instance out of the registry at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await keeping.ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await lease.DisposeAsync().ConfigureAwait(false);
    }

    internal static async Task<ServiceRegistration> StartAsync(HoldfastClient client, string key, ServiceInstance instance, RegistrationOptions options, CancellationToken cancel)
    {
        var checkedInstance = instance with { Health = (await FaultAsync(options, cancel).ConfigureAwait(false)) is null ? ServiceHealth.Passing : ServiceHealth.Failing };
        var lease = await client.GrantLeaseAsync(options.Ttl, cancel).ConfigureAwait(false);
        var registration = new ServiceRegistration(client, key, checkedInstance, options, lease);
        try
        {
            var written = await registration.PutAsync(cancel).ConfigureAwait(false);
            registration.watching = registration.WatchAsync(written.Header.Revision + 1);
        }
        catch
        {
            await lease.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        registration.keeping = registration.KeepAsync();
        return registration;
    }

    private static async Task<string?> FaultAsync(RegistrationOptions options, CancellationToken cancel)
    {
        var faults = await Task.WhenAll(options.Checks.Select(async check => await check.FaultAsync(options.CheckTimeout, cancel).ConfigureAwait(false) is { } fault ? $"{check.Target}: {fault}" : null)).ConfigureAwait(false);
        return Array.Find(faults, fault => fault is not null);
    }

    private Task<PutResponse> PutAsync(CancellationToken cancel) => client.PutAsync(key, Instance.ToJson(), lease.Id, cancel);

    private async Task KeepAsync()
    {
        var isWritten = true;
        for (var failures = 0; !stop.IsCancellationRequested;)
        {
            try
            {
                if (isWritten) await PauseAsync().ConfigureAwait(false);
                if (deleted.IsCancellationRequested) (isWritten, deleted) = (false, new CancellationTokenSource());
                if (lease.Lost.IsCancellationRequested)
                {
                    isWritten = false;
                    await lease.DisposeAsync().ConfigureAwait(false);
                    lease = await client.GrantLeaseAsync(options.Ttl, stop.Token).ConfigureAwait(false);
                }

                isWritten &= !await LookAsync().ConfigureAwait(false);
                if (!isWritten) await PutAsync(stop.Token).ConfigureAwait(false);
                (isWritten, failures) = (true, 0);
            }
            catch (Exception failure) when (failure is RpcException or OutcomeUnknownException or OperationCanceledException)
            {
                isWritten = false;
                if (!stop.IsCancellationRequested) await Task.Delay(ServerList.Backoff(++failures)).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Looks out for a deletion of the key.</summary>
    private async Task WatchAsync(long revision)
    {
        try
        {
            while (true)
            {
                var create = new WatchCreateRequest { Key = KeyText.Bytes(key), StartRevision = revision, Filters = { WatchCreateRequest.Types.FilterType.Noput } };
                await foreach (var response in client.WatchAsync(create, stop.Token).ConfigureAwait(false))
                    if (response.Events.Count > 0 || response.CompactRevision > 0)
                        await deleted.CancelAsync().ConfigureAwait(false);
                    else if (response.Canceled)
                        return; // We may write the key and not read it: the lease is all that can be kept.
                revision = 0; // The past is gone; the key has been written anew, so it is looked at from now on.
            }
        }
        catch (Exception over) when (over is OperationCanceledException or RpcException)
        {
            // Disposed, or refused for good.
        }
    }

    /// <summary>Until the checks are due, the lease is lost or the key is gone.</summary>
    private async Task PauseAsync()
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop.Token, lease.Lost, deleted.Token);
        try
        {
            await Task.Delay(options.Checks.Count == 0 ? Timeout.InfiniteTimeSpan : options.CheckInterval, over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The lease is lost, or the key is gone.
        }
    }

    /// <summary>Runs the checks; true when the health is another one now.</summary>
    private async Task<bool> LookAsync()
    {
        var fault = await FaultAsync(options, stop.Token).ConfigureAwait(false);
        var health = fault is null ? ServiceHealth.Passing : ServiceHealth.Failing;
        if (health == Instance.Health) return false;
        Volatile.Write(ref instance, Instance with { Health = health });
        options.OnHealth?.Invoke(health, fault ?? "all checks pass");
        return true;
    }
}
