using System.Text;
using Holdfast.Primitives;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>What is asked most is remembered, however much else is asked.</summary>
public sealed class HotQueriesTests
{
    [Fact]
    public void The_most_frequent_are_found_among_many_that_are_asked_once()
    {
        var (hot, dice) = (new HotQueries(), new SeededRandom(3));
        var truth = new long[5];
        for (var ask = 0; ask < 20_000; ask++)
        {
            var query = dice.Next(10) < 5 ? dice.Next(5) : 1000 + ask;
            if (query < 5) truth[query]++;
            hot.Note("c", Encoding.UTF8.GetBytes($"{{\"query\":{query}}}"));
        }

        var found = hot.List(5);
        Assert.Equal(["{\"query\":0}", "{\"query\":1}", "{\"query\":2}", "{\"query\":3}", "{\"query\":4}"], found.Select(query => query.Sample).Order(StringComparer.Ordinal));
        foreach (var query in found)
        {
            var asked = truth[query.Sample[9] - '0'];
            Assert.InRange(asked, query.Count - query.CountError, query.Count);
        }
    }

    [Fact]
    public void Equal_bodies_of_two_collections_are_two_queries_and_what_is_asked_once_is_not_hot()
    {
        var hot = new HotQueries();
        for (var ask = 0; ask < 3; ask++) hot.Note("a", "{}"u8);
        hot.Note("b", "{}"u8);
        Assert.Equal(("a", 3L, 0L), (hot.List(10).Single().Collection, hot.List(10).Single().Count, hot.List(10).Single().CountError));
    }
}
