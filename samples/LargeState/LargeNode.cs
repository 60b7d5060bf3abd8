using System.Net;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace LargeState;

/// <summary>What a node of this sample is made of: its data directory, where its peers are, its peer port, and the runtime over them.</summary>
internal sealed record LargeNode(DataDirectory Data, PeerAddresses Addresses, PeerListener Listener, NodeRuntime Runtime)
{
    public static LargeNode Open(string name, int port, string folder)
    {
        var data = DataDirectory.Open(folder, name, path => new DirectoryDisk(path) { LogFolder = "wal", PrefersDirect = WriteProbe.Measure(path).PreferDirect });
        data.JoinCluster(new ClusterId(0x1A46E));
        var self = new LocalNode(data.Node, (uint)data.BootCount, 1, data.Cluster);
        var addresses = new PeerAddresses();
        var listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, port), self, addresses, null, new TransportOptions(), (_, _) => { });
        return new LargeNode(data, addresses, listener, new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener }));
    }

    public async Task StopAsync()
    {
        await Runtime.StopAsync();
        Listener.Dispose();
    }
}
