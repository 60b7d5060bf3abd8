using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// Many members of a huge sorted set go at once, and their records are freed later, a few with every entry. Whatever happens meanwhile (they come again, the cut is taken back, a snapshot is on its way, the set goes), the set is
/// what a plain dictionary is that does the same.
/// </summary>
public sealed class SortedSetCutTests
{
    private const int Members = 8_000;
    private const string Key = "z";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_set_of_which_runs_are_cut_is_what_a_dictionary_is(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var shards = new LocalShards { CommitsAtOnce = false };
        var client = Connect(shards);
        var model = new Dictionary<string, double>(StringComparer.Ordinal);
        var committed = new Dictionary<string, double>(StringComparer.Ordinal);
        Fill(client, model, dice, Members);
        for (var round = 0; round < 80; round++)
        {
            if (model.Count < Members / 4) Fill(client, model, dice, Members);
            switch (dice.Next(8))
            {
                case 0:
                case 1:
                    Cut(client, model, dice);
                    break;
                case 2:
                    Fill(client, model, dice, 1500);
                    break;
                case 3:
                    Remove(client, model, dice);
                    break;
                case 4:
                    Look(client, model, dice);
                    break;
                case 5 when shards.Truncate():
                    model = new Dictionary<string, double>(committed, StringComparer.Ordinal);
                    client = Connect(shards);
                    break;
                case 6:
                    for (var entries = 0; entries < 20; entries++) client.Ask("SET", "tick", "tock");
                    break;
                default:
                    shards.CommitAll();
                    committed = new Dictionary<string, double>(model, StringComparer.Ordinal);
                    break;
            }

            if (round % 10 == 0) Assert.Equal(Expected(model), Whole(client));
        }

        shards.CommitAll();
        Assert.Equal(Expected(model), Whole(client));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Look(client, model, dice);
    }

