using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;

namespace Holdfast.Client;

/// <summary>One server that the client may ask, with its connection (made at the first call).</summary>
internal sealed class ServerEndpoint : IDisposable
{
    private readonly GrpcChannel channel;

    /// <summary>An endpoint at <c>host:port</c> or a URL.</summary>
    public ServerEndpoint(string address, HoldfastClientOptions options)
    {
        Address = options.UrlOf(address);
        channel = GrpcChannel.ForAddress(Address, new GrpcChannelOptions
        {
            // A range may be as large as the keyspace.
            MaxReceiveMessageSize = null,
            DisposeHttpClient = true,
            HttpHandler = options.CreateConnections(),
        });
        Kv = new KV.KVClient(channel);
        Watch = new Watch.WatchClient(channel);
        Lease = new Lease.LeaseClient(channel);
        Locks = new Coordination.Protocol.Locks.Lock.LockClient(channel);
        Elections = new Election.ElectionClient(channel);
        Auth = new Auth.AuthClient(channel);
        Cluster = new Coordination.Protocol.Cluster.ClusterClient(channel);
        Maintenance = new Maintenance.MaintenanceClient(channel);
    }

    public string Address { get; }

    public KV.KVClient Kv { get; }

    public Watch.WatchClient Watch { get; }

    public Lease.LeaseClient Lease { get; }

    public Coordination.Protocol.Locks.Lock.LockClient Locks { get; }

    public Election.ElectionClient Elections { get; }

    public Auth.AuthClient Auth { get; }

    public Coordination.Protocol.Cluster.ClusterClient Cluster { get; }

    public Maintenance.MaintenanceClient Maintenance { get; }

    public void Dispose() => channel.Dispose();
}
