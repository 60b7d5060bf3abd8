using System.Diagnostics;
using System.Globalization;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace LargeState;

/// <summary>
/// One node, in a process of its own, told what to do in lines on its standard input: <c>peer ID PORT</c>, <c>start ID ID..</c> (founders; none for a joiner),
/// <c>fill BLOCKS</c>, <c>idle</c>, <c>snapshot</c>, <c>learner ID</c>, <c>voter ID</c>, <c>load</c>, <c>report</c>, <c>pauses</c>, <c>stalls FROM TO</c>, <c>status</c>, <c>marks</c>, <c>stop</c>.
/// One line answers each.
/// </summary>
internal sealed class NodeProcess
{
    private static readonly GroupId Large = new(1);
    private static readonly GroupId Idle = new(2);
    private static readonly GroupOptions Options = new() { SnapshotLogBytes = 128L * 1024 * 1024, ProposeTimeout = TimeSpan.FromMinutes(10) };

    private readonly Blocks blocks = new();
    private readonly LargeNode node;
    private readonly long began = Stopwatch.GetTimestamp();
    private ReplicatedGroup large = null!;
    private ReplicatedGroup idle = null!;
    private StallWatch watch = null!;
    private WriteLoad? load;

    private NodeProcess(string name, int port, string folder) => node = LargeNode.Open(name, port, folder);

    public static async Task RunAsync(string name, int port, string folder)
    {
        var process = new NodeProcess(name, port, folder);
        Console.WriteLine(process.node.Data.Node.Value);
        while (await Console.In.ReadLineAsync() is { } line && line != "stop") Console.WriteLine(await process.ObeyAsync(line.Split(' ')));
        await process.node.StopAsync();
    }

    private async Task<string> ObeyAsync(string[] words)
    {
        switch (words[0])
        {
            case "peer":
                node.Addresses.Set(new PeerAddress(IdOf(words[1]), words[1], "127.0.0.1", int.Parse(words[2], CultureInfo.InvariantCulture)));
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
            case "pauses":
                return load!.Pauses();
            case "stalls":
                return watch.Between(long.Parse(words[1], CultureInfo.InvariantCulture), long.Parse(words[2], CultureInfo.InvariantCulture));
            case "marks":
                return $"idle group's log begins after {idle.Status.Snapshot.Index} and ends at {idle.Status.Last.Index}; " + string.Join("; ", Mark.All().Where(IsTold).Select(mark => $"{mark.Name} ({mark.Hits})"));
            default:
                var now = large.Status;
                return $"{(now.IsServingLeader ? "leads" : now.Role)} {now.Applied} {now.Snapshot.Index} {(now.IsRestored && now.Applied > LogIndex.Zero ? "restored" : "empty")}";
        }
    }

    private async Task<string> StartAsync(NodeId[] founders)
    {
        node.Runtime.Open();
        node.Listener.Start();
        var initial = founders.Length == 0 ? Configuration.Empty : Configuration.OfVoters(founders);
        large = await node.Runtime.CreateGroupAsync(Large, blocks, initial, Options);
        var restored = Stopwatch.GetElapsedTime(began);
        idle = await node.Runtime.CreateGroupAsync(Idle, new Blocks(), initial, Options);
        watch = new StallWatch(node.Runtime, large);
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

    private static bool IsTold(Mark mark) => mark.Hits > 0 && (mark.Name.Contains("snapshot", StringComparison.Ordinal) || mark.Name.Contains("segment", StringComparison.Ordinal));

    private static NodeId IdOf(string word) => new(ulong.Parse(word, CultureInfo.InvariantCulture));
}
