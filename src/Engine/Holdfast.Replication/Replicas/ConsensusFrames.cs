using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// The core's messages into frames and out of them. A frame that cannot be sent is dropped: the core repeats what matters, once it is told that a connection was
/// reset. An append that an open connection does not take is told of like a reset: it may have been the only word of a commit.
/// </summary>
internal static class ConsensusFrames
{
    private static readonly Mark Malformed = new("replication: malformed frame dropped", elsewhere: "ForeignFrameTests: simulated nodes know every kind of frame that the others send");

    public static void Step(RaftNode node, Instant now, NodeId from, FrameKind kind, ref SpanReader reader)
    {
        switch (kind)
        {
            case FrameKind.RequestVote when MessageCodec.TryDecode(ref reader, out RequestVote message): node.Step(now, from, message); break;
            case FrameKind.VoteReply when MessageCodec.TryDecode(ref reader, out VoteReply message): node.Step(now, from, message); break;
            case FrameKind.Append when MessageCodec.TryDecode(ref reader, out var header, out var entries): node.Step(now, from, header, entries); break;
            case FrameKind.AppendReply when MessageCodec.TryDecode(ref reader, out AppendReply message): node.Step(now, from, message); break;
            case FrameKind.OfferSnapshot when MessageCodec.TryDecode(ref reader, out OfferSnapshot message): node.Step(now, from, message); break;
            case FrameKind.ReleaseVote when MessageCodec.TryDecode(ref reader, out ReleaseVote message): node.Step(now, from, message); break;
            case FrameKind.CallRoll when MessageCodec.TryDecode(ref reader, out CallRoll message): node.Step(now, from, message); break;
            case FrameKind.RollAnswer when MessageCodec.TryDecode(ref reader, out RollAnswer message): node.Step(now, from, message); break;
            case FrameKind.TimeoutNow when MessageCodec.TryDecode(ref reader, out TimeoutNow message): node.Step(now, from, message); break;
            case FrameKind.ReadIndexRequest when MessageCodec.TryDecode(ref reader, out ReadIndexRequest message): node.Step(now, from, message); break;
            case FrameKind.ReadIndexReply when MessageCodec.TryDecode(ref reader, out ReadIndexReply message): node.Step(now, from, message); break;
            default: Malformed.Hit(); break;
        }
    }

    public static void Send(Replica replica, IPeerMesh mesh, Effects effects, ByteBuffer frame)
    {
        foreach (ref readonly var outbound in effects.Appends.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.Append), outbound.Message, replica.Node.Log);
            if (!mesh.TrySend(outbound.To, frame.Written) && mesh.IsConnected(outbound.To)) replica.OnAppendUnsent(outbound.To);
        }

        foreach (ref readonly var outbound in effects.AppendReplies.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.AppendReply), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.RequestVotes.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.RequestVote), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.VoteReplies.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.VoteReply), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.SnapshotOffers.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.OfferSnapshot), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.TimeoutNows.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.TimeoutNow), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.VoteReleases.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.ReleaseVote), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.RollCalls.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.CallRoll), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.RollAnswers.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.RollAnswer), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.ReadIndexRequests.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.ReadIndexRequest), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }

        foreach (ref readonly var outbound in effects.ReadIndexReplies.Items)
        {
            MessageCodec.Encode(replica.BeginFrame(frame, FrameKind.ReadIndexReply), outbound.Message);
            mesh.TrySend(outbound.To, frame.Written);
        }
    }
}
