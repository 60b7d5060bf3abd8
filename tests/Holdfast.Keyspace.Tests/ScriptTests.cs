using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>What of scripts no oracle can show: limits of time and memory, and that a script's effects are one entry.</summary>
public sealed class ScriptTests
{
    private readonly LocalShards shards = new();

    [Theory]
    [InlineData("while true do end")]
    [InlineData("while true do pcall(function() while true do end end) end")]
    [InlineData("local co=coroutine.wrap(function() while true do end end) co()")]
    [InlineData("local function f() local ok=pcall(f) while true do end end f()")]
    [InlineData("string.gsub(string.rep('a',100),'a',function() while true do end end)")]
    public void A_script_that_does_not_end_is_killed_and_the_machine_goes_on(string text)
    {
        var client = shards.Connect();
        var other = shards.Connect();
        var now = shards.Node.Now;
        shards.Node.ReadClock = () => now += TimeSpan.FromSeconds(1);
        var heard = new List<string>();
        shards.Node.WhileBusy = () =>
        {
            if (heard.Count >= 2) return;
            heard.Add(other.Ask("GET", "a"));
            heard.Add(other.Ask("SCRIPT", "KILL"));
        };
        Assert.StartsWith("-ERR Script killed by user with SCRIPT KILL...", client.Ask("EVAL", text, "0"));
        Assert.Equal(["-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.", "+OK"], heard);
        Assert.Equal(":5", client.Ask("EVAL", "return 5", "0"));
    }

    /// <summary>Read in the same turn as the script, they stand behind it: not executed, and told so while it runs.</summary>
    [Fact]
    public void Those_who_wait_behind_a_script_that_does_not_end_are_told_that_it_is_busy()
    {
        var (first, second) = (shards.ConnectIdle(), shards.ConnectIdle());
        var killer = shards.Connect();
        var now = shards.Node.Now;
        shards.Node.ReadClock = () => now += TimeSpan.FromSeconds(1);
        var heard = new List<string>();
        shards.Node.WhileBusy = () =>
        {
            shards.Seat.Quorum.SendAway();
            if (heard.Count > 0) return;
            heard.AddRange([second.Take(), second.Take(), second.Take(), killer.Ask("SCRIPT", "KILL")]);
        };
        first.Send("EVAL", "while true do end", "0");
        second.Send([.. Request.Of(["INCR", "a"]), .. Request.Of(["GET", "a"])]);
        shards.Turn();
        const string Busy = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
        Assert.Equal([Busy, Busy, "(nothing)", "+OK"], heard);
        Assert.StartsWith("-ERR Script killed by user", first.Take());
        Assert.Equal("$-1", killer.Ask("GET", "a"));
        second.Send("INCR", "a");
        shards.Turn();
        Assert.Equal(":1", second.Take());
    }

    [Fact]
    public void A_script_that_has_written_cannot_be_killed_and_ends_as_it_wants()
    {
        var client = shards.Connect();
        var other = shards.Connect();
        var now = shards.Node.Now;
        shards.Node.ReadClock = () => now += TimeSpan.FromSeconds(1);
        var heard = "";
        shards.Node.WhileBusy = () => heard = other.Ask("SCRIPT", "KILL");
        Assert.Equal(":7", client.Ask("EVAL", "redis.call('set',KEYS[1],1) for i=1,1000000 do end return 7", "1", "a"));
        Assert.StartsWith("-UNKILLABLE ", heard);
        Assert.Equal("$1 1", client.Ask("GET", "a"));
    }

    [Theory]
    [InlineData("local t={} for i=1,1e9 do t[i]=string.rep('x',100)..i end")]
    [InlineData("return string.rep('x',2^40)")]
    [InlineData("local s='x' while true do s=s..s end")]
    [InlineData("local t={} for i=1,1e9 do t=cjson.decode('['..string.rep('[1],',1000)..'1]') t[#t+1]=cjson.encode(t) _=t end")]
    public void Memory_is_bounded_and_the_machine_goes_on(string text)
    {
        var client = shards.Connect();
        Assert.StartsWith("-", client.Ask("EVAL", text, "0"));
        Assert.True(shards.Node.Scripts.MemoryUsed <= ScriptEngine.MemoryMax, "the machine keeps more than it may");
        Assert.Equal(":5", client.Ask("EVAL", "return 5", "0"));
    }

    [Fact]
    public void What_a_script_changes_is_one_entry_and_is_taken_back_with_it_S20()
    {
        var client = shards.Connect();
        client.Ask("SET", "{a}1", "before");
        var (content, entries) = (LocalShards.ContentOf(shards.Leader), shards.EntriesProposed);
        shards.CommitsAtOnce = false;
        client.Send("EVAL", "for i=1,50 do redis.call('set','{a}'..i,i) end redis.call('del','{a}1') error('in the end')", "1", "{a}1");
        Assert.Equal(entries + 1, shards.EntriesProposed);
        Assert.NotEqual(content, LocalShards.ContentOf(shards.Leader));
        Assert.True(shards.Truncate(), "the tail could not be taken back");
        Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
    }

    [Fact]
    public void Scripts_that_EVAL_brought_are_forgotten_and_loaded_ones_stay()
    {
        var client = shards.Connect();
        var digest = client.Ask("SCRIPT", "LOAD", "return 'kept'")[4..];
        for (var i = 0; i < ScriptCache.EvaluatedMax + 10; i++) Assert.Equal($":{i}", client.Ask("EVAL", $"return {i}", "0"));
        Assert.Equal(ScriptCache.EvaluatedMax + 1, shards.Node.Scripts.Cache.Count);
        Assert.Equal("$4 kept", client.Ask("EVALSHA", digest, "0"));
        Assert.Equal("*1 :0", client.Ask("SCRIPT", "EXISTS", ScriptCache.DigestOf("return 0"u8)));
    }

    [Fact]
    public void Functions_come_from_what_the_cluster_shares_and_go_with_it()
    {
        var client = shards.Connect();
        shards.Node.Shared.Follow([new(FunctionCatalog.Prefix + "l", "#!lua name=l\nredis.register_function('f', function() return 3 end)")]);
        Assert.Equal(":3", client.Ask("FCALL", "f", "0"));
        shards.Node.Scripts.Flush();
        Assert.Equal(":3", client.Ask("FCALL", "f", "0"));
        shards.Node.Shared.Follow([]);
        Assert.Equal("-ERR Function not found", client.Ask("FCALL", "f", "0"));
    }
}
