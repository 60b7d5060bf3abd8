using System.Net;
using System.Net.Sockets;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Server.Configuration;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>Where the other nodes reach this one, and as whom it is announced to them.</summary>
internal static class PeerDoor
{
    /// <summary>Opens the port between nodes.</summary>
    /// <exception cref="CannotStartException">It is taken.</exception>
    public static PeerListener Open(ServerPlan plan, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions transport, TransportLog speak, Action<Exception> onFatal)
    {
        // A node alone needs no peers, but the runtime has a door for them: a port that the system chooses, on loopback.
        var bind = plan.Peer ?? new IPEndPoint(IPAddress.Loopback, 0);
        try
        {
            return new PeerListener(bind, self, addresses, tls, transport, speak, onFatal);
        }
        catch (SocketException taken)
        {
            throw new CannotStartException(PortOwner.Sentence(bind, Settings.Peer.Flag), taken);
        }
    }

    /// <summary>How the node is announced to the others.</summary>
    public static MemberRecord Announced(ServerPlan plan, NodeId node, PeerListener listener)
    {
        var founder = plan.Cluster.FirstOrDefault(one => one.Name == plan.Name);
        return new MemberRecord
        {
            Node = node,
            Name = plan.Name,
            Host = founder?.Host ?? plan.AdvertisedPeer?.Host ?? listener.Endpoint.Address.ToString(),
            Zone = plan.Zone,
            Roles = plan.Roles,
            FeatureLevelMin = BuildLevel.Lowest,
            FeatureLevelMax = BuildLevel.Known,
            Port = founder?.Port ?? plan.AdvertisedPeer?.Port ?? listener.Endpoint.Port,
            ClientUrls = plan.AdvertisedClientUrls.Count > 0 ? [.. plan.AdvertisedClientUrls] : [$"{plan.ClientPort.Scheme}://{plan.Etcd}"],
        };
    }
}
