using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast lock</c> and <c>holdfast elect</c> as processes over a cluster of processes (R1.6, S22).</summary>
public sealed class TenureVerbTests : IDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-verbs-").FullName;

    private string Journal => Path.Combine(folder, "journal");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Four contenders write when they begin and end; a node is killed meanwhile. Nobody begins before the one before has ended, and fences rise.</summary>
    [Fact]
    public async Task Contenders_never_overlap_while_a_node_is_killed()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var contenders = Enumerable.Range(0, 4).Select(_ => Start(cluster, ["lock", "job"], "echo begin $HOLDFAST_FENCE >> $JOURNAL; sleep 0.3; echo end $HOLDFAST_FENCE >> $JOURNAL")).ToArray();
        await UntilAsync(() => Lines().Length > 0);
        var leader = await cluster.LeaderAsync();
        cluster.Kill(leader);
        foreach (var contender in contenders)
        {
            await contender.WaitForExitAsync().WaitAsync(Patience);
            Assert.Equal(0, contender.ExitCode);
            contender.Dispose();
        }

        var lines = Lines();
        Assert.Equal(8, lines.Length);
        var fences = lines.Where(line => line.StartsWith("begin ", StringComparison.Ordinal)).Select(Fence).ToArray();
        Assert.Equal(fences.SelectMany(fence => (string[])[$"begin {fence}", $"end {fence}"]), lines);
        Assert.Equal(fences.Distinct().Order(), fences);
    }

    /// <summary>The holder is killed with -9 and can give nothing back: its lease ends, and the next has a larger token (S22).</summary>
    [Fact]
    public async Task After_a_holder_was_killed_the_next_has_a_larger_token()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        using var first = Start(cluster, ["elect", "cell", "--ttl", "2s"], "echo begin $HOLDFAST_FENCE >> $JOURNAL; exec sleep 60");
        await UntilAsync(() => Lines().Length == 1);
        using var second = Start(cluster, ["elect", "cell", "--ttl", "2s"], "echo begin $HOLDFAST_FENCE >> $JOURNAL; exit 7");
        first.Kill(entireProcessTree: true);
        await second.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(7, second.ExitCode);
        Assert.True(Fence(Lines()[1]) > Fence(Lines()[0]));
    }

    /// <summary>Somebody deletes the key: the command and its child are told to end, and killed since they do not listen.</summary>
    [Fact]
    public async Task A_command_whose_lock_is_lost_is_stopped_with_all_it_started()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        using var holder = Start(cluster, ["lock", "job", "--grace", "1s"], "trap '' TERM; sleep 600 & echo $HOLDFAST_KEY $! >> $JOURNAL; while true; do wait; done");
        await UntilAsync(() => Lines().Length == 1);
        var (key, child) = (Lines()[0].Split(' ')[0], Lines()[0].Split(' ')[1]);
        Assert.Equal("1\n", await cluster.EtcdctlAsync(0, "del", key));
        await holder.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(76, holder.ExitCode);
        Assert.True(!File.Exists($"/proc/{child}/stat") || (await File.ReadAllTextAsync($"/proc/{child}/stat")).Contains(") Z ", StringComparison.Ordinal), "the command's child goes on");
    }

    [Fact]
    public async Task A_wait_that_is_over_and_a_command_that_is_not_there_have_exit_codes()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        using var holder = Start(cluster, ["lock", "job"], "echo begin >> $JOURNAL; exec sleep 60");
        await UntilAsync(() => Lines().Length == 1);
        using var late = Start(cluster, ["lock", "job", "--wait", "0s"], "echo never >> $JOURNAL");
        await late.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(75, late.ExitCode);

        // SIGTERM to the verb ends its command and gives the lock back.
        using (var kill = Process.Start("kill", ["-TERM", holder.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
        await holder.WaitForExitAsync().WaitAsync(Patience);
        using var missing = Run(cluster, ["lock", "job", "--wait", "1m", "--", "no-such-command-anywhere"]);
        await missing.WaitForExitAsync().WaitAsync(Patience);
        Assert.Equal(127, missing.ExitCode);
        Assert.Equal(["begin"], Lines());
    }

    private static long Fence(string line) => long.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var look = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var begun = Stopwatch.StartNew(); !condition(); await look.WaitForNextTickAsync()) Assert.True(begun.Elapsed < Patience, "what was waited for did not come");
    }

    private string[] Lines() => File.Exists(Journal) ? File.ReadAllLines(Journal) : [];

    private Process Start(ProcessCluster cluster, string[] verb, string script) => Run(cluster, [.. verb, "--", "sh", "-c", script]);

    private Process Run(ProcessCluster cluster, string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program, words);
        start.Environment["JOURNAL"] = Journal;
        start.Environment["HOLDFAST_ENDPOINTS"] = string.Join(',', Enumerable.Range(0, cluster.Nodes).Select(cluster.Endpoint));
        return Process.Start(start)!;
    }
}
