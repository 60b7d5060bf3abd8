using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Bench.Core;

/// <summary>Three <see cref="CoreNode"/> processes with data in a folder of their own, which goes with them.</summary>
internal sealed class CoreCluster : IDisposable
{
    private const int Nodes = 3;
    private readonly List<Process> nodes = [];
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-core-").FullName;

    private CoreCluster()
    {
    }

    public IReadOnlyList<int> Processes => nodes.ConvertAll(static node => node.Id);

    public static CoreCluster Start(int firstPort, int groups)
    {
        var cluster = new CoreCluster();
        var peers = new List<string>();
        for (var i = 0; i < Nodes; i++)
        {
            var node = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["core-node", Path.Combine(cluster.folder, $"n{i}"), $"{firstPort + i}", $"{groups}"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            })!;
            cluster.nodes.Add(node);
            peers.Add($"{Expect(node, "id")[1]}@{firstPort + i}");
        }

        foreach (var node in cluster.nodes) node.StandardInput.WriteLine(string.Join(' ', peers));
        foreach (var node in cluster.nodes) Expect(node, "started");
        return cluster;
    }

    /// <summary>Waits until every group is led, and gives the node that leads most.</summary>
    public Process AwaitLeader(int groups)
    {
        while (true)
        {
            var led = nodes.ConvertAll(static node => Ask(node, "role", "role"));
            if (led.TrueForAll(role => int.Parse(role[2], CultureInfo.InvariantCulture) == groups) && led.Sum(role => int.Parse(role[1], CultureInfo.InvariantCulture)) == groups)
                return nodes[led.IndexOf(led.MaxBy(role => int.Parse(role[1], CultureInfo.InvariantCulture))!)];
            Thread.Sleep(50);
        }
    }

    public static string[] Ask(Process node, string question, string answer)
    {
        node.StandardInput.WriteLine(question);
        return Expect(node, answer);
    }

    public static string[] Expect(Process node, string word)
    {
        while (node.StandardOutput.ReadLine() is { } line)
            if (line.StartsWith(word, StringComparison.Ordinal)) return line.Split(' ');
        throw new InvalidOperationException($"a node of the bare cluster ended before it said '{word}'");
    }

    public void Dispose()
    {
        foreach (var node in nodes) node.StandardInput.Close();
        foreach (var node in nodes)
            if (!node.WaitForExit(TimeSpan.FromSeconds(10))) node.Kill();
        Directory.Delete(folder, recursive: true);
    }
}
