using System.Runtime.CompilerServices;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>
/// Golden transcripts: each file in Scenarios/ holds commands (lines that begin with "> ") and below each everything that was said because of it.
/// The whole file is produced anew and compared; with HOLDFAST_UPDATE_SCENARIOS=1 it is rewritten, and the reviewer reads the diff.
/// </summary>
public sealed class ScenarioTests
{
    public static IEnumerable<TheoryDataRow<string>> Files() => Directory.GetFiles(Folder(), "*.txt").Order().Select(path => new TheoryDataRow<string>(Path.GetFileName(path)));

    [Theory]
    [MemberData(nameof(Files))]
    public void Scenario_says_what_is_written(string file)
    {
        var path = Path.Combine(Folder(), file);
        var written = File.ReadAllText(path);
        var said = Perform(written);
        if (Environment.GetEnvironmentVariable("HOLDFAST_UPDATE_SCENARIOS") == "1") File.WriteAllText(path, said);
        Assert.Equal(written, said);
    }

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Scenarios");

    private static string Perform(string script)
    {
        var output = new StringBuilder();
        RaftCluster? cluster = null;
        foreach (var line in script.Split('\n'))
        {
            if (line.StartsWith('#')) output.Append(line).Append('\n');
            if (!line.StartsWith("> ", StringComparison.Ordinal)) continue;
            output.Append(line).Append('\n');
            var words = line[2..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] == "cluster")
            {
                cluster = new RaftCluster(int.Parse(words[1], null));
                continue;
            }

            Assert.NotNull(cluster);
            var before = cluster.Transcript.Count;
            Command(cluster, words);
            foreach (var said in cluster.Transcript.Skip(before).Where(said => !said.EndsWith("disk", StringComparison.Ordinal))) output.Append("  ").Append(said).Append('\n');
            foreach (var replica in cluster.Replicas.Values) output.Append("  ").Append(State(replica)).Append('\n');
        }

        return output.ToString();
    }

    private static void Command(RaftCluster cluster, string[] words)
    {
        var id = words.Length > 1 && int.TryParse(words[1], out var number) ? number : 0;
        switch (words[0])
        {
            case "stand":
                cluster[id].Node.Tick(cluster[id].Node.Deadline);
                break;
            case "propose":
                cluster[id].Propose(words[2]);
                break;
            case "read":
                cluster[id].Node.ReadIndex(cluster.Now, ulong.Parse(words[2], null));
                break;
            case "transfer":
                cluster[id].Node.TransferLeadership(cluster.Now, new NodeId(ulong.Parse(words[2], null)));
                break;
            case "members":
                cluster[id].Node.ProposeConfiguration(cluster.Now, Configuration.OfVoters([.. words[2..].Select(word => new NodeId(ulong.Parse(word, null)))]));
                break;
            case "isolate":
                cluster.Isolate(id);
                break;
            case "heal":
                cluster.Heal();
                break;
            case "crash":
                cluster.Crash(id);
                break;
            case "damage":
                Damage(cluster, id, lost: int.Parse(words[2], null));
                break;
            case "run":
                cluster.Run(TimeSpan.FromMilliseconds(id));
                break;
            default:
                Assert.Fail($"a scenario says '{words[0]}', which no command is");
                break;
        }

        cluster.Settle();
    }

    /// <summary>Restarts a replica whose disk cannot read the last entries, nor say whether one more came after them (S8).</summary>
    private static void Damage(RaftCluster cluster, int id, int lost)
    {
        var found = cluster[id].Recovered();
        var last = found.Entries[^1].Position.Index;
        cluster.Restart(id, found with { Entries = [.. found.Entries.Take(found.Entries.Count - lost)], DamagedUpTo = last.Next });
    }

    private static string State(RaftReplica replica)
    {
        if (!replica.IsUp) return $"{replica.Id}: down";
        var node = replica.Node;
        return $"{replica.Id}: {node.Role} term {node.Term} last {node.Log.Last} commit {node.Commit} members {node.Configuration}{(node.IsWhole ? "" : " damaged")}";
    }
}
