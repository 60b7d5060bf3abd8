using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>How frames of this face begin on the peers' connections.</summary>
internal static class FaceFrames
{
    /// <summary>An emptied buffer with the header in it; a <see cref="FaceFrame"/> follows.</summary>
    public static SpanWriter Begin(ByteBuffer frame)
    {
        frame.Clear();
        var writer = new SpanWriter(frame);
        new FrameHeader(FrameKind.Face, GroupId.Directory, 1).Encode(writer);
        return writer;
    }
}
