namespace Holdfast.Keyspace.Tests;

/// <summary>LATENCY keeps what took too long, by kind; DEBUG does what tests of clients ask for, where it may.</summary>
public sealed class LatencyTests
{
    private readonly LocalShards shards = new(new KeyspaceOptions { DebugCommand = "yes" });

    [Fact]
    public void Delays_are_kept_by_kind_from_the_threshold_on()
    {
        var client = shards.Connect();
        Assert.Equal("*0", client.Ask("LATENCY", "LATEST"));
        Assert.Contains("Latency monitoring is disabled", client.Ask("LATENCY", "DOCTOR"), StringComparison.Ordinal);
        client.Ask("CONFIG", "SET", "latency-monitor-threshold", "100");
        shards.Node.Latency.Add(LatencyMonitor.Command, 99_000);
        Assert.Equal("*0", client.Ask("LATENCY", "LATEST"));
        var second = shards.Clock / 1_000_000;
        shards.Node.Latency.Add(LatencyMonitor.Command, 300_000);
        shards.Node.Latency.Add(LatencyMonitor.Command, 200_000);
        shards.Node.Latency.Add(LatencyMonitor.ExpireCycle, 150_000);
        Assert.Equal($"*2 *4 $7 command :{second} :300 :300 *4 $12 expire-cycle :{second} :150 :150", client.Ask("LATENCY", "LATEST"));
        Assert.Equal($"*1 *2 :{second} :300", client.Ask("LATENCY", "HISTORY", "command"));
        Assert.Equal("*0", client.Ask("LATENCY", "HISTORY", "nothing"));
        Assert.Contains("command - high 300 ms, low 300 ms (all time high 300 ms)", client.Ask("LATENCY", "GRAPH", "command"), StringComparison.Ordinal);
        Assert.Equal("-ERR No samples available for event 'nothing'", client.Ask("LATENCY", "GRAPH", "nothing"));
        Assert.Contains("1. command: 1 latency spikes (average 300ms", client.Ask("LATENCY", "DOCTOR"), StringComparison.Ordinal);
        Assert.Equal(":1", client.Ask("LATENCY", "RESET", "command", "nothing"));
        Assert.Equal(":1", client.Ask("LATENCY", "RESET"));
        Assert.Equal("*0", client.Ask("LATENCY", "LATEST"));
    }

    [Fact]
    public void A_command_and_the_way_to_the_quorum_are_measured()
    {
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "latency-monitor-threshold", "5");
        shards.CommitsAtOnce = false;
        client.Send("SET", "a", "1");
        shards.Node.Now += TimeSpan.FromMilliseconds(70);
        shards.CommitAll();
        Assert.Equal("+OK", client.Take());
        Assert.StartsWith($"*1 *4 $6 commit :", client.Ask("LATENCY", "LATEST"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_sleeping_node_answers_nobody_until_it_wakes()
    {
        var (client, other) = (shards.Connect(), shards.Connect());
        client.Send("DEBUG", "SLEEP", "0.5");
        other.Send("PING");
        Assert.Equal("(nothing)", client.Take());
        Assert.Equal("(nothing)", other.Take());
        shards.Pass(TimeSpan.FromMilliseconds(600));
        foreach (var waiting in shards.Node.Waiting.ToArray())
            if (!waiting.Retry()) shards.Node.Waiting.Remove(waiting);
        shards.Turn();
        Assert.Equal("+OK", client.Take());
        Assert.Equal("+PONG", other.Take());
    }

    [Fact]
    public void An_expired_key_is_not_looked_for_when_that_is_switched_off()
    {
        var client = shards.Connect();
        client.Ask("SET", "a", "1", "PX", "10");
        Assert.Equal("+OK", client.Ask("DEBUG", "SET-ACTIVE-EXPIRE", "0"));
        shards.Pass(TimeSpan.FromSeconds(1));
        var chores = new ShardChores(shards.Node);
        chores.Look();
        Assert.Equal(1, shards.Leader.State.ServedKeys);
        client.Ask("DEBUG", "SET-ACTIVE-EXPIRE", "1");
        chores.Look();
        Assert.Equal(0, shards.Leader.State.ServedKeys);
    }

    [Fact]
    public void Nobody_may_use_DEBUG_unless_the_node_was_started_so()
    {
        var client = new LocalShards().Connect();
        Assert.StartsWith("-ERR DEBUG command not allowed.", client.Ask("DEBUG", "SLEEP", "0"), StringComparison.Ordinal);
        Assert.Equal("*2 $20 enable-debug-command $2 no", client.Ask("CONFIG", "GET", "enable-debug-command"));
    }
}
