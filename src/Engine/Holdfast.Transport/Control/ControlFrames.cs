using System.Buffers.Binary;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>Request and response of a control call on a stream: a <see cref="PeerFrameHeader"/>, then a head of two bytes (the verb, or the status and 0), then the payload.</summary>
internal static class ControlFrames
{
    private const int HeadSize = 2;

    public static async ValueTask WriteAsync(Stream stream, ushort head, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(PeerFrameHeader.Size + HeadSize + payload.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(PeerFrameHeader.Size), head);
        payload.Span.CopyTo(bytes.AsSpan(PeerFrameHeader.Size + HeadSize));
        PeerFrameHeader.Of(bytes.AsSpan(PeerFrameHeader.Size)).Write(bytes);
        await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
    }

    /// <summary>The next frame, or null at the orderly end of the stream.</summary>
    /// <exception cref="InvalidDataException">The other side does not keep to the protocol.</exception>
    public static async ValueTask<(ushort Head, ReadOnlyMemory<byte> Payload)?> ReadAsync(Stream stream, int bytesMax, CancellationToken cancellation)
    {
        var first = new byte[PeerFrameHeader.Size];
        var count = await stream.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (count == 0) return null;
        if (count < first.Length) throw new InvalidDataException("the connection ended within a frame");
        var header = PeerFrameHeader.Read(first);
        if (header.Length < HeadSize || header.Length > (uint)bytesMax + HeadSize) throw new InvalidDataException($"a control frame of {header.Length} bytes was announced");
        var body = await ReadBodyAsync(stream, (int)header.Length, cancellation).ConfigureAwait(false);
        if (!header.Matches(body.Span)) throw new InvalidDataException("a control frame's checksum is wrong");
        return (BinaryPrimitives.ReadUInt16LittleEndian(body.Span), body[HeadSize..]);
    }

    /// <summary>Grows with what has really come in, so that a length alone costs no memory.</summary>
    private static async ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(Stream stream, int length, CancellationToken cancellation)
    {
        const int FirstBytesMax = 64 * 1024;
        var body = new byte[Math.Min(length, FirstBytesMax)];
        for (var count = 0; count < length;)
        {
            if (count == body.Length) Array.Resize(ref body, (int)Math.Min(length, (long)body.Length * 2));
            var read = await stream.ReadAsync(body.AsMemory(count), cancellation).ConfigureAwait(false);
            if (read == 0) throw new InvalidDataException("the connection ended within a frame");
            count += read;
        }

        return body.AsMemory(0, length);
    }
}
