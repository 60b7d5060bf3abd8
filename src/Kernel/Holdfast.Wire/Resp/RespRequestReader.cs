namespace Holdfast.Wire.Resp;

/// <summary>How reading a request went on.</summary>
public enum RespProgress : byte
{
    /// <summary>The request is not whole yet.</summary>
    NeedMore = 0,

    /// <summary>A request is there; it may be empty, and is then to be passed over.</summary>
    Ready = 1,

    /// <summary>This is not the protocol: <see cref="RespRequestReader.Fault"/> says why, and the connection ends.</summary>
    Failed = 2,
}

/// <summary>
/// Reads requests of RESP (an array of bulk strings, or one line) out of a buffer that grows at its end. It keeps its place, so that a request that comes in a thousand
/// pieces is looked at once; and it takes memory for what came, never for a length that was claimed.
/// </summary>
public sealed class RespRequestReader
{
    private readonly RespArguments arguments = new();
    private byte[] line = [];
    private int position;
    private int argumentsLeft;
    private int lengthOfNext = -1;
    private bool isInside;

    /// <summary>The request, once it is ready; valid until the buffer changes or the next call.</summary>
    public RespArguments Arguments => arguments;

    /// <summary>Bytes that the ready request took.</summary>
    public int Consumed { get; private set; }

    /// <summary>What is wrong, in Redis's words.</summary>
    public string Fault { get; private set; } = "";

    /// <summary>Bytes that the request will surely need beyond <paramref name="have"/>: how far a buffer should be made to reach.</summary>
    public int BytesWanted(int have) => lengthOfNext < 0 ? 0 : Math.Max(0, position + lengthOfNext + 2 - have);

    /// <summary>Reads on. The request begins at <paramref name="start"/> and stays there until it is ready; <paramref name="end"/> is the end of what came.</summary>
    public RespProgress Read(byte[] buffer, int start, int end, RespLimits limits)
    {
        if (!isInside)
        {
            if (start >= end) return RespProgress.NeedMore;
            arguments.Begin(buffer);
            (position, lengthOfNext) = (0, -1);
            if (buffer[start] != '*') return ReadLine(buffer, start, end, limits);
            if (!TryNumber(buffer, start, end, "too big mbulk count string", limits, out var count)) return Unfinished();
            if (count > limits.ArgumentsMax || count < int.MinValue) return Fail(limits.ArgumentsMax <= 10 ? "unauthenticated multibulk length" : "invalid multibulk length");
            if (count <= 0) return Done();
            argumentsLeft = (int)count;
            isInside = true;
        }

        if (!ReferenceEquals(arguments.Source, buffer)) arguments.MoveTo(buffer, 0);
        return ReadArguments(buffer, start, end, limits);
    }

    /// <summary>The request's first byte has moved within its buffer.</summary>
    public void OnMoved(byte[] buffer, int by)
    {
        if (isInside) arguments.MoveTo(buffer, by);
    }

    private RespProgress ReadArguments(byte[] buffer, int start, int end, RespLimits limits)
    {
        while (argumentsLeft > 0)
        {
            if (lengthOfNext < 0)
            {
                if (start + position >= end) return RespProgress.NeedMore;
                if (buffer[start + position] != '$') return Fail($"expected '$', got '{(char)buffer[start + position]}'");
                if (!TryNumber(buffer, start, end, "too big bulk count string", limits, out var length)) return Unfinished();
                if (length < 0 || length > limits.ArgumentBytesMax) return Fail(limits.ArgumentsMax <= 10 && length > 0 ? "unauthenticated bulk length" : "invalid bulk length");
                lengthOfNext = (int)length;
            }

            // Redis takes the two bytes after an argument for granted, and so do we.
            if (end - start - position < lengthOfNext + 2) return RespProgress.NeedMore;
            arguments.Add(start + position, lengthOfNext);
            position += lengthOfNext + 2;
            lengthOfNext = -1;
            argumentsLeft--;
        }

        return Done();
    }

    /// <summary>A number after a type byte, up to the line's end; the place moves behind it. Not a number reads as an absurd one.</summary>
    private bool TryNumber(byte[] buffer, int start, int end, string tooLong, RespLimits limits, out long number)
    {
        if (TryShortNumber(buffer, start, end, out number)) return true;
        number = 0;
        var rest = buffer.AsSpan(start + position, end - start - position);
        var stop = rest.IndexOf((byte)'\r');
        if (stop < 0 || stop + 1 >= rest.Length)
        {
            if (rest.Length > limits.LineBytesMax) Fault = tooLong;
            return false;
        }

        if (!RespNumber.TryParse(rest[1..stop], out number)) number = long.MinValue;
        position += stop + 2;
        return true;
    }

    /// <summary>A number as nearly all are: whole, without a sign, of a few digits. False for all others, which say nothing by that.</summary>
    private bool TryShortNumber(byte[] buffer, int start, int end, out long number)
    {
        const int DigitsMax = 8;
        var first = start + position + 1;
        var bytes = buffer.AsSpan(first, Math.Clamp(end - first, 0, DigitsMax + 2));
        var (value, at) = (0, 0);
        while (at < bytes.Length && (uint)(bytes[at] - '0') <= 9) value = (value * 10) + (bytes[at++] - '0');
        number = value;
        if (at == 0 || at > DigitsMax || at + 1 >= bytes.Length || bytes[at] != '\r' || (bytes[0] == '0' && at > 1)) return false;
        position += at + 3;
        return true;
    }

    private RespProgress ReadLine(byte[] buffer, int start, int end, RespLimits limits)
    {
        var rest = buffer.AsSpan(start, end - start);
        var stop = rest.IndexOf((byte)'\n');
        if (stop < 0) return rest.Length > limits.LineBytesMax ? Fail("too big inline request") : RespProgress.NeedMore;
        if (stop > limits.LineBytesMax) return Fail("too big inline request");
        position = stop + 1;
        if (stop > 0 && rest[stop - 1] == '\r') stop--;
        if (line.Length < stop) line = new byte[Math.Max(stop, 256)];
        arguments.Begin(line);
        return RespLine.TrySplit(rest[..stop], line, arguments) ? Done() : Fail("unbalanced quotes in request");
    }

    private RespProgress Done()
    {
        Consumed = position;
        isInside = false;
        return RespProgress.Ready;
    }

    private RespProgress Unfinished() => Fault.Length > 0 ? RespProgress.Failed : RespProgress.NeedMore;

    private RespProgress Fail(string fault)
    {
        Fault = fault;
        return RespProgress.Failed;
    }
}
