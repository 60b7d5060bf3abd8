using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.Grpc;

/// <summary>The length-prefixed messages of gRPC: a compression flag, four bytes of length, the message (gRPC over HTTP/2, "Length-Prefixed-Message").</summary>
internal static class GrpcFrames
{
    private const int PrefixBytes = 5;

    /// <summary>Up to this size a message is encoded into one span of the pipe; larger ones go in pieces.</summary>
    private const int OneSpanBytesMax = 3 * 1024;

    /// <summary>Takes the first whole message off <paramref name="buffer"/>, or says that more must arrive.</summary>
    /// <exception cref="CallException">Compressed, or longer than <paramref name="bytesMax"/>: found out from the prefix, before the message is buffered.</exception>
    public static bool TryTake(ref ReadOnlySequence<byte> buffer, int bytesMax, out ReadOnlySequence<byte> message)
    {
        message = default;
        if (buffer.Length < PrefixBytes) return false;
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] > 1) throw new CallException(CallFailure.Internal, $"grpc: received unexpected payload format {prefix[0]}");
        if (prefix[0] == 1) throw new CallException(CallFailure.Internal, "grpc: compressed flag set with identity or empty encoding");
        long length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > bytesMax) throw new CallException(CallFailure.MessageTooLarge(length, bytesMax));
        if (buffer.Length - PrefixBytes < length) return false;
        message = buffer.Slice(PrefixBytes, length);
        buffer = buffer.Slice(PrefixBytes + length);
        return true;
    }

    /// <summary>Encodes a message into the pipe without sending it; returns the message's bytes.</summary>
    public static int Write(PipeWriter output, IMessage message)
    {
        var size = message.CalculateSize();
        if (size <= OneSpanBytesMax)
        {
            var span = output.GetSpan(PrefixBytes + size);
            WritePrefix(span, size);
            message.WriteTo(span.Slice(PrefixBytes, size));
            output.Advance(PrefixBytes + size);
            return size;
        }

        WritePrefix(output.GetSpan(PrefixBytes), size);
        output.Advance(PrefixBytes);
        message.WriteTo(output);
        return size;
    }

    private static void WritePrefix(Span<byte> span, int size)
    {
        span[0] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(span[1..], (uint)size);
    }
}