    [Fact]
    public void A_snapshot_that_began_before_a_cut_has_what_was_cut_and_one_that_begins_after_it_does_not()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var model = new Dictionary<string, double>(StringComparer.Ordinal);
        var dice = new SeededRandom(1);
        Fill(client, model, dice, Members);
        client.Ask("ZREMRANGEBYRANK", Key, "0", "1999");
        var before = Whole(client);
        var early = shards.Leader.CaptureSnapshot();
        client.Ask("ZREMRANGEBYRANK", Key, "1000", "2999");
        client.Ask("ZREMRANGEBYRANK", Key, "-1500", "-1");
        client.Ask("ZADD", Key, "-5", "m17", "-6", "new");
        var between = Whole(client);
        Assert.Equal(between, Copied(shards.Leader.Keyspace));
        client.Ask("ZREMRANGEBYRANK", Key, "0", "1500");
        Assert.Equal(before, Restored(early));
        for (var entries = 0; entries < 200; entries++) client.Ask("SET", "tick", "tock");
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Fact]
    public void What_was_cut_is_freed_a_few_with_every_entry_and_with_the_set_when_that_goes()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        client.Ask("SET", "tick", "tock");
        var empty = shards.Leader.Keyspace.Arena.BytesUsed;
        var dice = new SeededRandom(1);
        Fill(client, [], dice, Members);
        var full = shards.Leader.Keyspace.Arena.BytesUsed;
        client.Ask("ZREMRANGEBYRANK", Key, "100", "-101");
        Assert.True(shards.Leader.Keyspace.Arena.BytesUsed > full - (full / 4), "it was freed in one go");
        Settle(shards, client);
        Assert.True(shards.Leader.Keyspace.Arena.BytesUsed - empty < full / 20, "what was cut is not freed");
        Fill(client, [], dice, Members);
        client.Ask("ZPOPMIN", Key, "3000");
        client.Ask("ZADD", Key, "1", "m5", "2", "m6", "3", "m7");
        client.Ask("DEL", Key);
        Settle(shards, client);
        Assert.Equal(empty, shards.Leader.Keyspace.Arena.BytesUsed);
    }

    /// <summary>A client that hears its replies before anything is committed.</summary>
    private static LocalClient Connect(LocalShards shards)
    {
        var client = shards.Connect();
        client.Ask("HOLDFAST.DURABILITY", "async");
        return client;
    }

    private static void Fill(LocalClient client, Dictionary<string, double> model, SeededRandom dice, int members)
    {
        foreach (var part in Enumerable.Range(0, members).Chunk(500))
        {
            var words = new List<string> { "ZADD", Key };
            foreach (var _ in part)
            {
                // Of few scores, so that members decide too; and members that were there before.
                var (member, score) = ($"m{dice.Next(Members * 2)}", dice.Next(Members / 4));
                words.AddRange([score.ToString(CultureInfo.InvariantCulture), member]);
                model[member] = score;
            }

            client.Ask([.. words]);
        }
    }

    private static void Cut(LocalClient client, Dictionary<string, double> model, SeededRandom dice)
    {
        var ordered = Ordered(model);
        var from = dice.Next(ordered.Length);
        var to = Math.Min(ordered.Length, from + dice.Next(ordered.Length / 2));
        if (dice.Chance(0.3)) from = 0;
        if (to <= from) return;
        switch (dice.Next(4))
        {
            case 0:
                client.Ask("ZPOPMIN", Key, Text(to - from));
                (from, to) = (0, to - from);
                break;
            case 1:
                client.Ask("ZPOPMAX", Key, Text(to - from));
                (from, to) = (ordered.Length - (to - from), ordered.Length);
                break;
            case 2:
                var (low, high) = (ordered[from].Value, ordered[to - 1].Value);
                client.Ask("ZREMRANGEBYSCORE", Key, low.ToString(CultureInfo.InvariantCulture), high.ToString(CultureInfo.InvariantCulture));
                foreach (var each in ordered) if (each.Value >= low && each.Value <= high) model.Remove(each.Key);
                return;
            default:
                client.Ask("ZREMRANGEBYRANK", Key, Text(from), Text(to - 1));
                break;
        }

        foreach (var each in ordered[from..to]) model.Remove(each.Key);
    }

    private static void Remove(LocalClient client, Dictionary<string, double> model, SeededRandom dice)
    {
        string[] members = [.. Enumerable.Range(0, 300).Select(_ => $"m{dice.Next(Members * 2)}").Distinct()];
        Assert.Equal($":{members.Count(model.ContainsKey)}", client.Ask(["ZREM", Key, .. members]));
        foreach (var member in members) model.Remove(member);
    }

    /// <summary>Looks at the set in every other way: by member, by walking, by rank.</summary>
    private static void Look(LocalClient client, Dictionary<string, double> model, SeededRandom dice)
    {
        var ordered = Ordered(model);
        Assert.Equal($":{model.Count}", client.Ask("ZCARD", Key));
        for (var i = 0; i < 50; i++)
        {
            var member = $"m{dice.Next(Members * 2)}";
            var rank = Array.FindIndex(ordered, each => each.Key == member);
            Assert.Equal(rank < 0 ? "$-1" : $":{rank}", client.Ask("ZRANK", Key, member));
            Assert.Equal(rank < 0, client.Ask("ZSCORE", Key, member) == "$-1");
        }

        var met = new HashSet<string>(StringComparer.Ordinal);
        for (var cursor = "0"; ;)
        {
            var reply = client.Ask("ZSCAN", Key, cursor, "COUNT", "1000").Split(' ');
            cursor = reply[2];
            for (var at = 5; at < reply.Length; at += 4) met.Add(reply[at]);
            if (cursor == "0") break;
        }

        Assert.Equal(model.Keys.Order(StringComparer.Ordinal), met.Order(StringComparer.Ordinal));
    }

    private static KeyValuePair<string, double>[] Ordered(Dictionary<string, double> model) => [.. model.OrderBy(each => each.Value).ThenBy(each => each.Key, StringComparer.Ordinal)];

    private static string Expected(Dictionary<string, double> model) =>
        $"*{model.Count * 2}{string.Concat(Ordered(model).Select(each => $" ${each.Key.Length} {each.Key} ${Text((int)each.Value).Length} {Text((int)each.Value)}"))}";

    private static string Whole(LocalClient client) => client.Ask("ZRANGE", Key, "0", "-1", "WITHSCORES");

    private static string Restored(Holdfast.Replication.ISnapshotView view)
    {
        var chunks = new ByteBuffer();
        while (view.WriteNext(chunks))
        {
        }

        view.Dispose();
        var shards = new LocalShards { CommitsAtOnce = false };
        var builder = shards.Leader.BeginRestore();
        builder.ReadNext(chunks.Written);
        builder.Complete();
        return Whole(Connect(shards));
    }

    /// <summary>The set as it is written whole, while records of what was cut are still in its table.</summary>
    private static string Copied(Keyspace keyspace)
    {
        var bytes = new ByteBuffer();
        keyspace.BigOf(keyspace.Locate("z"u8)).Write(new SpanWriter(bytes));
        var copy = new LocalShards { CommitsAtOnce = false };
        var reader = new SpanReader(bytes.Written);
        var target = copy.Leader.Keyspace.Locate("z"u8);
        copy.Leader.Keyspace.SetBig(ref target, ValueKind.SortedSet, ValueEncoding.SkipList, BigValues.Read(ValueKind.SortedSet, ValueEncoding.SkipList, ref reader, copy.Leader.Keyspace)!);
        return Whole(Connect(copy));
    }

    private static void Settle(LocalShards shards, LocalClient client)
    {
        for (var entries = 0; entries < 500; entries++) client.Ask("SET", "tick", "tock");
        shards.Turn();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
