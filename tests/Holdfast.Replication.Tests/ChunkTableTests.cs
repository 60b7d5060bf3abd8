using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>What nobody finishes takes bounded room on every replica, and the same is dropped everywhere (S10).</summary>
public sealed class ChunkTableTests
{
    [Fact]
    public void Commands_in_part_take_no_more_than_their_bytes_and_the_oldest_goes_first()
    {
        var table = new ChunkTable(bytesMax: 1000);
        Assert.Null(Take(table, 1, 0, 400));
        Assert.Null(Take(table, 2, 0, 400));
        Assert.Null(Take(table, 1, 1, 200)); // Just full.
        Assert.Equal(2, table.Count);
        Assert.Null(Take(table, 3, 0, 300));
        Assert.Equal(2, table.Count); // The first is gone: its next chunk is nobody's.
        Assert.Null(Take(table, 1, 2, 10, isLast: true));
        Assert.Equal(410, Take(table, 2, 1, 10, isLast: true)!.Length);
        Assert.Equal(310, Take(table, 3, 1, 10, isLast: true)!.Length);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void A_command_that_is_larger_than_all_of_them_may_be_still_comes_through_alone()
    {
        var table = new ChunkTable(bytesMax: 1000);
        Assert.Null(Take(table, 1, 0, 900));
        Assert.Null(Take(table, 2, 0, 900));
        Assert.Null(Take(table, 2, 1, 900));
        Assert.Equal(1, table.Count);
        Assert.Equal(1801, Take(table, 2, 2, 1, isLast: true)!.Length);
    }

    private static Wire.ByteBuffer? Take(ChunkTable table, ulong number, uint chunk, int bytes, bool isLast = false) => table.Take(
        new Envelope
        {
            Flags = isLast ? EnvelopeFlags.Chunk | EnvelopeFlags.LastChunk : EnvelopeFlags.Chunk,
            TimeMicros = 0,
            Id = new ProposalId(new NodeId(1), number),
            Chunk = chunk,
        },
        new byte[bytes]);
}
