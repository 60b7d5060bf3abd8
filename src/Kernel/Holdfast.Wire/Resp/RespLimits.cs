namespace Holdfast.Wire.Resp;

/// <summary>What a request may be at most; beyond it the reader says a protocol error. The defaults are Redis's.</summary>
public sealed record RespLimits
{
    /// <summary>Arguments of one request. Default 1,048,576.</summary>
    public int ArgumentsMax { get; init; } = 1024 * 1024;

    /// <summary>Bytes of one argument. Default 512 MiB (<c>proto-max-bulk-len</c>).</summary>
    public int ArgumentBytesMax { get; init; } = 512 * 1024 * 1024;

    /// <summary>Bytes of a request in one line, or of a length. Default 64 KiB.</summary>
    public int LineBytesMax { get; init; } = 64 * 1024;

    /// <summary>What somebody may send who has not yet signed in: ten arguments of 16 KiB.</summary>
    public static RespLimits OfStrangers { get; } = new() { ArgumentsMax = 10, ArgumentBytesMax = 16 * 1024 };
}
