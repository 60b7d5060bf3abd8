using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

public sealed unsafe class OrderTreeTests : IDisposable
{
    private readonly NativeArena arena = new();
    private readonly List<(double Score, string Member)> model = [];
    private readonly Dictionary<string, nint> records = [];
    private OrderTree tree;

    /// <summary>Over three levels of nodes, growing and shrinking, by few scores (so that members decide) and by many.</summary>
    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 1000)]
    [InlineData(3, 1_000_000)]
    public void An_order_is_what_a_sorted_list_is_over_growth_and_shrinking(ulong seed, int scores)
    {
        var dice = new SeededRandom(seed);
        for (var round = 0; round < 40_000; round++)
        {
            var grows = round % 20_000 < 12_000;
            if (model.Count == 0 || dice.Chance(grows ? 0.9 : 0.05)) Add(dice.Next(-scores, scores) / 4.0, $"m{round}");
            else Remove(dice.Next(model.Count));
            if (round % 1999 == 0) Check(dice);
        }

        Check(dice);
        while (model.Count > 0) Remove(model.Count / 2);
        Check(dice);
        Assert.Equal(0, tree.Nodes);
    }

    [Fact]
    public void Elements_that_come_in_order_leave_no_room_empty()
    {
        for (var i = 0; i < 62_000; i++) Add(i, $"{i}");
        Assert.True(tree.Nodes < 1100, $"{tree.Nodes} nodes for 1000 full leaves");
        Check(new SeededRandom(1));
        while (model.Count > 0) Remove(0);
        Assert.Equal(0, tree.Nodes);
    }

    [Fact]
    public void An_order_is_freed_in_slices()
    {
        for (var i = 0; i < 10_000; i++) Add(i * 7919 % 10_007, $"{i}");
        for (var slices = 0; !tree.FreeSome(arena, 16); slices++) Assert.True(slices < 100);
        Assert.Equal(0, tree.Nodes);
    }

    /// <summary>Runs of every length, from either end and from the midst, out of orders of every depth; what was cut is an order too.</summary>
    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 1000)]
    [InlineData(3, 1_000_000)]
    public void A_run_that_is_cut_out_leaves_two_orders_behind(ulong seed, int scores)
    {
        var dice = new SeededRandom(seed);
        for (var round = 0; round < 150; round++)
        {
            while (model.Count < dice.Next(2, 12_000)) Add(dice.Next(-scores, scores) / 4.0, $"m{round}-{model.Count}-{dice.Next(1_000_000)}");
            var count = dice.Next(1, dice.Chance(0.3) ? Math.Min(model.Count, 100) : model.Count);
            var from = dice.Next(4) switch { 0 => 0, 1 => model.Count - count, _ => dice.Next(model.Count - count + 1) };
            var cut = tree.Cut(arena, from, count);
            var gone = model.GetRange(from, count);
            model.RemoveRange(from, count);
            Assert.Equal(count, cut.Count);
            var place = cut.At(0);
            for (var i = 0; i < count; i++)
            {
                var record = (byte*)records[gone[i].Member];
                Assert.Equal((nint)record, (nint)OrderTree.RecordAt(place));
                Assert.Equal(i + 1 < count, OrderTree.TryNext(ref place));
                Assert.True(cut.Contains(record) && !tree.Contains(record));
            }

            foreach (var (_, member) in model.Take(200)) Assert.True(tree.Contains((byte*)records[member]) && !cut.Contains((byte*)records[member]));
            Check(dice);
            var nodes = cut.Nodes;
            var leaving = new Leaving { Test = this };
            Assert.True(cut.FreeSome(arena, int.MaxValue, ref leaving));
            Assert.True(nodes > 0 && cut.Nodes == 0);
            for (var i = dice.Next(3000); i > 0 && model.Count > 1; i--) Remove(dice.Next(model.Count));
        }

        while (model.Count > 0) Remove(dice.Next(model.Count));
        Assert.Equal(0, tree.Nodes);
        Assert.Equal(0, arena.BytesUsed);
    }

    public void Dispose() => arena.Dispose();

    private readonly struct Leaving : IOrderVisitor
    {
        public OrderTreeTests Test { get; init; }

        public void Visit(in OrderEntry entry)
        {
            Test.records.Remove(Encoding.ASCII.GetString(RecordHead.KeyOf(entry.Record)));
            ScoreRecord.Free(Test.arena, entry.Record);
        }
    }

    private void Add(double score, string member)
    {
        var record = ScoreRecord.Make(arena, 0, Encoding.ASCII.GetBytes(member), score);
        records[member] = (nint)record;
        tree.Add(arena, score, record);
        var at = model.BinarySearch((score, member), Order);
        model.Insert(~at, (score, member));
    }

    private void Remove(int at)
    {
        var (score, member) = model[at];
        var record = (byte*)records[member];
        tree.Remove(arena, score, record);
        ScoreRecord.Free(arena, record);
        records.Remove(member);
        model.RemoveAt(at);
    }

    private void Check(SeededRandom dice)
    {
        Assert.Equal(model.Count, tree.Count);
        if (model.Count == 0) return;
        var place = tree.At(0);
        for (var i = 0; i < model.Count; i++)
        {
            Assert.Equal(records[model[i].Member], (nint)OrderTree.RecordAt(place));
            Assert.Equal(i + 1 < model.Count, OrderTree.TryNext(ref place));
        }

        for (var i = model.Count - 1; i > 0; i--)
        {
            Assert.Equal(records[model[i].Member], (nint)OrderTree.RecordAt(place));
            Assert.True(OrderTree.TryPrevious(ref place));
        }

        for (var i = 0; i < 200; i++)
        {
            var at = dice.Next(model.Count);
            var (score, member) = model[at];
            Assert.Equal(at, tree.CountBefore(new MemberBound(score, Encoding.ASCII.GetBytes(member))));
            Assert.Equal(records[member], (nint)OrderTree.RecordAt(tree.At(at)));
            Assert.Equal(model.Count(each => each.Score < score), tree.CountBefore(new ScoreBound(score, isIncluded: false)));
            Assert.Equal(model.Count(each => each.Score <= score), tree.CountBefore(new ScoreBound(score, isIncluded: true)));
        }
    }

    private static readonly Comparer<(double Score, string Member)> Order = Comparer<(double Score, string Member)>.Create(static (one, other) =>
        one.Score != other.Score ? one.Score.CompareTo(other.Score) : string.CompareOrdinal(one.Member, other.Member));
}
