using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Wire.Tests;

public sealed class PeerFormatsTests
{
    private static readonly PeerPreamble Preamble =
        new(PeerConnectionKind.Beat, new ClusterId(0x1122334455667788), new NodeId(ulong.MaxValue - 1), 7, 3, 2, new NodeId(42));

    private static readonly PeerAnswer Answer = new(PeerVerdict.Superseded, new ClusterId(5), new NodeId(6), 7, 8);

    [Fact]
    public void A_preamble_is_read_as_it_was_written()
    {
        var bytes = Written(Preamble);
        Assert.Equal(PeerPreambleFault.None, PeerPreamble.Read(bytes, out var read));
        Assert.Equal(Preamble, read);
    }

    [Fact]
    public void The_layout_of_a_preamble_is_fixed()
    {
        // Two versions of the program speak to each other while a cluster is upgraded: this must never change.
        Assert.Equal("48465031010002008877665544332211FEFFFFFFFFFFFFFF0700000003000000020000002A00000000000000", Convert.ToHexString(Written(Preamble).AsSpan(0, 44)));
    }

    [Fact]
    public void Every_flipped_bit_of_a_preamble_is_noticed()
    {
        for (var bit = 0; bit < PeerPreamble.Size * 8; bit++)
        {
            var bytes = Written(Preamble);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(PeerPreambleFault.None, PeerPreamble.Read(bytes, out _));
        }
    }

    [Fact]
    public void Another_version_is_told_from_damage_even_if_its_checksum_lies_elsewhere()
    {
        var bytes = Written(Preamble);
        bytes[4] = 2;
        bytes[47] ^= 0xFF;
        Assert.Equal(PeerPreambleFault.OtherVersion, PeerPreamble.Read(bytes, out _));
    }

    [Fact]
    public void Too_few_bytes_are_malformed()
    {
        for (var length = 0; length < PeerPreamble.Size; length++)
            Assert.Equal(PeerPreambleFault.Malformed, PeerPreamble.Read(Written(Preamble).AsSpan(0, length), out _));
        for (var length = 0; length < PeerAnswer.Size; length++)
            Assert.False(PeerAnswer.TryRead(Written(Answer).AsSpan(0, length), out _));
    }

    [Fact]
    public void An_answer_is_read_as_it_was_written_and_damage_is_noticed()
    {
        Assert.True(PeerAnswer.TryRead(Written(Answer), out var read));
        Assert.Equal(Answer, read);
        for (var bit = 0; bit < PeerAnswer.Size * 8; bit++)
        {
            var bytes = Written(Answer);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            if (PeerAnswer.TryRead(bytes, out var other)) Assert.Equal(PeerVerdict.OtherVersion, other.Verdict);
        }
    }

    [Fact]
    public void A_frame_header_matches_its_body_only()
    {
        var header = PeerFrameHeader.Of("body"u8);
        var bytes = new byte[PeerFrameHeader.Size];
        header.Write(bytes);
        Assert.Equal(header, PeerFrameHeader.Read(bytes));
        Assert.True(header.Matches("body"u8));
        Assert.False(header.Matches("bodY"u8));
        Assert.False(header.Matches("bod"u8));
        Assert.True(PeerFrameHeader.Of([]).Matches([]));
    }

    private static byte[] Written(in PeerPreamble preamble)
    {
        var bytes = new byte[PeerPreamble.Size];
        preamble.Write(bytes);
        return bytes;
    }

    private static byte[] Written(in PeerAnswer answer)
    {
        var bytes = new byte[PeerAnswer.Size];
        answer.Write(bytes);
        return bytes;
    }
}
