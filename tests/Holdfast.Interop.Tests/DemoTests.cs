using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Interop.Tests;

/// <summary>The demo as somebody uses it who sees Holdfast for the first time.</summary>
[Collection(Alone.Name)]
public sealed class DemoTests
{
    private const string NothingLost = "; 0 of [0-9,]+ acknowledged writes lost$";

    [Theory]
    [InlineData]
    [InlineData("--processes")]
    public async Task The_shell_kills_restarts_parts_slows_and_heals_and_tells_what_happened(params string[] form)
    {
        await using var demo = DemoSession.Begin(form);
        var folder = (await demo.ExpectAsync(@"data and logs are in (\S+) and are removed")).Groups[1].Value;
        for (var node = 1; node <= 3; node++)
        {
            var said = await demo.ExpectAsync($@"n{node}  etcd clients at (127\.0\.0\.1:\d+)(  \(pid \d+\))?   try: etcdctl --endpoints \S+ put hello world");
            Assert.Equal(form.Length > 0, said.Groups[2].Success);
        }

        await demo.SayAsync("load on", "^load on: six writers");
        await demo.SayAsync("kil n1", "^there is no \"kil\"; did you mean: kill n1$");
        await demo.SayAsync("frobnicate", "^there is no \"frobnicate\"; help lists the words$");
        await demo.SayAsync("partition n1 | n1 n2", "^usage: partition n1 \\| n2 n3 ");
        await demo.SayAsync("help", "quit +end the demo and remove its folder");

        var (killed, next) = await demo.KillTheLeaderAsync(NothingLost);
        Assert.NotEqual(killed, next);
        await demo.SayAsync("status", $"{killed}  down ");
        await demo.SayAsync($"restart {killed}", $@"^{killed} is back after \d+ ms; leader n[123] \(term \d+\){NothingLost}");
        await demo.SayAsync("partition n1 | n2 n3", $@"^cut; (n[23] \(term \d+\) leads on, n1 can reach no majority and takes no writes|n1 can reach no majority; election took \d+ ms; new leader n[23] \(term \d+\)){NothingLost}");
        await demo.SayAsync("heal", $@"^healed; all follow n[123] \(term \d+\) after \d+ ms{NothingLost}");
        await demo.SayAsync("partition n1 | n2 | n3", "^cut; no side has a majority");
        await demo.SayAsync("heal", $@"^healed; all follow n[123] \(term \d+\) after \d+ ms{NothingLost}");
        await demo.SayAsync("slow n3 80ms", @"^bytes to and from n3 take 80 ms; a write through n1 (\d+ ms|is not answered), n2 ");
        await demo.SayAsync("heal", "^healed; ");
        await demo.SayAsync("load off", "^load off" + NothingLost);
        await demo.TypeAsync("quit");
        Assert.Equal(0, await demo.ExitAsync());
        Assert.False(Directory.Exists(folder), "the demo left its folder behind");
    }

    /// <summary>The process ids are printed to be killed: from outside, as a machine would take them.</summary>
    [Fact]
    public async Task A_printed_process_can_be_killed_from_outside_and_the_others_go_on()
    {
        await using var demo = DemoSession.Begin("--processes");
        var ids = new Dictionary<string, string>();
        for (var node = 1; node <= 3; node++) ids[$"n{node}"] = (await demo.ExpectAsync($@"n{node}  etcd clients at \S+  \(pid (\d+)\)")).Groups[1].Value;
        Assert.Equal(3, ids.Values.Distinct().Count());
        await demo.SayAsync("load on", "^load on: six writers");
        var leader = await demo.LeaderAsync();
        using (var kill = Process.Start("kill", ["-9", ids[leader]])) await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(leader, await demo.LeaderAsync(otherThan: leader));
        await demo.SayAsync("status", $"{leader}  down ");
        await demo.SayAsync($"restart {leader}", $@"^{leader} is back after \d+ ms; leader n[123] \(term \d+\){NothingLost}");
        await demo.SayAsync("load off", "^load off" + NothingLost);
        await demo.TypeAsync("quit");
        Assert.Equal(0, await demo.ExitAsync());
    }

    [Fact]
    public async Task Without_a_terminal_it_serves_until_sigterm_and_a_second_one_moves_its_ports()
    {
        await using var first = DemoSession.Begin();
        var folder = (await first.ExpectAsync(@"data and logs are in (\S+) ")).Groups[1].Value;
        var endpoint = (await first.ExpectAsync(@"n1  etcd clients at (\S+)")).Groups[1].Value;
        first.EndInput();
        await first.ExpectAsync("^serving until SIGTERM$");

        await using var second = DemoSession.Begin();
        await second.ExpectAsync(@"^port \d+ is taken by process \S+ \(pid \d+\): this demo uses \d+ and up$");
        Assert.NotEqual(endpoint, (await second.ExpectAsync(@"n1  etcd clients at (\S+)")).Groups[1].Value);
        await second.TypeAsync("quit");

        using var kill = Process.Start("kill", ["-TERM", first.ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await first.ExpectAsync("^asked to stop$");
        Assert.Equal(0, await first.ExitAsync());
        Assert.Equal(0, await second.ExitAsync());
        Assert.False(Directory.Exists(folder), "the demo left its folder behind");
    }
}
