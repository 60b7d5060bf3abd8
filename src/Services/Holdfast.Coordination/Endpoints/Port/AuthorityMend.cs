using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Holdfast.Http;

namespace Holdfast.Coordination.Endpoints.Port;

/// <summary>
/// etcdctl 3.4 opens the connections of <c>endpoint status</c>, <c>hashkv</c>, <c>defrag</c> and <c>snapshot save</c> with an endpoint's URL where a host belongs:
/// <c>:authority: http://127.0.0.1:2379</c>. etcd does not mind; Kestrel resets the stream. So in the first block of headers of a connection that value is
/// made one that is merely odd, "httpx--127.0.0.1:2379": nobody looks at it, and letter for letter it is as long, in clear and in HPACK's Huffman code
/// (RFC 7541 appendix B: the colon and x have 7 bits, the slash and the dash 6), so no length and no table changes. Until then only whole frames are handed
/// on, for Kestrel takes away whatever it is shown. Everything after the first block passes untouched and unseen.
/// </summary>
internal sealed class AuthorityMend(PipeReader input) : PipeReader
{
    private const int FrameHeaderBytes = 9;
    private const int HeadersFrame = 1;

    /// <summary>What is looked at of a connection that has not sent headers: its preface, settings and windows. More, and it is left as it is.</summary>
    private const int BytesMax = 16 * 1024;

    private bool isDone;
    private SequencePosition shown;
    private SequencePosition? arrived; // Beyond what was shown; null when all was.

    /// <summary>A literal with the indexed name :authority (RFC 7541 6.2.1), and the beginning of its value in Huffman code: http:// and a bit that stays.</summary>
    private static ReadOnlySpan<byte> Coded => [0x9d, 0x29, 0xae, 0xe3, 0x0c];

    private static ReadOnlySpan<byte> CodedMended => [0x9d, 0x29, 0xaf, 0xca, 0xcb];

    /// <inheritdoc/>
    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (TryShow(ref result)) return result;
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        if (!input.TryRead(out result)) return false;
        if (TryShow(ref result)) return true;
        input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        result = default;
        return false;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) =>
        input.AdvanceTo(consumed, arrived is { } end && examined.Equals(shown) ? end : examined);

    /// <inheritdoc/>
    public override void CancelPendingRead() => input.CancelPendingRead();

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null) => input.Complete(exception);

    /// <inheritdoc/>
    public override ValueTask CompleteAsync(Exception? exception = null) => input.CompleteAsync(exception);

    /// <summary>Cuts what has arrived after its last whole frame. False when there is none: then more has to arrive first.</summary>
    private bool TryShow(ref ReadResult result)
    {
        arrived = null;
        if (isDone) return true;
        var buffer = result.Buffer;
        var whole = Mend(buffer);
        if (isDone || result.IsCompleted || result.IsCanceled || whole == buffer.Length) return true;
        if (whole == 0) return false;
        (shown, arrived) = (buffer.GetPosition(whole), buffer.End);
        result = new ReadResult(buffer.Slice(0, shown), isCanceled: false, isCompleted: false);
        return true;
    }

    /// <summary>
    /// Looks through what has arrived, from where the reader stands: at the preface, or at a frame. How many bytes of it are whole frames; done when the first
    /// headers were dealt with, or there is no sense in looking on.
    /// </summary>
    private long Mend(in ReadOnlySequence<byte> buffer)
    {
        var rest = buffer;
        var begins = PrefaceSniffer.Look(rest);
        if (begins == SniffedProtocol.Undecided) return 0;
        if (begins == SniffedProtocol.Http2) rest = rest.Slice(PrefaceSniffer.Preface.Length);
        Span<byte> header = stackalloc byte[FrameHeaderBytes];
        while (rest.Length >= FrameHeaderBytes && !isDone)
        {
            rest.Slice(0, FrameHeaderBytes).CopyTo(header);
            var length = (header[0] << 16) | (header[1] << 8) | header[2];
            isDone = length > BytesMax;
            if (isDone || rest.Length < FrameHeaderBytes + length) break;
            if (header[3] == HeadersFrame)
            {
                Patch(rest.Slice(FrameHeaderBytes, length));
                isDone = true;
            }

            rest = rest.Slice(FrameHeaderBytes + length);
        }

        return buffer.Length - rest.Length;
    }

    /// <summary>The buffer is the connection's own and nobody has read it yet, so it may be written.</summary>
    private static void Patch(in ReadOnlySequence<byte> payload)
    {
        if (payload.IsSingleSegment)
        {
            Patch(MemoryMarshal.AsMemory(payload.First).Span);
            return;
        }

        var bytes = payload.ToArray();
        if (!Patch(bytes)) return;
        var from = bytes.AsSpan();
        foreach (var piece in payload)
        {
            from[..piece.Length].CopyTo(MemoryMarshal.AsMemory(piece).Span);
            from = from[piece.Length..];
        }
    }

    private static bool Patch(Span<byte> bytes)
    {
        for (var at = 0; at + 2 + Coded.Length < bytes.Length; at++)
        {
            if (bytes[at] is not (0x41 or 0x01 or 0x11)) continue;
            var value = bytes[(at + 2)..];
            if ((bytes[at + 1] & 0x80) != 0 && value.StartsWith(Coded) && (value[Coded.Length] & 0x80) == 0) CodedMended.CopyTo(value);
            else if ((bytes[at + 1] & 0x80) == 0 && value.StartsWith("http://"u8)) "httpx--"u8.CopyTo(value);
            else continue;
            return true;
        }

        return false;
    }
}
