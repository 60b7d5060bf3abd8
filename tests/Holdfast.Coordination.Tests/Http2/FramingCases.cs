using static Holdfast.Coordination.Tests.Http2.ConformanceCase;
using static Holdfast.Coordination.Tests.Http2.Frames;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>Frames by themselves: their size, their place and their content (RFC 9113 4 and 6).</summary>
internal static class FramingCases
{
    private static readonly byte[] Ping8 = new byte[8];

    public static readonly ConformanceCase[] All =
    [
        // 4: what a receiver must overlook, and sizes.
        new("4.1", "a frame of an unknown type is passed over", "PONG", Frame(0x16, 0xff, 0, Ping8)) { ThenPing = true },
        new("4.1", "unknown flags are passed over", "PONG", Frame(Ping, 0x16, 0, Ping8)),
        new("4.1", "the reserved bit is passed over", "PONG", Frame(Ping, 0, 0x80000000, Ping8)),
        new("4.2", "a DATA frame of the largest size is taken", "RESPONSE", Post(1), Frame(Data, EndStream, 1, new byte[16384])),
        new("4.2", "a DATA frame above the largest size", Reset("FRAME_SIZE_ERROR"), Post(1), Frame(Data, EndStream, 1, new byte[16385])),
        new("4.2", "a HEADERS frame above the largest size", Dead("FRAME_SIZE_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, new byte[16385])),
        new("4.2", "sixteen megabytes are announced", Dead("FRAME_SIZE_ERROR"), [[0xff, 0xff, 0xff, Settings, 0, 0, 0, 0, 0]]),
        new("4.3", "a header block that is no HPACK", Dead("COMPRESSION_ERROR"), Frame(Headers, EndHeaders | EndStream, 1, [0x40])),
        new("4.3", "a PRIORITY frame within a header block", Dead("PROTOCOL_ERROR"), Frame(Headers, EndStream, 1, Block("GET", "/version")), Frame(Priority, 0, 1, [0, 0, 0, 0, 0])),
        new("4.3", "headers of another stream within a header block", Dead("PROTOCOL_ERROR"), Frame(Headers, EndStream, 1, Block("GET", "/version")), Get(3)),
        new("5.5", "an unknown frame within a header block", Dead("PROTOCOL_ERROR"), Frame(Headers, EndStream, 1, Block("GET", "/version")), Frame(0x16, 0, 1, Ping8)),

        // 6.1 and 6.2: DATA and HEADERS.
        new("6.1", "DATA on stream 0", Dead("PROTOCOL_ERROR"), Frame(Data, EndStream, 0, [1])),
        new("6.1", "DATA whose padding is longer than itself", Dead("PROTOCOL_ERROR"), Post(1), Frame(Data, EndStream | Padded, 1, [9, 1, 2])),
        new("6.1", "DATA with padding is taken", "RESPONSE", Post(1), Frame(Data, EndStream | Padded, 1, [3, (byte)'{', (byte)'}', 0, 0, 0])),
        new("6.1", "a DATA frame without anything in it is taken", "RESPONSE", Post(1), Frame(Data, 0, 1, []), Frame(Data, EndStream, 1, [])),
        new("6.2", "HEADERS on stream 0", Dead("PROTOCOL_ERROR"), Get(0)),
        new("6.2", "HEADERS whose padding is longer than itself", Dead("PROTOCOL_ERROR"), Frame(Headers, EndHeaders | EndStream | Padded, 1, [200, .. Block("GET", "/version")])),
        new("6.2", "HEADERS with padding and a priority are taken", "RESPONSE", Frame(Headers, EndHeaders | EndStream | Padded | HasPriority, 1, [2, 0, 0, 0, 0, 7, .. Block("GET", "/version"), 0, 0])),

        // 6.3 to 6.5.
        new("6.3", "PRIORITY on stream 0", Dead("PROTOCOL_ERROR"), Frame(Priority, 0, 0, [0, 0, 0, 1, 0])),
        new("6.3", "PRIORITY of a wrong size", Reset("FRAME_SIZE_ERROR"), Frame(Priority, 0, 1, [0, 0, 0, 0])),
        new("6.4", "RST_STREAM on stream 0", Dead("PROTOCOL_ERROR"), Frame(RstStream, 0, 0, Number(8))),
        new("6.4", "RST_STREAM of a wrong size", Dead("FRAME_SIZE_ERROR"), Post(1), Frame(RstStream, 0, 1, [0, 0, 8])),
        new("6.4", "RST_STREAM of an open stream ends it alone", "PONG", Post(1), Frame(RstStream, 0, 1, Number(8))) { ThenPing = true },
        new("6.5", "SETTINGS that acknowledge and say something", Dead("FRAME_SIZE_ERROR"), Frame(Settings, Ack, 0, Setting(3, 1))),
        new("6.5", "SETTINGS on a stream", Dead("PROTOCOL_ERROR"), Frame(Settings, 0, 1, [])),
        new("6.5", "SETTINGS of a wrong size", Dead("FRAME_SIZE_ERROR"), Frame(Settings, 0, 0, [0, 3, 0])),
        new("6.5.2", "SETTINGS_ENABLE_PUSH that is neither 0 nor 1", Dead("PROTOCOL_ERROR"), Frame(Settings, 0, 0, Setting(2, 2))),
        new("6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", Dead("FLOW_CONTROL_ERROR"), Frame(Settings, 0, 0, Setting(4, 0x80000000))),
        new("6.5.2", "SETTINGS_MAX_FRAME_SIZE below 2^14", Dead("PROTOCOL_ERROR"), Frame(Settings, 0, 0, Setting(5, 16383))),
        new("6.5.2", "SETTINGS_MAX_FRAME_SIZE above 2^24-1", Dead("PROTOCOL_ERROR"), Frame(Settings, 0, 0, Setting(5, 16777216))),
        new("6.5.2", "an unknown setting is passed over", "PONG", Frame(Settings, 0, 0, Setting(0xff, 5))) { ThenPing = true },
        new("6.5.3", "an acknowledgement that nobody asked for is passed over", "PONG", Frame(Settings, Ack, 0, [])) { ThenPing = true },

        // 6.6 to 6.10.
        new("6.6", "PUSH_PROMISE from a client", Dead("PROTOCOL_ERROR"), Frame(PushPromise, EndHeaders, 1, [0, 0, 0, 2, .. Block("GET", "/version")])),
        new("6.7", "PING is answered", "PONG", Frame(Ping, 0, 0, Ping8)),
        new("6.7", "PING on a stream", Dead("PROTOCOL_ERROR"), Frame(Ping, 0, 1, Ping8)),
        new("6.7", "PING of a wrong size", Dead("FRAME_SIZE_ERROR"), Frame(Ping, 0, 0, [1, 2, 3, 4, 5, 6])),
        new("6.7", "the answer to a PING that was never sent is not answered", "RESPONSE", Frame(Ping, Ack, 0, Ping8), Get(1)),
        new("6.8", "GOAWAY on a stream", Dead("PROTOCOL_ERROR"), Frame(GoAway, 0, 1, [.. Number(0), .. Number(0)])),
        new("6.9", "WINDOW_UPDATE by nothing on the connection", Dead("PROTOCOL_ERROR"), Frame(WindowUpdate, 0, 0, Number(0))),
        new("6.9", "WINDOW_UPDATE by nothing on a stream", Reset("PROTOCOL_ERROR"), Post(1), Frame(WindowUpdate, 0, 1, Number(0))),
        new("6.9", "WINDOW_UPDATE of a wrong size", Dead("FRAME_SIZE_ERROR"), Frame(WindowUpdate, 0, 0, [0, 0, 1])),
        new("6.9.1", "windows above 2^31-1 on the connection", Dead("FLOW_CONTROL_ERROR"), Frame(WindowUpdate, 0, 0, Number(0x7fffffff)), Frame(WindowUpdate, 0, 0, Number(0x7fffffff))),
        new("6.9.1", "windows above 2^31-1 on a stream", Reset("FLOW_CONTROL_ERROR"), Post(1), Frame(WindowUpdate, 0, 1, Number(0x7fffffff)), Frame(WindowUpdate, 0, 1, Number(0x7fffffff))),
        new("6.9.2", "settings that push a stream's window above 2^31-1", Dead("FLOW_CONTROL_ERROR"), Post(1), Frame(WindowUpdate, 0, 1, Number(0x7fff0000)), Frame(Settings, 0, 0, Setting(4, 0x7fffffff))),
        new("6.10", "a header block over many CONTINUATION frames", "RESPONSE", ContinuedGet(20)),
        new("6.10", "CONTINUATION after the end of the headers", Dead("PROTOCOL_ERROR"), Post(1), Frame(Continuation, EndHeaders, 1, Field("a", "b"))),
        new("6.10", "CONTINUATION on stream 0", Dead("PROTOCOL_ERROR"), Frame(Headers, EndStream, 1, Block("GET", "/version")), Frame(Continuation, EndHeaders, 0, [])),
        new("6.10", "CONTINUATION on another stream", Dead("PROTOCOL_ERROR"), Frame(Headers, EndStream, 1, Block("GET", "/version")), Frame(Continuation, EndHeaders, 3, [])),
        new("6.10", "CONTINUATION of nothing", Dead("PROTOCOL_ERROR"), Frame(Continuation, EndHeaders, 1, Block("GET", "/version"))),
        new("10.5.1", "CONTINUATION frames without end (CVE-2024-27316)", "GOAWAY PROTOCOL_ERROR|GOAWAY ENHANCE_YOUR_CALM|CLOSED|RESPONSE|RST PROTOCOL_ERROR", EndlessHeaders()),
    ];

    private static byte[] ContinuedGet(int pieces)
    {
        byte[] block = [.. Block("GET", "/version"), .. Field("x-a", new string('a', 200))];
        var frames = new List<byte>(Frame(Headers, EndStream, 1, []));
        var size = (block.Length / pieces) + 1;
        for (var at = 0; at < block.Length; at += size)
            frames.AddRange(Frame(Continuation, at + size >= block.Length ? EndHeaders : (byte)0, 1, block.AsSpan(at, Math.Min(size, block.Length - at))));
        return [.. frames];
    }

    private static byte[] EndlessHeaders()
    {
        var frames = new List<byte>(Frame(Headers, EndStream, 1, Block("GET", "/version")));
        for (var field = 0; field < 500; field++) frames.AddRange(Frame(Continuation, 0, 1, Field($"x-{field}", new string('a', 1000))));
        return [.. frames];
    }
}
