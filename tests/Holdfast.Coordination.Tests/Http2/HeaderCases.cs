using static Holdfast.Coordination.Tests.Http2.ConformanceCase;
using static Holdfast.Coordination.Tests.Http2.Frames;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>What a request may say (RFC 9113 8), and how headers are coded (RFC 7541).</summary>
internal static class HeaderCases
{
    private static readonly string Malformed = Reset("PROTOCOL_ERROR");

    public static readonly ConformanceCase[] All =
    [
        new("8.1.1", "a content-length that the body does not reach", Malformed, Post(1, Field("content-length", "100")), Frame(Data, EndStream, 1, "{}"u8)),
        new("8.1.1", "a content-length that the body exceeds", Malformed, Post(1, Field("content-length", "1")), Frame(Data, EndStream, 1, "{}"u8)),
        new("8.1.1", "two bodies' worth under one content-length", Malformed, Post(1, Field("content-length", "3")), Frame(Data, 0, 1, "{}"u8), Frame(Data, EndStream, 1, "{}"u8)),
        new("8.2.1", "a name in upper case", Malformed, Get(1, Field("X-Upper", "1"))),
        new("8.2.1", "a name with a blank in it", Malformed, Get(1, Field("x a", "1"))) { OfKestrelsOwn = "RESPONSE" },
        new("8.2.1", "a value with a line feed in it", Malformed, Get(1, Field("x-a", "1\n2"))),
        new("8.2.1", "a value with a NUL in it", Malformed + "|RESPONSE", Get(1, Field("x-a", "1\02"))),
        new("8.2.2", "connection: keep-alive", Malformed, Get(1, Field("connection", "keep-alive"))),
        new("8.2.2", "te that is not trailers", Malformed, Get(1, Field("te", "gzip"))),
        new("8.2.2", "te: trailers is taken", "RESPONSE", Get(1, Field("te", "trailers"))),
        new("8.3", "a pseudo-header after a common one", Malformed, Frame(Headers, EndHeaders | EndStream, 1, [.. Field(":method", "GET"), SchemeHttp, .. Field("x-a", "1"), .. Field(":path", "/version")])),
        new("8.3", "an unknown pseudo-header", Malformed, Get(1, Field(":wish", "1"))),
        new("8.3", "a pseudo-header of responses", Malformed, Get(1, Field(":status", "200"))),
        new("8.3", "a pseudo-header in trailers", Malformed, Post(1), Frame(Data, 0, 1, "{}"u8), Frame(Headers, EndHeaders | EndStream, 1, Field(":path", "/"))),
        new("8.3.1", "no method", Malformed, Frame(Headers, EndHeaders | EndStream, 1, [SchemeHttp, .. Field(":path", "/version")])),
        new("8.3.1", "no scheme", Malformed, Frame(Headers, EndHeaders | EndStream, 1, [.. Field(":method", "GET"), .. Field(":path", "/version")])),
        new("8.3.1", "no path", Malformed, Frame(Headers, EndHeaders | EndStream, 1, [.. Field(":method", "GET"), SchemeHttp])),
        new("8.3.1", "an empty path", Malformed, Frame(Headers, EndHeaders | EndStream, 1, Block("GET", ""))),
        new("8.3.1", "two paths", Malformed, Get(1, Field(":path", "/other"))),
        new("8.3.1", "two methods", Malformed, Get(1, Field(":method", "PUT"))),
        new("8.3.1", "a path that does not begin with a slash", Malformed, Frame(Headers, EndHeaders | EndStream, 1, Block("GET", "version"))),
        new("8.3.1", "an authority with a path in it", Malformed, Frame(Headers, EndHeaders | EndStream, 1, Block("GET", "/version", "a/b"))),
        new("8.3.1", "no authority at all is allowed", "RESPONSE", Frame(Headers, EndHeaders | EndStream, 1, [.. Field(":method", "GET"), SchemeHttp, .. Field(":path", "/version")])),
        new("10.5.1", "a hundred kilobytes of headers", "GOAWAY PROTOCOL_ERROR|GOAWAY ENHANCE_YOUR_CALM|CLOSED|RESPONSE|RST PROTOCOL_ERROR", Large()),

        new("HPACK 2.3.3", "an index that is 0", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x80])) { OfKestrelsOwn = "GOAWAY INTERNAL_ERROR" },
        new("HPACK 2.3.3", "an index beyond the tables", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0xff, 0x7f])),
        new("HPACK 4.2", "a table size above what is allowed", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [0x3f, 0xe1, 0xff, 0x7f, .. Block("GET", "/version")])),
        new("HPACK 4.2", "a table size after the first field", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x20])),
        new("HPACK 5.1", "a number without end", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
        new("HPACK 5.2", "a string longer than the block", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x00, 0x05, (byte)'x'])),
        new("HPACK 5.2", "Huffman code padded with more than seven bits", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x00, 0x01, (byte)'x', 0x82, 0x07, 0xff])),
        new("HPACK 5.2", "Huffman code padded with zeros", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x00, 0x01, (byte)'x', 0x81, 0x00])),
        new("HPACK 6.2.1", "a field that is indexed and used again", "RESPONSE", Frame(Headers, EndHeaders | EndStream, 1, [.. Block("GET", "/version"), 0x40, 0x03, (byte)'x', (byte)'-', (byte)'a', 0x01, (byte)'1']), Frame(Headers, EndHeaders | EndStream, 3, [.. Block("GET", "/version"), 0xbe])) { Stream = 3 },
    ];

    /// <summary>What our door does otherwise on purpose: etcdctl 3.4 sends a URL where a host belongs, and etcd does not mind.</summary>
    public static readonly ConformanceCase UrlForAnAuthority = new("8.3.1", "a URL as authority", Malformed, Frame(Headers, EndHeaders | EndStream, 1, [0x82, 0x86, 0x04, 8, .. "/version"u8, 0x01, 21, .. "http://127.0.0.1:2379"u8]));

    private static byte[] Large()
    {
        var fields = new List<byte>(Frame(Headers, EndStream, 1, Block("GET", "/version")));
        for (var field = 0; field < 10; field++) fields.AddRange(Frame(Continuation, field == 9 ? EndHeaders : (byte)0, 1, Field($"x-{field}", new string('a', 10_000))));
        return [.. fields];
    }
}
