using System.Globalization;
using System.Text.Json;
using Holdfast.Server.Hosting;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>What programs read of a node's log (R1.12): every line that a start, an election and a stop write, parsed and held against the table of events.</summary>
public sealed class JsonLogTests
{
    /// <summary>What happens in a group, and therefore says in which, in which term and at which index.</summary>
    private static readonly HashSet<NodeEvent> OfAGroup =
    [
        NodeEvents.RoleChanged, NodeEvents.Elected, NodeEvents.LeaderLost, NodeEvents.MembershipChanged, NodeEvents.SnapshotTaken, NodeEvents.SnapshotInstalled, NodeEvents.SnapshotFailed, NodeEvents.SnapshotMended,
        NodeEvents.Restoring, NodeEvents.Restored,
    ];

    [Fact]
    public async Task Every_line_of_a_start_an_election_and_a_stop_says_node_event_term_and_index()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var ids = new string[cluster.Nodes];
        for (var node = 0; node < ids.Length; node++) ids[node] = (await cluster.StatusAsync(node))!.Header.MemberId.ToString("x", CultureInfo.InvariantCulture);
        var killed = await cluster.LeaderAsync();
        cluster.Kill(killed);
        await cluster.UntilSaidAsync("leader_lost");
        var survivors = Enumerable.Range(0, 3).Where(node => node != killed).ToArray();
        foreach (var node in survivors) await cluster.UntilServesAsync(node);
        var elected = await cluster.LeaderAsync();
        await cluster.UntilSaidAsync($"n{elected} leads term {(await cluster.StatusAsync(elected))!.RaftTerm}");
        foreach (var node in survivors) await cluster.StopAsync(node);

        var kinds = new HashSet<NodeEvent>();
        for (var node = 0; node < cluster.Nodes; node++) kinds.UnionWith(AssertLines(cluster.Said(node), $"n{node}", ids[node]));
        NodeEvent[] expected = [NodeEvents.Founding, NodeEvents.Started, NodeEvents.Transport, NodeEvents.MembershipChanged, NodeEvents.RoleChanged, NodeEvents.Elected, NodeEvents.LeaderLost, NodeEvents.Stopping];
        Assert.Equal([], expected.Except(kinds));
    }

    /// <summary>The program's kinds are in its table, the doors' on the manual's page; another is none.</summary>
    private static NodeEvent KindOf(int id, string type)
    {
        if (NodeEvents.All.FirstOrDefault(kind => (kind.Id, kind.Type) == (id, type)) is { } known) return known;
        Assert.Contains($"{id} `{type}`", File.ReadAllText(Checkout.PathOf("docs/operations.md")), StringComparison.Ordinal);
        return new NodeEvent(id, type, "");
    }

    /// <summary>Checks each line of one node; which kinds of event there were.</summary>
    private static HashSet<NodeEvent> AssertLines(IReadOnlyList<string> lines, string name, string id)
    {
        var kinds = new HashSet<NodeEvent>();
        var isNamed = false;
        var terms = new Dictionary<long, long>();
        foreach (var line in lines)
        {
            using var parsed = JsonDocument.Parse(line);
            var said = parsed.RootElement;
            var kind = KindOf(said.GetProperty("event_id").GetInt32(), said.GetProperty("event_type").GetString()!);
            kinds.Add(kind);
            Assert.Equal(TimeSpan.Zero, said.GetProperty("time").GetDateTimeOffset().Offset);
            Assert.Contains(said.GetProperty("severity").GetString(), (string[])["info", "warn", "error"]);
            Assert.Equal(name, said.GetProperty("node").GetString());
            Assert.NotEqual("", said.GetProperty("message").GetString());

            // A node has its id once its directory is open; what it says before that is said of a process.
            var node = said.GetProperty("node_id").GetString();
            isNamed |= node!.Length > 0;
            Assert.Equal(isNamed ? id : "", node);
            Assert.True(isNamed || !OfAGroup.Contains(kind), $"said by nobody: {line}");
            var fields = said.EnumerateObject().Select(field => field.Name).ToHashSet();
            foreach (var field in (string[])["group", "term", "index"]) Assert.True(fields.Contains(field) == OfAGroup.Contains(kind), $"{field}: {line}");
            if (kind != NodeEvents.Elected) continue;

            // No leader of a group is ever told after one of a later term.
            var (group, term) = (said.GetProperty("group").GetInt64(), said.GetProperty("term").GetInt64());
            Assert.True(term >= Math.Max(1, terms.GetValueOrDefault(group)), $"not after term {terms.GetValueOrDefault(group)}: {line}");
            terms[group] = term;
            Assert.True(said.GetProperty("duration_ms").GetDouble() >= 0 && said.GetProperty("index").GetInt64() >= 0, line);
        }

        Assert.True(isNamed, $"{name} never said who it is");
        return kinds;
    }
}
