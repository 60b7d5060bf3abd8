using System.Globalization;
using Grpc.Core;
using Holdfast.Client;

namespace Holdfast.Server.Demo;

/// <summary>The demo's few words. What they do to the cluster, and the telling of it, is <see cref="DemoFaults"/>.</summary>
internal sealed class DemoShell
{
    private readonly DemoFaults faults;
    private readonly DemoVerb[] verbs;

    public DemoShell(DemoFaults faults)
    {
        this.faults = faults;
        verbs =
        [
            new("status", "status", "who leads, and how far everybody is", NoWords(faults.ShowAsync)),
            new("kill", "kill n1", "end a node as kill -9 would", OneNode(faults.KillAsync)),
            new("restart", "restart n1", "start a node again, from its data", OneNode(faults.RestartAsync)),
            new("partition", "partition n1 | n2 n3", "cut the network between the sides", PartitionAsync),
            new("slow", "slow n3 80ms", "delay what goes to and from a node", SlowAsync),
            new("heal", "heal", "make every link whole and fast again", NoWords(faults.HealAsync)),
            new("load", "load on|off", "six writers that remember what was acknowledged", LoadAsync),
            new("help", "help", "these words", NoWords(HelpAsync)),
            new("quit", "quit", "end the demo and remove its folder", NoWords(QuitAsync)),
        ];
    }

    private bool IsOver { get; set; }

    /// <summary>Does line by line what it is told, until it is told to end. When the lines end first (no terminal, no script), it serves until it is asked to stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var isInteractive = !Console.IsInputRedirected;
        Console.WriteLine(string.Join(" · ", verbs.Select(verb => verb.Usage)));
        var input = new DemoInput();
        try
        {
            while (!IsOver)
            {
                if (isInteractive) Console.Write("demo> ");
                if (await input.NextAsync(stop) is { } line) await ObeyAsync(line, stop);
                else if (isInteractive) return; // Ctrl-D.
                else await ServeAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.WriteLine("asked to stop");
        }
    }

    private async Task ObeyAsync(string line, CancellationToken cancel)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (words.Length == 0) return;
        try
        {
            if (Array.Find(verbs, verb => verb.Name == words[0]) is { } known)
            {
                if (!await known.Run(words[1..], cancel)) Console.WriteLine($"usage: {known.Usage}   ({known.Meaning})");
            }
            else
            {
                Console.WriteLine(DemoVerb.Nearest(words[0], verbs) is { } meant ? $"there is no \"{words[0]}\"; did you mean: {meant.Usage}" : $"there is no \"{words[0]}\"; help lists the words");
            }
        }
        catch (Exception fault) when (fault is RpcException or OutcomeUnknownException)
        {
            Console.WriteLine($"no answer: {fault.Message}");
        }
    }

    private static async Task ServeAsync(CancellationToken stop)
    {
        Console.WriteLine("serving until SIGTERM");
        await Task.Delay(Timeout.Infinite, stop);
    }

    private static Func<string[], CancellationToken, Task<bool>> NoWords(Func<CancellationToken, Task> run) => async (words, cancel) =>
    {
        if (words.Length > 0) return false;
        await run(cancel);
        return true;
    };

    private static Func<string[], CancellationToken, Task<bool>> OneNode(Func<int, CancellationToken, Task> run) => async (words, cancel) =>
    {
        if (words is not [var name] || DemoCluster.Find(name) is not (>= 0 and var node)) return false;
        await run(node, cancel);
        return true;
    };

    /// <summary><c>n1 | n2 n3</c>: every node on exactly one side.</summary>
    private async Task<bool> PartitionAsync(string[] words, CancellationToken cancel)
    {
        var sides = new int[DemoCluster.Nodes];
        Array.Fill(sides, -1);
        var groups = string.Join(' ', words).Split('|');
        for (var side = 0; side < groups.Length; side++)
        {
            foreach (var name in groups[side].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (DemoCluster.Find(name) is not (>= 0 and var node) || sides[node] >= 0) return false;
                sides[node] = side;
            }
        }

        if (groups.Length < 2 || sides.Contains(-1)) return false;
        await faults.PartitionAsync(sides, cancel);
        return true;
    }

    private async Task<bool> SlowAsync(string[] words, CancellationToken cancel)
    {
        if (words is not [var name, var delay] || DemoCluster.Find(name) is not (>= 0 and var node)) return false;
        if (!delay.EndsWith("ms", StringComparison.Ordinal) || !int.TryParse(delay.AsSpan(0, delay.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var millis)) return false;
        await faults.SlowAsync(node, TimeSpan.FromMilliseconds(millis), cancel);
        return true;
    }

    private async Task<bool> LoadAsync(string[] words, CancellationToken cancel)
    {
        if (words is not ["on" or "off"]) return false;
        await (words[0] == "on" ? faults.LoadOnAsync() : faults.LoadOffAsync(cancel));
        return true;
    }

    private Task HelpAsync(CancellationToken cancel)
    {
        foreach (var verb in verbs) Console.WriteLine($"  {verb.Usage,-22} {verb.Meaning}");
        return Task.CompletedTask;
    }

    private Task QuitAsync(CancellationToken cancel)
    {
        IsOver = true;
        return Task.CompletedTask;
    }
}
