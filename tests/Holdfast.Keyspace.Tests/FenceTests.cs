using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Fences (S22): a holder whose lock has a newer token writes nothing more, wherever the newer one was seen.</summary>
public sealed class FenceTests
{
    [Fact]
    public void A_write_is_refused_once_the_shard_has_seen_a_newer_token_S22()
    {
        var shards = new LocalShards();
        var (old, newer) = (shards.Connect(), shards.Connect());
        Assert.Equal("+OK", old.Ask("HOLDFAST.FENCE", "jobs", "10"));
        Assert.Equal("+OK", old.Ask("SET", "a", "1"));
        Assert.Equal("+OK", newer.Ask("HOLDFAST.FENCE", "jobs", "11"));

        // Only the new holder's first write makes the shard know.
        Assert.Equal("+OK", old.Ask("SET", "a", "2"));
        Assert.Equal("+OK", newer.Ask("SET", "b", "1"));
        Assert.StartsWith("-FENCED lock 'jobs'", old.Ask("SET", "a", "3"), StringComparison.Ordinal);
        Assert.Equal("$1 2", old.Ask("GET", "a"));
        old.Ask("MULTI");
        old.Ask("SET", "a", "4");
        Assert.StartsWith("-FENCED", old.Ask("EXEC"), StringComparison.Ordinal);
        Assert.Equal("$1 2", newer.Ask("GET", "a"));

        // Another lock, or none, is not concerned; and the old one takes its lock again under a newer token.
        Assert.Equal("+OK", shards.Connect().Ask("SET", "a", "5"));
        old.Ask("HOLDFAST.FENCE", "jobs", "12");
        Assert.Equal("+OK", old.Ask("SET", "a", "6"));
        Assert.StartsWith("-FENCED", newer.Ask("DEL", "a"), StringComparison.Ordinal);
        Assert.Equal(shards.Leader.State.Fences.Hash, shards.Replica.State.Fences.Hash);
    }

    [Fact]
    public void A_fence_of_a_lost_tail_means_to_rebuild_S20()
    {
        var shards = new LocalShards { CommitsAtOnce = false };
        var client = shards.Connect();
        client.Send("HOLDFAST.FENCE", "jobs", "10");
        client.Send("SET", "a", "1");
        Assert.False(shards.Truncate());
    }

    [Fact]
    public void Fences_go_where_slots_go_S22()
    {
        var shards = new MovingShards();
        var (old, newer) = (shards.Connect(), shards.Connect());
        var keys = SlotMoveTests.KeysIn(SlotRanges.Parse("0-99")!, 2);
        old.Ask("HOLDFAST.FENCE", "jobs", "10");
        newer.Ask("HOLDFAST.FENCE", "jobs", "11");
        Assert.Equal("+OK", newer.Ask("SET", keys[0], "1"));
        Assert.True(shards.Drive(SlotMoveTests.Mover(shards, 1), shards.Shards[0]).IsDone);
        Assert.StartsWith("-FENCED", old.Ask("SET", keys[1], "2"), StringComparison.Ordinal);
        foreach (var shard in shards.Shards) shard.Check();
    }

    [Fact]
    public void Tokens_and_names_that_are_none_are_refused()
    {
        var client = new LocalShards().Connect();
        Assert.StartsWith("-ERR a fencing token", client.Ask("HOLDFAST.FENCE", "jobs", "-1"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR a fencing token", client.Ask("HOLDFAST.FENCE", "jobs", "0"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR the name", client.Ask("HOLDFAST.FENCE", "", "1"), StringComparison.Ordinal);
        Assert.StartsWith("-ERR wrong number", client.Ask("HOLDFAST.FENCE", "jobs"), StringComparison.Ordinal);
    }
}
