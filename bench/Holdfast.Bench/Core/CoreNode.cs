using System.Globalization;
using System.Net;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Bench.Core;

/// <summary>
/// One process of a bare cluster, driven by lines on standard input: says its id, is told its peers, then answers <c>role</c> and <c>run PROPOSERS SECONDS BYTES</c>.
/// </summary>
internal static class CoreNode
{
    public static async Task<int> RunAsync(string folder, int port, int groups)
    {
        using var data = DataDirectory.Open(folder, Path.GetFileName(folder), Disk);
        data.JoinCluster(new ClusterId(0xC0DE));
        var self = new LocalNode(data.Node, (uint)data.BootCount, 1, data.Cluster);
        Say($"id {self.Id.Value}");
        var addresses = new PeerAddresses();
        var members = Learn(Console.ReadLine()!, addresses);
        using var listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, port), self, addresses, null, new TransportOptions(), (_, _) => { });
        var node = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener });
        node.Open();
        listener.Start();
        for (var id = 1; id <= groups; id++) await node.CreateGroupAsync(new GroupId((ulong)id), new CountingMachine(), Configuration.OfVoters(members));
        Say("started");
        while (Console.ReadLine() is { } line) Say(await AnswerAsync(node, line.Split(' ')));
        await node.StopAsync();
        return 0;
    }

    private static DirectoryDisk Disk(string path) => new(path) { LogFolder = "wal", PrefersDirect = WriteProbe.Measure(path).PreferDirect };

    private static async Task<string> AnswerAsync(NodeRuntime node, string[] words)
    {
        var groups = node.Groups;
        if (words[0] == "role") return $"role {groups.Count(group => group.Status.IsServingLeader)} {groups.Count(group => group.Status.Leader != NodeId.None)}";
        var clock = new LoadClock();
        var proposers = new Proposers(groups[0], int.Parse(words[1], CultureInfo.InvariantCulture), int.Parse(words[3], CultureInfo.InvariantCulture), clock);
        await groups[0].QueryAsync(new Proposers.Start(proposers));
        await Task.Delay(TimeSpan.FromSeconds(1));
        clock.Count();
        Say("counting");
        await Task.Delay(TimeSpan.FromSeconds(double.Parse(words[2], CultureInfo.InvariantCulture)));
        clock.End();
        Say("counted");
        await proposers.Ended;
        var sorted = proposers.Latencies.Order().ToList();
        return FormattableString.Invariant($"result {sorted.Count} {proposers.Errors} {Percentile(sorted, 0.5)} {Percentile(sorted, 0.99)}");
    }

    private static int Percentile(List<int> sorted, double part) => sorted.Count == 0 ? 0 : sorted[(int)((sorted.Count - 1) * part)];

    private static NodeId[] Learn(string line, PeerAddresses addresses)
    {
        var members = new List<NodeId>();
        foreach (var word in line.Split(' '))
        {
            var peer = word.Split('@');
            var id = new NodeId(ulong.Parse(peer[0], CultureInfo.InvariantCulture));
            members.Add(id);
            addresses.Set(new PeerAddress(id, peer[0], "127.0.0.1", int.Parse(peer[1], CultureInfo.InvariantCulture)));
        }

        return [.. members];
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }
}
