using System.Net.Sockets;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Endpoints.Dns;
using Holdfast.Primitives.Metrics;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>The doors over the etcd keyspace: etcd's own, which carries the node's administration too, and DNS. Each opens, or says who stands in it.</summary>
internal static class EtcdDoor
{
    /// <summary>Opens the front door.</summary>
    /// <exception cref="CannotStartException">The port is taken.</exception>
    public static async Task<CoordinationEndpoint> OpenAsync(ICoordination face, ServerPlan plan, CoordinationEndpointOptions options, CancellationToken cancel)
    {
        try
        {
            return await CoordinationEndpoint.StartAsync(face, options with { Listen = [plan.Etcd], Beside = plan.EtcdAlso, Limits = plan.Limits, Origins = plan.Origins }, cancel);
        }
        catch (Exception taken) when (taken is IOException or SocketException)
        {
            throw new CannotStartException(PortOwner.Sentence(plan.Etcd, Settings.Etcd.Flag), taken);
        }
    }

    /// <summary>Opens the DNS door where one is wanted.</summary>
    /// <exception cref="CannotStartException">The port is taken.</exception>
    public static DnsEndpoint? OpenDns(ICoordination face, ServerPlan plan, NodeLog log, MetricsRegistry metrics)
    {
        if (plan.Dns is not { } listen) return null;
        try
        {
            return DnsEndpoint.Start(face, new DnsOptions { Listen = listen, User = plan.DnsUser, Logging = log, Metrics = metrics });
        }
        catch (SocketException taken)
        {
            throw new CannotStartException($"{PortOwner.Sentence(listen, Settings.Dns.Flag)} ({taken.Message})", taken);
        }
    }
}
