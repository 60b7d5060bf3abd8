using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster.Tests;

public sealed class FenceTests
{
    [Fact] // (S22)
    public void A_holder_is_fenced_off_once_a_newer_token_was_seen()
    {
        var table = new FenceTable();
        Assert.True(table.Declare("lock"u8, new FencingToken(5)).IsAccepted);
        Assert.True(table.Declare("lock"u8, new FencingToken(5)).IsAccepted);
        Assert.True(table.Declare("lock"u8, new FencingToken(9)).IsAccepted);
        Assert.Equal(new FenceVerdict(false, new FencingToken(9)), table.Declare("lock"u8, new FencingToken(5)));
        Assert.Equal(new FenceVerdict(false, new FencingToken(9)), table.Check("lock"u8, new FencingToken(8)));
        Assert.True(table.Check("other"u8, new FencingToken(1)).IsAccepted);
    }

    [Fact] // (S22)
    public void A_question_remembers_nothing()
    {
        var table = new FenceTable();
        Assert.True(table.Check("lock"u8, new FencingToken(9)).IsAccepted);
        Assert.True(table.Declare("lock"u8, new FencingToken(5)).IsAccepted);
    }

    [Fact] // (S22) What is forgotten must not let an old holder in.
    public void A_forgotten_lock_refuses_every_token_that_it_could_have_refused()
    {
        var table = new FenceTable(locksMax: 2);
        table.Declare("first"u8, new FencingToken(10));
        table.Declare("second"u8, new FencingToken(11));
        table.Declare("third"u8, new FencingToken(12)); // "first" is forgotten.
        Assert.Equal(2, table.Count);
        Assert.False(table.Declare("first"u8, new FencingToken(9)).IsAccepted);
        Assert.False(table.Declare("first"u8, new FencingToken(10)).IsAccepted);
        Assert.True(table.Declare("first"u8, new FencingToken(13)).IsAccepted);
    }

    [Theory] // (S22)
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Whatever_is_declared_no_lock_accepts_less_than_it_has_accepted(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var table = new FenceTable(locksMax: 8);
        var highest = new Dictionary<int, ulong>(); // The oracle forgets nothing.
        for (var step = 1; step < 5000; step++)
        {
            var name = dice.Next(24);
            var token = (ulong)Math.Max(1, step - dice.Next(40));
            var accepted = table.Declare([(byte)name], new FencingToken(token)).IsAccepted;
            Assert.False(accepted && token < highest.GetValueOrDefault(name), "an old holder came through");
            if (accepted) highest[name] = token;
            if (step % 500 == 0) table = Copy(table);
        }

        Assert.Equal(8, table.Count);
    }

    [Fact]
    public void A_table_comes_back_from_its_bytes_and_goes_on_alike()
    {
        var table = new FenceTable(locksMax: 3);
        for (byte at = 1; at < 10; at++) table.Declare([at], new FencingToken(at));
        var copy = Copy(table, 3);
        Assert.Equal((table.Hash, table.Floor, table.Count), (copy.Hash, copy.Floor, copy.Count));
        table.Declare("x"u8, new FencingToken(50));
        copy.Declare("x"u8, new FencingToken(50));
        Assert.Equal((table.Hash, table.Floor), (copy.Hash, copy.Floor));

        var bytes = new ByteBuffer();
        table.Write(new SpanWriter(bytes));
        for (var length = 0; length < bytes.Length; length++)
        {
            var reader = new SpanReader(bytes.Written[..length]);
            Assert.Null(FenceTable.Read(ref reader));
        }
    }

    private static FenceTable Copy(FenceTable table, int locksMax = 8)
    {
        var bytes = new ByteBuffer();
        table.Write(new SpanWriter(bytes));
        var reader = new SpanReader(bytes.Written);
        return FenceTable.Read(ref reader, locksMax)!;
    }
}
