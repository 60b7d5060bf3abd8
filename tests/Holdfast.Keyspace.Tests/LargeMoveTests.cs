using System.Globalization;

namespace Holdfast.Keyspace.Tests;

/// <summary>Large values travel to another shard in pieces, so that neither side stands still for one; what the target serves is the value whole, whatever happened to it on the way (S21).</summary>
public sealed class LargeMoveTests
{
    private const int Elements = 30_000;

    private static readonly SlotRanges Slots = SlotRanges.Parse("0-99")!;

    /// <summary>Filling, and what comes once behind it; changes that come while it is copied; what is asked in the end.</summary>
    public static TheoryData<string, string, string> Kinds => new()
    {
        { "HSET {k} f# value-of-#", "HSET {k} new# x f# y|HDEL {k} f#|HPEXPIRE {k} 900000 FIELDS 1 f#", "HGETALL {k}" },
        { "SADD {k} member-#", "SADD {k} new#|SREM {k} member-#", "SMEMBERS {k}" },
        { "RPUSH {k} element-of-the-list-#", "RPUSH {k} new#|LPUSH {k} new#|LPOP {k}|RPOP {k} #|LSET {k} # set#|LINSERT {k} BEFORE element-of-the-list-29# between|LREM {k} 1 element-of-the-list-#", "LRANGE {k} 0 -1" },
        { "XADD {k} #-1 field value-#", "XADD {k} 99999#-1 field new#|XDEL {k} #-1|XTRIM {k} MINID #", "XRANGE {k} - +" },
        {
            "XADD {k} #-1 field value-#|XGROUP CREATE {k} idle $|XGROUP CREATE {k} group 0|XREADGROUP GROUP group one COUNT 20000 STREAMS {k} >|XREADGROUP GROUP group two COUNT 5000 STREAMS {k} >",
            "XACK {k} group #-1|XCLAIM {k} group three 0 1#-1 #-1|XREADGROUP GROUP group two COUNT # STREAMS {k} >|XGROUP CREATE {k} made# 0|XGROUP DELCONSUMER {k} group three|XDEL {k} #-1",
            "XPENDING {k} group|XREADGROUP GROUP group one STREAMS {k} 0|XREADGROUP GROUP group two STREAMS {k} 0|XINFO STREAM {k}"
        },
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

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_failover_of_either_side_in_the_midst_of_a_value_begins_it_anew(string fill, string changes, string question)
    {
        Assert.NotEmpty(changes);
        foreach (var side in (int[])[0, 1])
        {
            var shards = new MovingShards();
            var client = shards.Connect();
            var key = Fill(client, fill);
            question = Named(question.Split('|')[0], key, 0);
            var expected = Content(client, question);
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
            Assert.Equal(expected, Content(client, question));
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
        var (words, behind) = (fill.Split('|')[0].Split(' '), fill.Split('|')[1..]);
        foreach (var part in Enumerable.Range(0, Elements).Chunk(words[0] == "XADD" ? 1 : 500))
            client.Ask([words[0], key, .. part.SelectMany(number => words[2..].Select(word => Named(word, key, number)))]);
        foreach (var command in behind) client.Say(Named(command, key, 0));
        return key;
    }

    private static string Named(string template, string key, int number) => template.Replace("{k}", key, StringComparison.Ordinal).Replace("#", number.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>The replies to some questions; the order of elements only where it is the value's, and not the table's own.</summary>
    private static string Content(LocalClient client, string questions) =>
        string.Join('|', questions.Split('|').Select(question => question[0] is 'L' or 'X' or 'Z' ? client.Say(question) : string.Join(' ', client.Say(question).Split(' ').Order(StringComparer.Ordinal))));
}
