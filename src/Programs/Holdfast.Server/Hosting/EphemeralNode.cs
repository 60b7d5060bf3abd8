using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Endpoints.Dns;
using Holdfast.Primitives.Metrics;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>One node in memory, for trying clients out: everything ends with the process.</summary>
internal sealed class EphemeralNode : INode
{
    private readonly EphemeralKeyspace keyspace;
    private readonly CoordinationEndpoint door;

    private readonly DnsEndpoint? dns;

    private EphemeralNode(EphemeralKeyspace keyspace, CoordinationEndpoint door, DnsEndpoint? dns) => (this.keyspace, this.door, this.dns) = (keyspace, door, dns);

    public IReadOnlyList<string> ClientAddresses => [.. door.Addresses.Select(address => address.ToString())];

    public ulong ClusterId => keyspace.ClusterId;

    public Task BeginsAnew { get; } = new TaskCompletionSource().Task;

    /// <inheritdoc/>
    public Task Ends { get; } = new TaskCompletionSource().Task;

    public Task UntilLedAsync(CancellationToken cancel) => Task.CompletedTask;

    public static async Task<EphemeralNode> StartAsync(ServerPlan plan, NodeLog log, CancellationToken cancel)
    {
        var keyspace = new EphemeralKeyspace(plan.Name, plan.Etcd, plan.Keyspace, plan.ClientPort.Scheme);
        log.Warn(NodeEvents.Ephemeral, "one node in memory: everything written here ends with this process");
        DnsEndpoint? dns = null;
        try
        {
            dns = EtcdDoor.OpenDns(keyspace.Face, plan, log, new MetricsRegistry());
            return new EphemeralNode(keyspace, await EtcdDoor.OpenAsync(keyspace.Face, plan, new CoordinationEndpointOptions { Listen = [], Tls = plan.ClientPort.OpenTls(log), Logging = log }, cancel), dns);
        }
        catch (CannotStartException)
        {
            if (dns is not null) await dns.DisposeAsync();
            await keyspace.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (dns is not null) await dns.DisposeAsync();
        await door.DisposeAsync();
        await keyspace.DisposeAsync();
    }
}
