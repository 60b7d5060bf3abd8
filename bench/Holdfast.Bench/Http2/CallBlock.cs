using System.Buffers.Binary;
using System.Text;

namespace Holdfast.Bench.Http2;

/// <summary>
/// The frames of a unary call, written once and sent many times: HEADERS with its HPACK block and DATA with one gRPC message. The first call of a connection puts path, authority and the
/// rest into the dynamic table, as real gRPC clients do, and later ones name them by one byte each (RFC 7541 6.1), so that the servers decode what they decode in production.
/// </summary>
internal sealed class CallBlock
{
    public const int FrameHeaderBytes = 9;
    private const byte Headers = 1;
    private const byte Data = 0;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;

    private const byte SchemeHttp = 0x86;
    private const byte SchemeHttps = 0x87;

    private readonly byte[] first;

    /// <summary>:method POST, :scheme, then te, content-type, :authority and :path at 62 to 65 of the table, newest first.</summary>
    private readonly byte[] again;

    public CallBlock(string path, string authority, bool isTls)
    {
        var scheme = isTls ? SchemeHttps : SchemeHttp;
        again = [0x83, scheme, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62];
        var block = new List<byte> { 0x83, scheme, 0x44 };
        AddText(block, path);
        block.Add(0x41);
        AddText(block, authority);
        block.Add(0x5F);
        AddText(block, "application/grpc");
        block.Add(0x40);
        AddText(block, "te");
        AddText(block, "trailers");
        first = [.. block];
    }

    /// <summary>Writes a call and returns its length. <paramref name="endsStream"/>: false for a stream that goes on.</summary>
    public int Write(Span<byte> target, uint stream, bool isFirst, ReadOnlySpan<byte> message, bool endsStream = true)
    {
        ReadOnlySpan<byte> block = isFirst ? first : again;
        var at = WriteHeader(target, block.Length, Headers, EndHeaders, stream);
        block.CopyTo(target[at..]);
        at += block.Length;
        return at + WriteMessage(target[at..], stream, message, endsStream);
    }

    /// <summary>Writes a DATA frame with one length-prefixed message.</summary>
    public static int WriteMessage(Span<byte> target, uint stream, ReadOnlySpan<byte> message, bool endsStream)
    {
        var at = WriteHeader(target, 5 + message.Length, Data, endsStream ? EndStream : (byte)0, stream);
        target[at] = 0;
        BinaryPrimitives.WriteInt32BigEndian(target[(at + 1)..], message.Length);
        message.CopyTo(target[(at + 5)..]);
        return at + 5 + message.Length;
    }

    public static int WriteHeader(Span<byte> target, int length, byte type, byte flags, uint stream)
    {
        BinaryPrimitives.WriteInt32BigEndian(target, length << 8);
        target[3] = type;
        target[4] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(target[5..], stream);
        return FrameHeaderBytes;
    }

    private static void AddText(List<byte> block, string text)
    {
        block.Add((byte)text.Length);
        block.AddRange(Encoding.ASCII.GetBytes(text));
    }
}
