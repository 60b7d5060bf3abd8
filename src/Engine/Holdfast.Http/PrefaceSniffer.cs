using System.Buffers;

namespace Holdfast.Http;

/// <summary>What the first bytes of a cleartext connection say.</summary>
public enum SniffedProtocol
{
    /// <summary>So far both are possible.</summary>
    Undecided,

    /// <summary>Anything that is not the preface of HTTP/2, garbage too: the HTTP/1.1 parser refuses it with an answer.</summary>
    Http1,

    /// <summary>The whole connection preface of HTTP/2 with prior knowledge (RFC 9113 3.4).</summary>
    Http2,
}

/// <summary>Tells HTTP/2 with prior knowledge from HTTP/1.1 by the connection preface. Pure.</summary>
public static class PrefaceSniffer
{
    /// <summary>The 24 bytes that open every HTTP/2 connection.</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Looks at what has arrived so far. Decides for HTTP/1.1 at the first byte that differs, so no HTTP/1.1 client waits for 24 bytes.</summary>
    public static SniffedProtocol Look(in ReadOnlySequence<byte> received)
    {
        Span<byte> first = stackalloc byte[24];
        var length = (int)Math.Min(received.Length, first.Length);
        received.Slice(0, length).CopyTo(first);
        if (!first[..length].SequenceEqual(Preface[..length])) return SniffedProtocol.Http1;
        return length == first.Length ? SniffedProtocol.Http2 : SniffedProtocol.Undecided;
    }
}
