namespace Holdfast.Coordination.Tests.Http2;

/// <summary>Something that a client does, and what may become of it.</summary>
/// <param name="Section">The section of RFC 9113, or of RFC 7541 where the name says HPACK.</param>
/// <param name="Name">What the client does.</param>
/// <param name="Allowed">The verdicts that the section allows, joined by a bar; see <see cref="FrameConnection.VerdictAsync"/>.</param>
/// <param name="Frames">What is sent after the handshake.</param>
internal sealed record ConformanceCase(string Section, string Name, string Allowed, params byte[][] Frames)
{
    /// <summary>A connection error of that kind; a server may also close without a word (RFC 9113 5.4.1).</summary>
    public static string Dead(string error) => $"GOAWAY {error}|CLOSED";

    /// <summary>A stream error, which a server may treat as one of the connection (RFC 9113 5.4.2).</summary>
    public static string Reset(string error) => $"RST {error}|GOAWAY {error}|CLOSED";

    /// <summary>The stream whose fate is asked for.</summary>
    public uint Stream { get; init; } = 1;

    /// <summary>Whether a ping follows, whose answer says that nothing else happened.</summary>
    public bool ThenPing { get; init; }

    /// <summary>What Kestrel does against the RFC, and so does our port; null when it does as it should.</summary>
    public string? OfKestrelsOwn { get; init; }

    /// <summary>Whether either of two allowed things may come first, so that the servers need not agree.</summary>
    public bool IsRace { get; init; }

    public async Task<string> RunAsync(System.Net.IPEndPoint server, bool inPieces, bool overTls = false)
    {
        using var connection = await FrameConnection.ToAsync(server, inPieces, overTls);
        await connection.ShakeHandsAsync();
        await connection.SendAsync([.. overTls ? Frames.Select(Http2.Frames.UnderTls) : Frames, .. ThenPing ? [Http2.Frames.Frame(Http2.Frames.Ping, 0, 0, new byte[8])] : Array.Empty<byte[]>()]);
        return await connection.VerdictAsync(Stream);
    }

    public bool Allows(string verdict) => verdict == OfKestrelsOwn || Allowed.Split('|').Contains(verdict);
}
