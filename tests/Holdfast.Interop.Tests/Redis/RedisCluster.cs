using System.Diagnostics;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Three processes that serve Redis clients, and what redis-cli says about them.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private RedisCluster(ProcessCluster nodes, int[] ports) => (Nodes, Ports) = (nodes, ports);

    public ProcessCluster Nodes { get; }

    /// <summary>Where each node serves Redis clients.</summary>
    public int[] Ports { get; }

    /// <summary>Starts a fresh cluster and waits until every slot is served, by as many masters as there are nodes; behind them stand nodes that are witnesses of the shards.</summary>
    public static async Task<RedisCluster> StartAsync(int nodes = 3, bool hasFaultyNetwork = false, Func<int, string[]>? flagsOf = null, int witnesses = 0)
    {
        var ports = Interop.Tests.Ports.Free(nodes);
        string[] FaceOf(int node) => node < nodes ? ["--redis", $"127.0.0.1:{ports[node]}"] : ["--roles", "coordination,witness"];
        var cluster = new RedisCluster(await ProcessCluster.StartAsync(nodes + witnesses, hasFaultyNetwork, flagsOf: node => [.. FaceOf(node), .. flagsOf?.Invoke(node) ?? []]), ports);
        return await Begun.OrEndedAsync(cluster, it => it.UntilServedAsync(nodes));
    }

    /// <summary>Waits until every slot is served by that many masters (any number: -1), as every running node says.</summary>
    public async Task UntilServedAsync(int masters)
    {
        for (var node = 0; node < Ports.Length; node++)
        {
            if (!Nodes.IsRunning(node)) continue;
            for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
            {
                var says = await CliAsync(node, "cluster", "info");
                if (says.Contains("cluster_state:ok", StringComparison.Ordinal) && (masters < 0 || says.Contains($"cluster_size:{masters}\r", StringComparison.Ordinal))) break;
                Assert.True(begun.Elapsed < Patience, $"node {node} says after {Patience.TotalSeconds} s:\n{says}\n{Nodes.LastWords()}");
            }
        }
    }

    /// <summary>The nodes as CLUSTER NODES of a running one lists them.</summary>
    public async Task<IReadOnlyList<ListedNode>> NodesAsync()
    {
        var asked = Enumerable.Range(0, Ports.Length).First(Nodes.IsRunning);
        return ListedNode.ParseAll(await CliAsync(asked, "cluster", "nodes"));
    }

    /// <summary>Waits until all nodes say the same about the slots.</summary>
    public async Task UntilAgreedAsync()
    {
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            var check = await CliAsync(0, "--cluster", "check", $"127.0.0.1:{Ports[0]}");
            if (check.Contains("[OK] All nodes agree about slots configuration.", StringComparison.Ordinal) && check.Contains("[OK] All 16384 slots covered.", StringComparison.Ordinal)) return;
            Assert.True(begun.Elapsed < Patience, check);
        }
    }

    /// <summary>Waits until no move is under way.</summary>
    public async Task UntilMovesEndedAsync()
    {
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            var moves = await CliAsync(0, "holdfast.moves");
            if (!moves.Contains("\trunning\t", StringComparison.Ordinal) && !moves.Contains("\tcancelling\t", StringComparison.Ordinal)) return;
            Assert.True(begun.Elapsed < Patience, $"moves do not end:\n{moves}\n{Nodes.LastWords()}");
        }
    }

    /// <summary>What a verb of holdfast prints, asked of all nodes.</summary>
    public Task<string> VerbAsync(params string[] words) => RunAsync(ServerBench.Program, [.. words, "--redis", string.Join(',', Ports.Select(port => $"127.0.0.1:{port}"))]);

    /// <summary>What redis-cli prints once the slots are led: between two leaders nobody serves, which is said and changes nothing.</summary>
    public Task<string> ServedAsync(int node, params string[] words) => ServedAsync(() => CliAsync(node, words));

    /// <summary>Asks until the answer is another than that there is nobody to answer just now; the command was not executed then.</summary>
    internal static async Task<string> ServedAsync(Func<Task<string>> ask)
    {
        var said = "";
        await Patient.UntilAsync(async () => !IsNobodyThere(said = await ask()), () => said);
        return said;
    }

    private static bool IsNobodyThere(string said) => said.StartsWith("CLUSTERDOWN", StringComparison.Ordinal) || said.StartsWith("TRYAGAIN", StringComparison.Ordinal);

    /// <summary>What did not come, with what the nodes said last.</summary>
    public Func<string> LastWordsOf(string otherwise) => () => $"{otherwise}; last words:\n{Nodes.LastWords()}\n";

    /// <summary>What redis-cli prints.</summary>
    public Task<string> CliAsync(int node, params string[] words)
    {
        string[] where = words[0] == "--cluster" ? [] : ["-p", $"{Ports[node]}"];
        return RunAsync("redis-cli", [.. where, .. words]);
    }

    /// <summary>What a program prints, errors last. One that waits for ever for an answer is ended, and the test with it.</summary>
    internal static async Task<string> RunAsync(string program, params string[] words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        try
        {
            var fault = process.StandardError.ReadToEndAsync();
            var said = await process.StandardOutput.ReadToEndAsync().WaitAsync(Patient.Most);
            await process.WaitForExitAsync();
            return said + await fault;
        }
        catch (TimeoutException)
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', words)} had no answer within {Patient.Most.TotalSeconds} s");
        }
    }

    public ValueTask DisposeAsync() => Nodes.DisposeAsync();
}

/// <summary>A line of CLUSTER NODES.</summary>
internal sealed record ListedNode(string Id, int Port, string Flags, string Master, ulong Epoch, string Ranges)
{
    public bool IsSlave => Flags.Split(',').Contains("slave");

    public static IReadOnlyList<ListedNode> ParseAll(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.Contains('@', StringComparison.Ordinal)).Select(line => line.Split(' ')).Select(fields =>
            new ListedNode(fields[0], int.Parse(fields[1].Split('@')[0].Split(':')[1], System.Globalization.CultureInfo.InvariantCulture), fields[2], fields[3], ulong.Parse(fields[6], System.Globalization.CultureInfo.InvariantCulture), string.Join(',', fields.Skip(8))))];

    public int Slots => Ranges.Split(',', StringSplitOptions.RemoveEmptyEntries).Sum(range => range.Split('-') is [var first, var last] ? int.Parse(last, System.Globalization.CultureInfo.InvariantCulture) - int.Parse(first, System.Globalization.CultureInfo.InvariantCulture) + 1 : 1);
}
