using System.Diagnostics;
using System.Globalization;

namespace LargeState;

/// <summary>Two nodes hold the state; a third joins, is killed at half of its snapshot, resumes and becomes a voter, while the leader takes writes; then a node restarts.</summary>
internal sealed class Scenario(string data, int port, int blocks, TimeSpan loadFor)
{
    /// <summary>Segments that the log may hold: those beyond which groups are made to let old ones go, one being written and one while they do; and those kept for use again.</summary>
    private static readonly long LogBytesMax = SegmentBytes * (4 + 2 + 3);

    private const long SegmentBytes = 64L * 1024 * 1024;

    private readonly long began = Stopwatch.GetTimestamp();
    private long mostLogBytes;

    public void Run()
    {
        using Child one = new("n1", port, Path.Combine(data, "n1")), two = new("n2", port + 1, Path.Combine(data, "n2"));
        Introduce(one, two);
        var starting = Task.Run(() => one.Tell($"start {one.Id} {two.Id}"));
        two.Tell($"start {one.Id} {two.Id}");
        starting.Wait();
        var (leader, follower) = FindLeader(one, two);
        Say($"{(follower == one ? "n2" : "n1")} leads; filling {blocks * (long)Block.Bytes >> 20} MiB: {leader.Tell($"fill {blocks}")}");
        leader.Tell("idle");
        follower.Tell("idle");

        Alone(leader, "no snapshot under way", one, two);
        leader.Tell("load");
        leader.Tell("snapshot");
        leader.Until(line => line.Split(' ')[2] is not ("0" or ""), "a snapshot");
        Report(leader, "while the leader takes its snapshot", one, two);

        // The other one too: whoever leads when the joiner comes has compacted its log, and the joiner needs a snapshot.
        follower.Tell("snapshot");
        follower.Until(line => line.Split(' ')[2] is not ("0" or ""), "a snapshot");

        using var joiner = new Child("n3", port + 2, Path.Combine(data, "n3"));
        Introduce(one, two, joiner);
        Join(leader, joiner, one, two);
        Restart(follower, one, two, joiner);
        Say($"log on disk: at most {mostLogBytes >> 20} MiB on a node with one idle group (bar {LogBytesMax >> 20}){(mostLogBytes > LogBytesMax ? ": MISSED" : "")}");
        foreach (var child in new[] { one, two, joiner }) Say($"n{child.Port - port + 1}: {child.Tell("marks")}");
    }

    /// <summary>What the writers saw, and beside each of the longest pauses what every node did meanwhile.</summary>
    private void Report(Child leader, string what, params Child[] all)
    {
        Say($"{what}: {leader.Tell("report")}");
        foreach (var pause in leader.Tell("pauses").Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = pause.Split(' ');
            Say($"    {words[3]} ms at {words[2]} s: {string.Join("; ", all.Select(child => $"n{child.Port - port + 1}: {child.Tell($"stalls {words[0]} {words[1]}")}"))}");
        }
    }

    private void Alone(Child leader, string what, params Child[] all)
    {
        leader.Tell("load");
        Thread.Sleep(TimeSpan.FromSeconds(Math.Min(10, loadFor.TotalSeconds / 4)));
        Report(leader, what, all);
    }

    private void Join(Child leader, Child joiner, Child one, Child two)
    {
        leader.Tell("load");
        var from = Stopwatch.GetTimestamp();
        joiner.Tell("start");
        Change(leader, one, two, $"learner {joiner.Id}");
        // The file grows as its chunks come, one after the other.
        var whole = blocks * (long)Block.Bytes;
        while (joiner.BytesOf("snapshots") < whole / 2) Look(one, two, joiner);
        joiner.Kill();
        var had = joiner.BytesOf("snapshots");
        Say($"joiner killed with {had >> 20} MiB of its snapshot after {Seconds(from)} s");

        joiner.Start();
        Introduce(one, two, joiner);
        from = Stopwatch.GetTimestamp();
        joiner.Tell("start");
        joiner.Until(line => Look(one, two, joiner) && line.EndsWith("restored", StringComparison.Ordinal), "the joiner's state");
        Say($"joiner restored {Seconds(from)} s after its restart");
        Change(leader, one, two, $"voter {joiner.Id}");
        while (Stopwatch.GetElapsedTime(from) < loadFor)
        {
            Look(one, two, joiner);
            Thread.Sleep(200);
        }

        Report(leader, "while the joiner streams, is killed, resumes and joins", one, two, joiner);
    }

    /// <summary>Leadership may have moved: on a busy machine promises lapse. Whoever leads is told.</summary>
    private void Change(Child usual, Child one, Child two, string change)
    {
        var from = Stopwatch.GetTimestamp();
        for (var leader = usual; ; leader = FindLeader(one, two).Leader)
        {
            if (leader.Tell(change) == "Begun") break;
            Thread.Sleep(100);
        }

        Say($"{change.Split(' ')[0]}: begun after {Seconds(from)} s");
    }

    private void Restart(Child follower, params Child[] all)
    {
        follower.Kill();
        var from = Stopwatch.GetTimestamp();
        follower.Start();
        Introduce(all);
        var opened = follower.Tell($"start {all[0].Id} {all[1].Id}");
        Say($"a node with the whole state restarts after kill -9: {opened}; state there {Seconds(from)} s after the process was begun");
        follower.Until(line => line.EndsWith("restored", StringComparison.Ordinal), "the follower's state");
    }

    private bool Look(params Child[] children)
    {
        foreach (var child in children) mostLogBytes = Math.Max(mostLogBytes, child.BytesOf("wal"));
        return true;
    }

    private static void Introduce(params Child[] children)
    {
        foreach (var child in children)
            foreach (var peer in children)
                if (peer != child) child.Tell($"peer {peer.Id} {peer.Port}");
    }

    private static (Child Leader, Child Follower) FindLeader(Child one, Child two)
    {
        while (true)
        {
            if (one.Tell("status").StartsWith("leads", StringComparison.Ordinal)) return (one, two);
            if (two.Tell("status").StartsWith("leads", StringComparison.Ordinal)) return (two, one);
            Thread.Sleep(20);
        }
    }

    private static string Seconds(long from) => Stopwatch.GetElapsedTime(from).TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);

    private void Say(string what) => Console.WriteLine($"[{Seconds(began),6} s] {what}");
}
