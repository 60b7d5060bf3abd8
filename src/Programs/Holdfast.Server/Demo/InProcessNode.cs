using System.Net;
using Holdfast.Cluster;
using Holdfast.Server.Configuration;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Demo;

/// <summary>A node within the demo's own process: the same assembly that <c>holdfast server</c> composes, with threads, disk and sockets of its own.</summary>
internal sealed class InProcessNode(DemoSeat seat) : IDemoNode
{
    private NodeAssembly? node;
    private StreamWriter? log;

    public bool IsRunning => node is not null;

    public int? ProcessId => null;

    public async Task StartAsync(CancellationToken cancel)
    {
        log = new StreamWriter(seat.Log, append: true) { AutoFlush = true };
        node = await NodeAssembly.StartAsync(Plan(), new NodeLog(log, isJson: false, seat.Name), cancel);
    }

    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref node, null) is not { } killed) return;
        await killed.CrashAsync();
        await log!.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await KillAsync();

    private ServerPlan Plan() => new()
    {
        Name = seat.Name,
        DataDirectory = seat.Data,
        Etcd = new IPEndPoint(IPAddress.Loopback, seat.ClientPort),
        Vectors = new IPEndPoint(IPAddress.Loopback, seat.VectorPort),
        Roles = NodeRoles.Coordination | NodeRoles.Vectors,
        Peer = new IPEndPoint(IPAddress.Loopback, seat.PeerPort),
        Cluster = [.. seat.Founders.Select(founder => new Founder(founder.Name, "127.0.0.1", founder.Port))],
        JoinAddress = "",
        JoinToken = "",
        PeerCertificates = null,
        IsEphemeral = false,
        LogsAsJson = false,
        Warnings = [],
    };
}
