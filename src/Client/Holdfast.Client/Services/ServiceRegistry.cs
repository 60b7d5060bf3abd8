using System.Runtime.CompilerServices;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Client;

/// <summary>Which services there are and where their instances run (R1.4). Registered is who keeps a lease alive; resolved is who is healthy besides.</summary>
public sealed class ServiceRegistry
{
    private readonly HoldfastClient client;

    internal ServiceRegistry(HoldfastClient client) => this.client = client;

    /// <summary>Registers an instance and keeps it registered, with its checks, until the registration is disposed. After a lost lease it registers anew.</summary>
    /// <exception cref="RpcException">The first registration was refused, or no server answered.</exception>
    /// <exception cref="OutcomeUnknownException">The first registration may have gone through; its lease ends by itself.</exception>
    public Task<ServiceRegistration> RegisterAsync(string service, ServiceInstance instance, RegistrationOptions? options = null, CancellationToken cancel = default)
    {
        instance.Validate();
        return ServiceRegistration.StartAsync(client, ServiceKeys.Instances(service) + instance.Id, instance, options ?? new RegistrationOptions(), cancel);
    }

    /// <summary>The instances of a service, by id: the healthy ones, or all that are registered.</summary>
    public async Task<IReadOnlyList<ServiceInstance>> ResolveAsync(string service, bool withFailing = false, CancellationToken cancel = default)
    {
        var found = await client.GetPrefixAsync(ServiceKeys.Instances(service), cancel).ConfigureAwait(false);
        return [.. from pair in found.Kvs let instance = ServiceInstance.TryParse(pair.Value.Span) where instance is not null && (withFailing || instance.Health == ServiceHealth.Passing) select instance];
    }

    /// <summary>Every service that has an instance, by name, with how many are healthy and how many there are.</summary>
    public async Task<IReadOnlyList<ServiceSummary>> ListAsync(CancellationToken cancel = default)
    {
        var found = await client.GetPrefixAsync(ServiceKeys.Root, cancel).ConfigureAwait(false);
        return
        [
            .. from pair in found.Kvs
               let path = pair.Key.ToStringUtf8()[ServiceKeys.Root.Length..].Split('/')
               where path.Length == 3 && path[1] == "instances"
               let instance = ServiceInstance.TryParse(pair.Value.Span)
               where instance is not null
               group instance by path[0] into service
               select new ServiceSummary(service.Key, service.Count(instance => instance.Health == ServiceHealth.Passing), service.Count()),
        ];
    }

    /// <summary>The healthy instances now, and again whenever they have changed; each time all of them. Goes on through lost connections and compactions.</summary>
    public async IAsyncEnumerable<IReadOnlyList<ServiceInstance>> WatchAsync(string service, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        await foreach (var view in client.FollowPrefixAsync(ServiceKeys.Instances(service), cancel).ConfigureAwait(false))
            yield return [.. view.Keys.Values.Select(pair => ServiceInstance.TryParse(pair.Value.Span)).OfType<ServiceInstance>().Where(instance => instance.Health == ServiceHealth.Passing)];
    }

    /// <summary>Waits until this instance is its service's leader: the one whose name stands at <c>/services/SERVICE/leader</c>, put there by compare-and-swap.</summary>
    /// <returns>The leadership, or null when <see cref="TenureOptions.Wait"/> passed first.</returns>
    public Task<ServiceLeadership?> LeadAsync(string service, string instance, TenureOptions? options = null, CancellationToken cancel = default)
    {
        var key = ServiceKeys.Leader(service);
        return Contest.HoldAsync(client, options ?? TenureOptions.Default, (lease, deadline, stop) => TakeAsync(key, instance, lease, deadline, stop), cancel);
    }

    /// <summary>The id of the instance that leads a service; null when nobody does.</summary>
    public async Task<string?> LeaderAsync(string service, CancellationToken cancel = default) =>
        (await client.GetAsync(ServiceKeys.Leader(service), cancel).ConfigureAwait(false))?.Value.ToStringUtf8();

    private async Task<ServiceLeadership> TakeAsync(string key, string instance, KeptLease lease, DateTime? deadline, CancellationToken cancel)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (deadline is { } end) bound.CancelAfter(end > DateTime.UtcNow ? end - DateTime.UtcNow : TimeSpan.Zero);
        while (true)
        {
            var tried = await client.TxnAsync(new TxnRequest
            {
                Compare = { new Compare { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = KeyText.Bytes(key), CreateRevision = 0 } },
                Success = { new RequestOp { RequestPut = new PutRequest { Key = KeyText.Bytes(key), Value = KeyText.Bytes(instance), Lease = lease.Id } } },
            }, bound.Token).ConfigureAwait(false);
            if (tried.Succeeded) return new ServiceLeadership(client, lease, key, tried.Header.Revision);
            var gone = new WatchCreateRequest { Key = KeyText.Bytes(key), StartRevision = tried.Header.Revision + 1, Filters = { WatchCreateRequest.Types.FilterType.Noput } };
            await foreach (var response in client.WatchAsync(gone, bound.Token).ConfigureAwait(false))
                if (response.Events.Count > 0 || response.Canceled)
                    break;
        }
    }
}

/// <summary>A service at a glance.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Healthy">How many instances can be used.</param>
/// <param name="Instances">How many are registered.</param>
public sealed record ServiceSummary(string Name, int Healthy, int Instances);

/// <summary>Being the leader of a service.</summary>
public sealed class ServiceLeadership : Tenure
{
    internal ServiceLeadership(HoldfastClient client, KeptLease lease, string key, long revision) : base(client, lease, key, revision, revision)
    {
    }
}
