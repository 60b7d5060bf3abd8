using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>What replicas tell each other of their graphs, as bytes.</summary>
public sealed class GraphVerbTests
{
    private static readonly GroupId Group = new(77);

    [Fact]
    public void A_question_is_read_as_it_was_written_and_no_part_of_it()
    {
        var ask = new GraphAsk(0xABCDEF, 2, [PointId.Of(5UL), PointId.Of(Guid.Parse("5c56c793-69f3-4fbf-87e6-c4bf54c28c26")), PointId.Of(ulong.MaxValue)]);
        var bytes = GraphVerb.Encode(Group, ask);
        var read = GraphVerb.AskOf(bytes)!.Value;
        Assert.Equal(Group, read.Group);
        Assert.Equal((ask.SettingsHash, ask.Column), (read.Ask.SettingsHash, read.Ask.Column));
        Assert.Equal(ask.Sample, read.Ask.Sample);
        for (var length = 0; length < bytes.Length; length++) Assert.Null(GraphVerb.AskOf(bytes.AsSpan(0, length)));
        Assert.Null(GraphVerb.PieceOf(bytes));

        // A shard's other calls are none of these, and a program that does not know these does nothing with them.
        Assert.Null(GraphVerb.AskOf(ShardVerb.Stand(Group)));
        Assert.Null(ShardVerb.Decode(bytes));
        Assert.Null(ShardVerb.StandingOf(bytes));
    }

    [Fact]
    public void An_answer_is_read_as_it_was_written_and_no_part_of_it()
    {
        var told = new GraphTold(true, 123456789, [new GraphOffer(100_000, 64, [new OfferedGraph(1, File(1), 55_000_000), new OfferedGraph(0, File(2), 7)]), new GraphOffer(5, 1, [new OfferedGraph(1, File(3), 9)])]);
        var bytes = GraphVerb.Answer(told);
        var read = GraphVerb.DecodeTold(bytes)!;
        Assert.Equal((told.IsAtWork, told.Progress), (read.IsAtWork, read.Progress));
        Assert.Equal(told.Offers.Select(offer => (offer.Rows, offer.Hits, offer.Name, offer.Bytes)), read.Offers.Select(offer => (offer.Rows, offer.Hits, offer.Name, offer.Bytes)));
        Assert.Equal(told.Offers.SelectMany(offer => offer.Graphs), read.Offers.SelectMany(offer => offer.Graphs));
        for (var length = 0; length < bytes.Length; length++) Assert.Null(GraphVerb.DecodeTold(bytes.AsSpan(0, length)));
        Assert.Null(GraphVerb.DecodeTold(GraphVerb.Answer(null)));
    }

    [Fact]
    public void A_piece_is_asked_for_by_file_and_place()
    {
        var bytes = GraphVerb.Piece(Group, File(9), 1L << 33);
        Assert.Equal((Group, File(9), 1L << 33), GraphVerb.PieceOf(bytes));
        for (var length = 0; length < bytes.Length; length++) Assert.Null(GraphVerb.PieceOf(bytes.AsSpan(0, length)));
        Assert.Null(GraphVerb.AskOf(bytes));
    }

    private static FileHash File(byte name)
    {
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        bytes[0] = name;
        return new FileHash(bytes);
    }
}
