using static Holdfast.Coordination.Tests.Http2.ConformanceCase;
using static Holdfast.Coordination.Tests.Http2.Frames;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>Streams: their states, numbers and count (RFC 9113 5).</summary>
internal static class StreamCases
{
    /// <summary>Both servers allow so many streams at once.</summary>
    public const int StreamsMax = 10;

    public static readonly ConformanceCase[] All =
    [
        new("5.1", "DATA on an idle stream", Dead("PROTOCOL_ERROR") + "|" + Reset("STREAM_CLOSED"), Frame(Data, EndStream, 1, [1])),
        new("5.1", "RST_STREAM on an idle stream", Dead("PROTOCOL_ERROR") + "|GOAWAY STREAM_CLOSED", Frame(RstStream, 0, 1, Number(8))),
        new("5.1", "WINDOW_UPDATE on an idle stream", Dead("PROTOCOL_ERROR"), Frame(WindowUpdate, 0, 1, Number(100))),
        new("5.1", "PRIORITY on an idle stream is passed over", "PONG", Frame(Priority, 0, 1, [0, 0, 0, 0, 7])) { ThenPing = true },
        new("5.1", "DATA after the end of the request", Reset("STREAM_CLOSED") + "|RESPONSE", Frame(Headers, EndHeaders, 1, Block("POST", "/v3/kv/range")), Frame(Data, EndStream, 1, "{"u8), Frame(Data, EndStream, 1, [1])) { IsRace = true },
        new("5.1", "HEADERS after the end of the request", Reset("STREAM_CLOSED") + "|GOAWAY PROTOCOL_ERROR|RESPONSE", Get(1), Get(1)) { IsRace = true },
        new("5.1", "DATA on a stream that the client has reset", Reset("STREAM_CLOSED") + "|PONG", Post(1), Frame(RstStream, 0, 1, Number(8)), Frame(Data, EndStream, 1, [1])) { ThenPing = true, IsRace = true },
        new("5.1", "WINDOW_UPDATE on a stream that the client has reset", Reset("STREAM_CLOSED") + "|PONG", Post(1), Frame(RstStream, 0, 1, Number(8)), Frame(WindowUpdate, 0, 1, Number(1))) { ThenPing = true, IsRace = true },
        new("5.1.1", "a stream with an even number", Dead("PROTOCOL_ERROR"), Get(2)) { Stream = 2 },
        new("5.1.1", "a stream with a number below one that was used", Dead("PROTOCOL_ERROR") + "|GOAWAY STREAM_CLOSED", Post(5), Get(3)) { Stream = 3 },
        new("5.1.1", "a stream with a number far above the last", "RESPONSE", Get(0x7ffffffd)) { Stream = 0x7ffffffd },
        new("5.1.2", "one stream more than is allowed", Reset("REFUSED_STREAM") + "|RST PROTOCOL_ERROR", [.. Enumerable.Range(0, StreamsMax + 1).Select(at => Post((uint)((2 * at) + 1)))]) { Stream = (2 * StreamsMax) + 1 },
        new("5.1.2", "as many streams as are allowed", "RESPONSE", [.. Enumerable.Range(0, StreamsMax - 1).Select(at => Post((uint)((2 * at) + 1))), Get((2 * StreamsMax) - 1)]) { Stream = (2 * StreamsMax) - 1 },
        new("5.3", "a stream that depends on itself (RFC 7540 5.3.1)", Reset("PROTOCOL_ERROR") + "|RESPONSE", Frame(Headers, EndHeaders | EndStream | HasPriority, 1, [0, 0, 0, 1, 7, .. Block("GET", "/version")])),
        new("8.1", "a request in one piece", "RESPONSE", Get(1)),
        new("8.1", "a request with a body and trailers", "RESPONSE", Post(1), Frame(Data, 0, 1, "{}"u8), Frame(Headers, EndHeaders | EndStream, 1, Field("x-trailer", "1"))),
        new("8.1", "second headers that do not end the request", Reset("PROTOCOL_ERROR"), Post(1), Frame(Data, 0, 1, "{}"u8), Frame(Headers, EndHeaders, 1, Field("x-trailer", "1"))),
    ];
}
