using System.Diagnostics;
using System.Globalization;
using System.Net;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace LargeState;

/// <summary>
/// One node, in a process of its own, told what to do in lines on its standard input: <c>peer ID PORT</c>, <c>start ID ID..</c> (founders; none for a joiner),
/// <c>fill BLOCKS</c>, <c>idle</c>, <c>snapshot</c>, <c>learner ID</c>, <c>voter ID</c>, <c>load</c>, <c>report</c>, <c>status</c>, <c>marks</c>, <c>stop</c>. One line answers each.
/// </summary>
internal sealed class NodeProcess
{
    private static readonly GroupId Large = new(1);
    private static readonly GroupId Idle = new(2);
    private static readonly GroupOptions Options = new() { SnapshotLogBytes = 128L * 1024 * 1024, ProposeTimeout = TimeSpan.FromMinutes(10) };

    private readonly PeerAddresses addresses = new();
    private readonly Blocks blocks = new();
    private readonly DataDirectory data;
    private readonly NodeRuntime node;
    private readonly PeerListener listener;
    private readonly long began = Stopwatch.GetTimestamp();
    private ReplicatedGroup large = null!;
    private ReplicatedGroup idle = null!;
    private WriteLoad? load;

    private NodeProcess(string name, int port, string folder)
    {
        data = DataDirectory.Open(folder, name, path => new DirectoryDisk(path) { DirectFolder = WriteProbe.Measure(path).PreferDirect ? "wal" : null });
        data.JoinCluster(new ClusterId(0x1A46E));
        var self = new LocalNode(data.Node, (uint)data.BootCount, 1, data.Cluster);
        listener = new PeerListener(new IPEndPoint(IPAddress.Loopback, port), self, addresses, null, new TransportOptions(), (_, _) => { });
        node = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener });
    }

    public static async Task RunAsync(string name, int port, string folder)
    {
        var process = new NodeProcess(name, port, folder);
        Console.WriteLine(process.data.Node.Value);
        while (await Console.In.ReadLineAsync() is { } line && line != "stop") Console.WriteLine(await process.ObeyAsync(line.Split(' ')));
        await process.node.StopAsync();
        process.listener.Dispose();
    }

    private async Task<string> ObeyAsync(string[] words)
    {
        switch (words[0])
        {
            case "peer":
                addresses.Set(new PeerAddress(IdOf(words[1]), words[1], "127.0.0.1", int.Parse(words[2], CultureInfo.InvariantCulture)));
                return "known";
            case "start":
                return await StartAsync([.. words.Skip(1).Select(IdOf)]);
            case "fill":
                return $"{(await large.ProposeAsync(Blocks.Fill(int.Parse(words[1], CultureInfo.InvariantCulture)))).Status}";
            case "idle":
                for (var i = 0; i < 10; i++) await idle.ProposeAsync(Blocks.Write(0, 0, [1]));
                return "written";
            case "snapshot":
                large.TakeSnapshot();
                return "asked";
            case "learner":
                return await ChangeAsync(IdOf(words[1]), MemberRole.Learner);
            case "voter":
                return await ChangeAsync(IdOf(words[1]), MemberRole.Voter);
            case "load":
                load = new WriteLoad(large, blocks.Count);
                return "begun";
            case "report":
                return await load!.EndAsync();
            case "marks":
                return string.Join("; ", Mark.All().Where(mark => mark.Hits > 0 && mark.Name.Contains("snapshot", StringComparison.Ordinal)).Select(mark => $"{mark.Name} ({mark.Hits})"));
            default:
                var now = large.Status;
                return $"{(now.IsServingLeader ? "leads" : now.Role)} {now.Applied} {now.Snapshot.Index} {(now.IsRestored && now.Applied > LogIndex.Zero ? "restored" : "empty")}";
        }
    }

    private async Task<string> StartAsync(NodeId[] founders)
    {
        node.Open();
        listener.Start();
        var initial = founders.Length == 0 ? Configuration.Empty : Configuration.OfVoters(founders);
        large = await node.CreateGroupAsync(Large, blocks, initial, Options);
        var restored = Stopwatch.GetElapsedTime(began);
        idle = await node.CreateGroupAsync(Idle, new Blocks(), initial, Options);
        return string.Create(CultureInfo.InvariantCulture, $"open after {restored.TotalSeconds:F2} s");
    }

    private async Task<string> ChangeAsync(NodeId joiner, MemberRole role)
    {
        foreach (var group in new[] { large, idle })
        {
            // The idle group may be led by the other node; it stays there without the joiner.
            Member[] members = [.. group.Status.Configuration.Members.ToArray().Where(member => member.Node != joiner), new Member(joiner, role)];
            var verdict = await group.ChangeMembershipAsync(Configuration.Of(members));
            if (group == large && verdict != ChangeVerdict.Begun) return $"{verdict}";
        }

        return "Begun";
    }

    private static NodeId IdOf(string word) => new(ulong.Parse(word, CultureInfo.InvariantCulture));
}
