using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>What a lease rests on comes from another machine (S3).</summary>
public sealed class BeatBoardTests
{
    private static readonly NodeId Peer = new(2);
    private static readonly Instant Now = Instant.Zero + TimeSpan.FromSeconds(10);

    [Fact]
    public void A_promise_that_answers_a_beat_of_the_future_is_not_believed_S3()
    {
        Assert.Equal(Instant.Zero, Believed(Now + TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(300)));
        Assert.True(Believed(Now - TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(300)) > Now);
    }

    [Fact]
    public void A_promise_longer_than_any_may_be_is_not_believed_S3() => Assert.Equal(Instant.Zero, Believed(Now, RaftOptions.LeaseMax + TimeSpan.FromTicks(1)));

    private static Instant Believed(Instant sentAt, TimeSpan lease)
    {
        var supports = new SupportTable(1);
        var frame = new ByteBuffer();
        var writer = new SpanWriter(frame);
        writer.WriteByte(1); // Version.
        writer.WriteByte(2); // An answer,
        writer.WriteByte(1); // for one lane,
        writer.WriteByte(0); // the first.
        writer.WriteUInt64((ulong)sentAt.Ticks);
        writer.WriteUInt64((ulong)lease.Ticks);
        writer.WriteUInt64(7);
        new BeatBoard([supports], (_, _) => true).OnBeatFrame(Now, Peer, frame.Written, new ByteBuffer());
        return supports.GrantFrom(Peer).Until;
    }
}
