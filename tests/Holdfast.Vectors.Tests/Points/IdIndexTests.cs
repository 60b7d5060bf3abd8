using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Tests.Points;

public sealed class IdIndexTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_agrees_with_a_sorted_dictionary_whatever_is_done_to_both(int seed)
    {
        var dice = new Random(seed);
        var index = new IdIndex();
        var model = new SortedDictionary<PointId, RowAddress>();
        for (var step = 0; step < 20_000; step++)
        {
            var id = dice.Next(3) == 0 ? PointId.Of(Uuid(dice.Next(2000))) : PointId.Of((ulong)dice.Next(5000));
            if (dice.Next(3) == 0)
            {
                Assert.Equal(model.Remove(id), index.Remove(id));
                continue;
            }

            var address = new RowAddress(dice.Next(3), step);
            Assert.Equal(!model.ContainsKey(id), index.Set(id, address));
            model[id] = address;
        }

        Assert.Equal(model.Count, index.Count);
        Assert.Equal(model, index.From(null, int.MaxValue));
        foreach (var (id, address) in model) Assert.True(index.TryFind(id, out var found) && found == address);
        for (var probe = 0; probe < 200; probe++)
        {
            var from = dice.Next(2) == 0 ? PointId.Of((ulong)dice.Next(6000)) : PointId.Of(Uuid(dice.Next(3000)));
            Assert.Equal(model.Where(each => each.Key.CompareTo(from) >= 0).Take(7), index.From(from, 7));
        }
    }

    [Fact]
    public void Ids_that_rise_fill_their_leaves_and_are_all_there()
    {
        var index = new IdIndex();
        for (var id = 0UL; id < 10_000; id++) index.Set(PointId.Of(id), new RowAddress(0, (int)id));
        Assert.Equal(Enumerable.Range(0, 10_000), index.From(null, 20_000).Select(each => each.Value.Row));
    }

    [Fact]
    public void Numbers_come_before_uuids_and_every_spelling_of_a_uuid_is_the_same()
    {
        Assert.True(PointId.Of(ulong.MaxValue).CompareTo(PointId.Of(Guid.Empty)) < 0);
        foreach (var spelling in new[] { "5c56c793-69f3-4fbf-87e6-c4bf54c28c26", "5C56C79369F34FBF87E6C4BF54C28C26", "urn:uuid:5c56c793-69f3-4fbf-87e6-c4bf54c28c26" })
        {
            Assert.True(PointId.TryParseUuid(spelling, out var id));
            Assert.Equal("5c56c793-69f3-4fbf-87e6-c4bf54c28c26", id.ToString());
        }

        Assert.False(PointId.TryParseUuid("5c56c793", out _));
    }

    private static Guid Uuid(int number) => new(number * 7919, (short)number, 3, [1, 2, 3, 4, 5, 6, 7, (byte)number]);
}
