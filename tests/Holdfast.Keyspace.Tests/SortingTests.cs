using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>SORT of much goes on over several turns, in which others are served; what it shows is one state of the value, and replicas hold what it stored.</summary>
public sealed class SortingTests
{
    private const int Elements = 60_000;

    [Theory]
    [InlineData("list", "RPUSH")]
    [InlineData("set", "SADD")]
    [InlineData("zset", "ZADD")]
    public void Much_is_sorted_in_slices_between_which_others_are_served(string key, string verb)
    {
        var shards = new LocalShards();
        var numbers = Fill(shards, key, verb);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node); // A turn each: whoever sorts goes on beside it.
        foreach (var (words, expected) in new (string[], IEnumerable<string>)[]
        {
            (["SORT", key], numbers.Order().Select(Text)),
            (["SORT", key, "DESC", "LIMIT", "5", "1000"], numbers.OrderDescending().Skip(5).Take(1000).Select(Text)),
            (["SORT_RO", key, "ALPHA"], numbers.Select(Text).Order(StringComparer.Ordinal)),
            (["SORT", key, "ALPHA", "DESC"], numbers.Select(Text).OrderDescending(StringComparer.Ordinal)),
        })
        {
            var sorter = new LocalClient(() => { }, shards.Node);
            sorter.Send(words);
            var slices = 0;
            for (; sorter.Take() is var said; slices++)
            {
                if (said != "(nothing)")
                {
                    Assert.Equal(string.Join(' ', expected), Flat(said));
                    break;
                }

                Assert.True(shards.TurnOnce(), "the sort has stopped without a reply");
                if (slices < 3) Assert.Equal("$5 other", others.Ask("EVAL", "return KEYS[1]", "1", "other"));
            }

            Assert.True(slices > 1, "it was sorted in one go");
        }

        Assert.True(shards.Leader.Watches.IsEmpty, "a sort that has ended still looks at its key");
    }

    [Fact]
    public void What_changes_while_it_is_copied_is_copied_anew_and_in_one_go_when_it_does_not_rest()
    {
        var shards = new LocalShards();
        var numbers = Fill(shards, "list", "RPUSH");
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node); // A turn each: whoever sorts goes on beside it.
        var sorter = new LocalClient(() => { }, shards.Node);
        sorter.Send("SORT", "list", "LIMIT", "0", "3");
        var said = "(nothing)";
        for (var turns = 0; said == "(nothing)"; said = sorter.Take(), turns++)
        {
            Assert.True(turns < 1000, "it begins anew for ever");
            Assert.True(shards.TurnOnce());
            others.Ask("RPUSH", "list", $"{-turns - 1}");
        }

        // Whatever turn it was copied in: the three least of that moment.
        var least = Flat(said).Split(' ').Select(text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(3, least.Length);
        Assert.True(least[0] < 0 && least[1] == least[0] + 1 && least[2] == least[0] + 2, said);
        Assert.Equal(Elements, numbers.Count);
    }

    [Fact]
    public void What_was_sorted_to_be_stored_is_stored_as_its_source_is_then_and_is_the_same_on_a_replica()
    {
        var shards = new LocalShards();
        var numbers = Fill(shards, "{t}set", "SADD");
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node); // A turn each: whoever sorts goes on beside it.
        var sorter = new LocalClient(() => { }, shards.Node);
        sorter.Send("SORT", "{t}set", "STORE", "{t}sorted");
        for (var turns = 0; turns < 6; turns++) Assert.True(shards.TurnOnce()); // Copied by now, and in the midst of sorting.
        Assert.Equal(":0", others.Ask("EXISTS", "{t}sorted"));
        others.Ask("SADD", "{t}set", "-1");
        shards.Turn();
        Assert.Equal($":{Elements + 1}", sorter.Take());
        Assert.Equal("-1 0 1", Flat(others.Ask("LRANGE", "{t}sorted", "0", "2")));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        others.Ask("SORT", "{t}set", "LIMIT", "0", "0", "STORE", "{t}sorted");
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Assert.Equal(Elements, numbers.Count);
    }

    [Fact]
    public void A_client_that_goes_away_leaves_no_sort_behind_and_transactions_sort_in_one_go()
    {
        var shards = new LocalShards();
        Fill(shards, "list", "RPUSH");
        var sorter = new LocalClient(() => { }, shards.Node);
        sorter.Send("SORT", "list");
        Assert.True(shards.TurnOnce());
        Assert.False(shards.Leader.Watches.IsEmpty, "a sort under way does not look at its key");
        sorter.Session.Close();
        shards.Turn();
        Assert.True(shards.Leader.Watches.IsEmpty, "the sort of a client that is gone still looks at its key");

        var client = shards.Connect();
        client.Ask("MULTI");
        client.Ask("SORT", "list", "LIMIT", "0", "2");
        Assert.Equal("*1 *2 $1 0 $1 1", client.Ask("EXEC"));
        client.Ask("RPUSH", "list", "word");
        Assert.Contains("One or more scores can't be converted into double", client.Ask("SORT", "list"), StringComparison.Ordinal);
        Assert.Equal("*1 $1 0", client.Ask("EVAL", "return redis.call('sort', KEYS[1], 'ALPHA', 'LIMIT', 0, 1)", "1", "list"));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Numbers from zero on, in an order that says nothing.</summary>
    private static List<int> Fill(LocalShards shards, string key, string verb)
    {
        var dice = new SeededRandom(7);
        List<int> numbers = [.. Enumerable.Range(0, Elements)];
        for (var i = Elements - 1; i > 0; i--)
        {
            var other = dice.Next(i + 1);
            (numbers[i], numbers[other]) = (numbers[other], numbers[i]);
        }

        var client = shards.Connect();
        foreach (var part in numbers.Chunk(1000)) client.Ask([verb, key, .. part.SelectMany(number => verb == "ZADD" ? [Text(-number), Text(number)] : new[] { Text(number) })]);
        return numbers;
    }

    private static string Flat(string reply) => string.Join(' ', reply.Split(' ').Where(word => word[0] is not ('*' or '$')));
}
