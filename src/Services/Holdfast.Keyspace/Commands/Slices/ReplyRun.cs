using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Elements of a large value on their way into a reply, a slice a turn: those of one state of it. What is few, or may not rest, whoever asks for it writes at once.</summary>
internal abstract class ReplyRun : SlicedRun
{
    private ByteBuffer written = new();

    protected ReplyRun(int keyArgument) => Prepare(keyArgument, keyCount: 1);

    /// <summary>The elements, as the reply has them.</summary>
    public ReadOnlySpan<byte> Written => written.Written;

    /// <summary>How many there are.</summary>
    public long Elements { get; protected set; }

    /// <summary>Whether a reply of so many elements is made in slices: nobody hears a replica's.</summary>
    public static bool IsWorthSlicing(CommandCall call, long elements) => elements > SliceElements && !call.IsReplay && MayRest(call);

    protected sealed override long Begin(CommandCall call)
    {
        written = new ByteBuffer();
        Elements = 0;
        return BeginElements(call);
    }

    protected sealed override bool GoOn(CommandCall call) => WriteSome(call, new RespWriter(written) { Protocol = call.Reply.Protocol });

    protected sealed override void Discard() => written = new ByteBuffer();

    /// <summary>Begins with the first element; how many there are, about.</summary>
    protected abstract long BeginElements(CommandCall call);

    /// <summary>Writes some elements, and counts them; true when there are no more.</summary>
    protected abstract bool WriteSome(CommandCall call, RespWriter writer);
}
