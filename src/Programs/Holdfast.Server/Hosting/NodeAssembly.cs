using System.Net.Sockets;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>A running node: composed top to bottom in start order, taken down in reverse. No container decides what is started when.</summary>
internal sealed class NodeAssembly : IAsyncDisposable
{
    private readonly EphemeralKeyspace keyspace;
    private readonly CoordinationEndpoint endpoint;

    private NodeAssembly(EphemeralKeyspace keyspace, CoordinationEndpoint endpoint) => (this.keyspace, this.endpoint) = (keyspace, endpoint);

    /// <summary>Where etcd clients are served, with the ports that the system chose.</summary>
    public IReadOnlyList<string> ClientAddresses => [.. endpoint.Addresses.Select(address => address.ToString())];

    /// <summary>Starts a node.</summary>
    /// <exception cref="CannotStartException">It cannot, and why.</exception>
    public static async Task<NodeAssembly> StartAsync(ServerPlan plan, NodeLog log, CancellationToken cancel)
    {
        if (!plan.IsEphemeral)
            throw new CannotStartException(
                "this build does not yet join the replicated, durable keyspace to its front door (docs/STATUS.md), and will not pretend that writes are safe. "
                + $"To try clients against one node in memory, whose data ends with the process, add {Settings.Ephemeral.Flag}.");

        var keyspace = new EphemeralKeyspace(plan.Name, plan.Etcd);
        log.Warn("ephemeral", "one node in memory: everything written here ends with this process");
        try
        {
            var endpoint = await CoordinationEndpoint.StartAsync(keyspace.Face, new CoordinationEndpointOptions { Listen = [plan.Etcd], Logging = log }, cancel);
            return new NodeAssembly(keyspace, endpoint);
        }
        catch (Exception taken) when (taken is IOException or SocketException)
        {
            await keyspace.DisposeAsync();
            throw new CannotStartException(PortOwner.Sentence(plan.Etcd, Settings.Etcd.Flag), taken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await endpoint.DisposeAsync();
        await keyspace.DisposeAsync();
    }
}
