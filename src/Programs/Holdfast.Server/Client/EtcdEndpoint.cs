using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Server.Client;

/// <summary>One server that the client may ask, with its connection (made at the first call).</summary>
internal sealed class EtcdEndpoint : IDisposable
{
    private readonly GrpcChannel channel;

    /// <summary>An endpoint at a URL.</summary>
    public EtcdEndpoint(string address, ClientAccess access)
    {
        Address = address;
        channel = GrpcChannel.ForAddress(Address, new GrpcChannelOptions
        {
            // A range may be as large as the keyspace.
            MaxReceiveMessageSize = null,
            HttpHandler = access.Named(address),
        });
        Kv = new KV.KVClient(channel);
        Watch = new Watch.WatchClient(channel);
        Lease = new Lease.LeaseClient(channel);
        Cluster = new Coordination.Protocol.Cluster.ClusterClient(channel);
        Maintenance = new Maintenance.MaintenanceClient(channel);
    }

    public string Address { get; }

    public KV.KVClient Kv { get; }

    public Watch.WatchClient Watch { get; }

    public Lease.LeaseClient Lease { get; }

    public Coordination.Protocol.Cluster.ClusterClient Cluster { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    public void Dispose() => channel.Dispose();
}
