using System.Globalization;

namespace Holdfast.Keyspace.Tests;

/// <summary>Large collections travel to another shard in pieces, so that neither side stands still for one; what the target serves is the value whole, whatever happened to it on the way (S21).</summary>
public sealed class LargeMoveTests
{
    private const int Elements = 30_000;

    private static readonly SlotRanges Slots = SlotRanges.Parse("0-99")!;

    /// <summary>Filling, and changes that come while it is copied.</summary>
    public static TheoryData<string, string, string> Kinds => new()
    {
        { "HSET {k} f# value-of-#", "HSET {k} new# x f# y|HDEL {k} f#|HPEXPIRE {k} 900000 FIELDS 1 f#", "HGETALL {k}" },
        { "SADD {k} member-#", "SADD {k} new#|SREM {k} member-#", "SMEMBERS {k}" },
        { "ZADD {k} # member-#", "ZADD {k} -# member-#|ZREM {k} member-#|ZREMRANGEBYRANK {k} # #1500", "ZRANGE {k} 0 -1 WITHSCORES" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_large_value_comes_over_whole_although_it_changes_on_the_way(string fill, string changes, string question)
    {
        for (var changesMax = 0; changesMax <= 60; changesMax += 12)
        {
            var (expected, actual, unread, reads) = Move(fill, changes, question, changesMax, PlantedShardBug.None);
            Assert.Equal(expected, actual);
            Assert.True(unread <= 2 * StageCodec.PieceBytes, $"the target kept {unread} bytes before it had a piece");
            Assert.True(reads >= 3, $"the source read all in {reads} entries");
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_value_that_is_adopted_in_part_is_found_out(string fill, string changes, string question)
    {
        var (expected, actual, _, _) = Move(fill, changes, question, changesMax: 0, PlantedShardBug.LargeValueAdoptedInPart);
        Assert.NotEqual(expected, actual);
    }

    [Fact]
    public void Members_that_do_not_know_pieces_are_sent_values_whole()
    {
        var shards = new MovingShards();
        shards.Node.KnowsPieces = static () => false;
        var (expected, actual, unread, _) = Move(shards, "SADD {k} member-#", "", "SMEMBERS {k}", changesMax: 0);
        Assert.Equal(expected, actual);
        Assert.True(unread >= StageCodec.ChunkBytes, "it came in pieces");
    }

    [Fact]
    public void A_failover_of_either_side_in_the_midst_of_a_value_begins_it_anew()
    {
        foreach (var side in (int[])[0, 1])
        {
            var shards = new MovingShards();
            var client = shards.Connect();
            var key = Fill(client, "HSET {k} f# value-of-#");
            var expected = Content(client, $"HGETALL {key}");
            var mover = new SlotMover(shards.Shards[0].Seat, new MoveId(1), shards.Shards[1].Group, Slots);
            for (var steps = 0; shards.Shards[1].Machine.State.CountIn(Slots) == 0; steps++)
            {
                Assert.True(steps < 100, "nothing was staged");
                shards.Do(mover, shards.Shards[0], mover.Next(false));
                shards.Turn();
            }

            shards.Shards[side].Failover();
            if (side == 0) mover = new SlotMover(shards.Shards[0].Seat, new MoveId(1), shards.Shards[1].Group, Slots);
            Assert.Equal(new MoveTask.Finish(true, ""), shards.Drive(mover, shards.Shards[0]));
            Assert.Equal(expected, Content(client, $"HGETALL {key}"));
            foreach (var shard in shards.Shards) shard.Check();
        }
    }

    private static (string Expected, string Actual, long UnreadMost, int Reads) Move(string fill, string changes, string question, int changesMax, PlantedShardBug bug) =>
        Move(new MovingShards(bug: bug), fill, changes, question, changesMax);

    private static (string Expected, string Actual, long UnreadMost, int Reads) Move(MovingShards shards, string fill, string changes, string question, int changesMax)
    {
        var client = shards.Connect();
        var key = Fill(client, fill);
        var (source, target) = (shards.Shards[0], shards.Shards[1]);
        var mover = new SlotMover(source.Seat, new MoveId(1), target.Group, Slots);
        var (unread, reads, changed, templates) = (0L, 0, 0, changes.Split('|'));
        for (var steps = 0; ; steps++)
        {
            Assert.True(steps < 100_000, "the move does not come to its end");
            // In the midst of a piece, between two values, while the tail is sent: wherever the step happens to be.
            if (steps > 3 && changed < changesMax && source.Slots.Owned[KeySlot.Of(System.Text.Encoding.ASCII.GetBytes(key))]) client.Say(Named(templates[changed % templates.Length], key, ++changed * 7));
            var task = mover.Next(false);
            if (task is MoveTask.Finish end)
            {
                Assert.True(end.IsDone, end.Note);
                break;
            }

            if (task is MoveTask.Run && source.Slots.Outgoing.ContainsKey(mover.Id)) reads++;
            shards.Do(mover, source, task);
            shards.Turn();
            foreach (var move in target.Slots.Incoming.Values) unread = Math.Max(unread, move.Unread.Sum(static piece => (long)piece.Length));
        }

        // The same commands in the same order, to a value that stays where it is.
        var other = new MovingShards();
        var still = other.Connect();
        Fill(still, fill);
        for (var number = 0; number < changed; number++) still.Say(Named(templates[number % templates.Length], key, (number + 1) * 7));
        foreach (var shard in shards.Shards) shard.Check();
        return (Content(still, Named(question, key, 0)), Content(client, Named(question, key, 0)), unread, reads);
    }

    private static string Fill(LocalClient client, string fill)
    {
        var key = SlotMoveTests.KeysIn(Slots, 1)[0];
        foreach (var part in Enumerable.Range(0, Elements).Chunk(500))
        {
            var words = fill.Split(' ');
            client.Ask([words[0], key, .. part.SelectMany(number => words[2..].Select(word => Named(word, key, number)))]);
        }

        return key;
    }

    private static string Named(string template, string key, int number) => template.Replace("{k}", key, StringComparison.Ordinal).Replace("#", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>A reply whose order is the table's own.</summary>
    private static string Content(LocalClient client, string question) => string.Join(' ', client.Say(question).Split(' ').Order(StringComparer.Ordinal));
}
