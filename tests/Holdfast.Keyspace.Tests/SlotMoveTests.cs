using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Slots move atomically (S21): with their keys, while clients go on, over every crash.</summary>
public sealed class SlotMoveTests
{
    private static readonly SlotRanges Some = SlotRanges.Parse("0-99,3000")!;

    [Fact]
    public void Slots_move_with_their_keys_and_are_forgotten_where_they_were()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        var keys = KeysIn(Some, 500);
        foreach (var key in keys) client.Ask("SET", key, $"value of {key}", "EX", "1000");
        client.Ask("SET", "elsewhere", "kept");
        var (source, target) = (shards.Shards[0], shards.Shards[1]);
        Assert.Equal(new MoveTask.Finish(true, ""), shards.Drive(Mover(shards, 7), source));
        Assert.True(Some.AllIn(target.Slots.Owned));
        Assert.False(Some.AnyIn(source.Slots.Owned));
        Assert.Equal(0, source.Machine.State.CountIn(Some));
        Assert.Equal(500, target.Machine.State.CountIn(Some));
        Assert.True(target.Slots.Epoch > source.Slots.Epoch);
        foreach (var key in keys) Assert.Equal($"${9 + key.Length} value of {key}", client.Ask("GET", key));
        Assert.Equal(":501", client.Ask("DBSIZE"));
        foreach (var shard in shards.Shards) shard.Check();
    }

    [Fact]
    public void What_is_staged_is_served_to_nobody_and_counted_by_nobody()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        foreach (var key in KeysIn(Some, 50)) client.Ask("SET", key, "1");
        var mover = Mover(shards, 1);
        shards.DriveUntil(mover, shards.Shards[0], DeparturePhase.Sealed);
        Assert.Equal(50, shards.Shards[1].Machine.State.CountIn(Some));
        Assert.Equal(0, shards.Shards[1].Machine.State.ServedKeys);
        Assert.Equal(0, shards.Shards[0].Machine.State.ServedKeys);
        Assert.Equal("*0", client.Ask("KEYS", "*"));
        Assert.Equal("$-1", client.Ask("RANDOMKEY"));
        Assert.StartsWith("-TRYAGAIN", client.Ask("FLUSHALL"), StringComparison.Ordinal);
        shards.Drive(mover, shards.Shards[0]);
        Assert.Equal(":50", client.Ask("DBSIZE"));
    }

    [Fact]
    public void A_command_to_a_sealed_slot_waits_and_is_answered_by_the_target()
    {
        var shards = new MovingShards();
        var (client, other) = (shards.Connect(), shards.Connect());
        var key = KeysIn(Some, 1)[0];
        client.Ask("SET", key, "before");
        var mover = Mover(shards, 1);
        shards.DriveUntil(mover, shards.Shards[0], DeparturePhase.Sealed);
        other.Send("APPEND", key, " and after");
        Assert.Equal("(nothing)", other.Take());
        shards.Drive(mover, shards.Shards[0]);
        shards.Turn();
        Assert.Equal(":16", other.Take());
        Assert.Equal("$16 before and after", client.Ask("GET", key));
    }

    [Fact]
    public void A_command_that_waits_too_long_for_a_sealed_slot_is_told_to_try_again()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        var mover = Mover(shards, 1);
        shards.DriveUntil(mover, shards.Shards[0], DeparturePhase.Sealed);
        client.Send("GET", KeysIn(Some, 1)[0]);
        for (var i = 0; i < 500; i++) shards.Turn();
        Assert.StartsWith("-TRYAGAIN", client.Take(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_move_breaks_watches_and_a_transaction_goes_where_the_slot_went()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        var key = KeysIn(Some, 1)[0];
        client.Ask("WATCH", key);
        client.Ask("MULTI");
        client.Ask("SET", key, "1");
        shards.Drive(Mover(shards, 1), shards.Shards[0]);
        Assert.Equal("*-1", client.Ask("EXEC"));
        client.Ask("MULTI");
        client.Ask("SET", key, "2");
        Assert.Equal("*1 +OK", client.Ask("EXEC"));
    }

    [Fact]
    public void Adopt_is_refused_for_anything_but_what_was_sealed_S21()
    {
        var slots = new SlotOwnership();
        slots.TryClaim([]);
        Assert.True(slots.TryPrepare(new MoveId(1), new GroupId(2), Some, 5, isEmpty: true, isSealed: false));
        var move = slots.TryStage(new MoveId(1), 5, 0);
        Assert.NotNull(move);
        slots.OnStaged(move with { Chunks = 1, Hash = 77 });
        var mark = new SealMark(100, 5, 1, 77, 3);
        Assert.False(slots.TryAdopt(new MoveId(1), 1, mark with { Attempt = 4 }, 3));
        Assert.False(slots.TryAdopt(new MoveId(1), 1, mark with { Chunks = 2 }, 3));
        Assert.False(slots.TryAdopt(new MoveId(1), 1, mark with { Hash = 78 }, 3));
        Assert.False(slots.TryAdopt(new MoveId(1), 1, mark, 2));
        Assert.False(slots.TryAdopt(new MoveId(2), 1, mark, 3));
        Assert.Equal(0, slots.Owned.Count);
        Assert.True(slots.TryAdopt(new MoveId(1), 9, mark, 3));
        Assert.Equal(10UL, slots.Epoch);
        Assert.False(slots.TryRefuse(new MoveId(1), isSealed: true));
    }

    [Fact]
    public void A_refused_move_is_taken_back_and_its_stage_forgotten()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        foreach (var key in KeysIn(Some, 600)) client.Ask("SET", key, "1");
        var mover = Mover(shards, 1);
        shards.DriveUntil(mover, shards.Shards[0], DeparturePhase.Sealed);
        var epoch = shards.Shards[0].Slots.Epoch;
        Assert.False(shards.Drive(mover, shards.Shards[0], isCancelled: true).IsDone);
        Assert.True(Some.AllIn(shards.Shards[0].Slots.Owned));
        Assert.True(shards.Shards[0].Slots.Epoch > epoch);
        var chores = new ShardChores(shards.Node);
        for (var i = 0; i < 10; i++) chores.Look();
        Assert.Equal(0, shards.Shards[1].Machine.State.CountIn(Some));
        Assert.Empty(shards.Shards[1].Slots.Incoming);
        Assert.Equal(":600", client.Ask("DBSIZE"));

        // The same move never begins again; another one may.
        Assert.False(shards.Drive(Mover(shards, 1), shards.Shards[0]).IsDone);
        Assert.True(shards.Drive(Mover(shards, 2), shards.Shards[0]).IsDone);
    }

    [Fact]
    public void A_value_of_many_chunks_moves_whole()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        var keys = KeysIn(Some, 3);
        foreach (var key in keys) client.Ask("SET", key, new string(key[0], 700_000));
        Assert.True(shards.Drive(Mover(shards, 1), shards.Shards[0]).IsDone);
        foreach (var key in keys) Assert.Equal(":700000", client.Ask("STRLEN", key));
        foreach (var shard in shards.Shards) shard.Check();
    }

    [Fact]
    public void A_seal_that_is_taken_back_with_its_term_leaves_the_slots_served_S20()
    {
        var shards = new MovingShards();
        var client = shards.Connect();
        var key = KeysIn(Some, 1)[0];
        client.Ask("SET", key, "1");
        var mover = Mover(shards, 1);
        var source = shards.Shards[0];
        for (var task = mover.Next(false); ; task = mover.Next(false))
        {
            shards.CommitsAtOnce = false;
            shards.Do(mover, source, task);
            if (source.Slots.Outgoing.TryGetValue(mover.Id, out var move) && move.Phase == DeparturePhase.Sealed) break;
            foreach (var shard in shards.Shards) shard.CommitAll();
        }

        source.Failover();
        shards.CommitsAtOnce = true;
        Assert.True(Some.AllIn(source.Slots.Owned));
        Assert.Equal("$1 1", client.Ask("GET", key));
        Assert.True(shards.Drive(Mover(shards, 1), source).IsDone);
        Assert.Equal("$1 1", client.Ask("GET", key));
    }

    /// <summary>Writers, movers and leaders that fall, words that are lost, come twice or late. Every acknowledged write is there, every slot has one owner, and nothing comes back from the dead.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Moves_under_fire_lose_nothing(ulong seed) => new MoveStorm(seed).Run();

    internal static SlotMover Mover(MovingShards shards, ulong id, int source = 0, int target = 1, SlotRanges? slots = null) => new(shards.Shards[source].Seat, new MoveId(id), shards.Shards[target].Group, slots ?? Some);

    /// <summary>Names whose slots are among these.</summary>
    internal static List<string> KeysIn(SlotRanges slots, int count)
    {
        var found = new List<string>();
        for (var i = 0; found.Count < count; i++)
            if (slots.Contains(KeySlot.Of(System.Text.Encoding.ASCII.GetBytes($"k{i}")))) found.Add($"k{i}");
        return found;
    }
}
