using System.Buffers.Binary;
using System.Text;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>The frames of HTTP/2 as bytes, right ones and wrong ones (RFC 9113 4.1, 6).</summary>
internal static class Frames
{
    public const byte Data = 0, Headers = 1, Priority = 2, RstStream = 3, Settings = 4, PushPromise = 5, Ping = 6, GoAway = 7, WindowUpdate = 8, Continuation = 9;

    public const byte EndStream = 0x1, Ack = 0x1, EndHeaders = 0x4, Padded = 0x8, HasPriority = 0x20;

    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>The names of the error codes (RFC 9113 7).</summary>
    public static readonly string[] Errors =
    [
        "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM",
        "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
    ];

    public static byte[] Frame(byte type, byte flags, uint stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public static byte[] Number(uint number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return bytes;
    }

    /// <summary>One setting: its identifier and its value (RFC 9113 6.5.1).</summary>
    public static byte[] Setting(ushort id, uint value) => [(byte)(id >> 8), (byte)id, .. Number(value)];

    /// <summary>A whole GET without a body.</summary>
    public static byte[] Get(uint stream, params byte[] moreHeaders) => Frame(Headers, EndHeaders | EndStream, stream, [.. Block("GET", "/version"), .. moreHeaders]);

    /// <summary>The headers of a POST whose body follows.</summary>
    public static byte[] Post(uint stream, params byte[] moreHeaders) => Frame(Headers, EndHeaders, stream, [.. Block("POST", "/v3/kv/range"), .. moreHeaders]);

    /// <summary>The scheme as its place in the static table (RFC 7541 appendix A, 6 and 7): one byte, which can be exchanged.</summary>
    public const byte SchemeHttp = 0x86;

    private const byte SchemeHttps = 0x87;

    /// <summary>The four pseudo-headers.</summary>
    public static byte[] Block(string method, string path, string authority = "localhost") =>
        [.. Field(":method", method), SchemeHttp, .. Field(":path", path), .. Field(":authority", authority)];

    /// <summary>The same frame as it is sent under TLS, where a server wants the scheme https (RFC 9113 8.3.1).</summary>
    public static byte[] UnderTls(byte[] frame)
    {
        var at = frame.Length > 9 && frame[3] is Headers or Continuation ? Array.IndexOf(frame, SchemeHttp, 9) : -1;
        return at < 0 ? frame : [.. frame[..at], SchemeHttps, .. frame[(at + 1)..]];
    }

    /// <summary>A header as a literal with a new name, neither indexed nor in Huffman code (RFC 7541 6.2.2).</summary>
    public static byte[] Field(string name, string value) => [0, .. Text(name), .. Text(value)];

    private static byte[] Text(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        if (bytes.Length < 127) return [(byte)bytes.Length, .. bytes];

        // A length above seven bits goes on in groups of seven (RFC 7541 5.1).
        var length = new List<byte> { 127 };
        var rest = bytes.Length - 127;
        for (; rest >= 128; rest >>= 7) length.Add((byte)((rest & 127) | 128));
        return [.. length, (byte)rest, .. bytes];
    }
}
