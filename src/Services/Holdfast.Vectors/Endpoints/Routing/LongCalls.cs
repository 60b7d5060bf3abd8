using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>Calls to other nodes whose question or answer may be longer than a control call carries: such a one goes, and comes, in pieces. Only the call itself can have done something; pieces may be sent twice.</summary>
internal sealed class LongCalls(INodeCalls calls)
{
    /// <summary>How long another node may take over one call, each piece by itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asks what may be asked twice. The answer is whole.</summary>
    public async ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        var (sent, failed) = await SendLongAsync(node, message, cancel).ConfigureAwait(false);
        if (failed is { } refused) return refused;
        using var patience = Limited(cancel);
        return await FetchAsync(node, await calls.ReadAsync(node, sent, patience.Token).ConfigureAwait(false), cancel).ConfigureAwait(false);
    }

    /// <summary>Asks what must not be asked twice: <see cref="ControlStatus.Busy"/> when it was certainly not asked.</summary>
    public async ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        var (sent, failed) = await SendLongAsync(node, message, cancel).ConfigureAwait(false);
        if (failed is { } refused) return refused with { Status = ControlStatus.Busy };
        using var patience = Limited(cancel);
        return await calls.WriteAsync(node, sent, patience.Token).ConfigureAwait(false);
    }

    /// <summary>The message itself, or the short one that names it once the other node has all of it; or why it has not.</summary>
    private async ValueTask<(ReadOnlyMemory<byte> Sent, ControlReply? Failed)> SendLongAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        if (message.Length <= LongMessages.PieceBytes) return (message, null);
        var name = LongMessages.DrawName();
        for (var from = 0; from < message.Length; from += LongMessages.PieceBytes)
        {
            using var patience = Limited(cancel);
            var piece = ShardVerb.Piece(name, message.Length, from, message.Span.Slice(from, Math.Min(LongMessages.PieceBytes, message.Length - from)));
            var reply = await calls.ReadAsync(node, piece, patience.Token).ConfigureAwait(false);
            if (!reply.IsOk) return (default, reply);
            if (ShardVerb.RefusalIn(reply.Payload.Span) is { } fault) return (default, reply with { Status = ControlStatus.Failed, Fault = fault.Message });
        }

        return (ShardVerb.Whole(name), null);
    }

    private async ValueTask<ControlReply> FetchAsync(NodeId node, ControlReply first, CancellationToken cancel)
    {
        if (!first.IsOk || ShardVerb.LongAnswer(first.Payload.Span) is not var (name, length)) return first;
        if (length is <= 0 or > int.MaxValue) return first with { Status = ControlStatus.Failed, Fault = "a long answer has no sensible length" };
        var whole = GC.AllocateUninitializedArray<byte>((int)length);
        for (var come = 0; come < length;)
        {
            using var patience = Limited(cancel);
            var reply = await calls.ReadAsync(node, ShardVerb.Fetch(name, come), patience.Token).ConfigureAwait(false);
            if (!reply.IsOk) return reply;
            if (ShardVerb.RefusalIn(reply.Payload.Span) is not null) return reply;
            var piece = ShardVerb.PieceIn(reply.Payload);
            if (piece.Length == 0 || piece.Length > length - come) return first with { Status = ControlStatus.Failed, Fault = "a piece of a long answer does not fit" };
            piece.CopyTo(whole.AsMemory(come));
            come += piece.Length;
        }

        return first with { Payload = whole };
    }

    private static CancellationTokenSource Limited(CancellationToken cancel)
    {
        var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(Patience);
        return limited;
    }
}
