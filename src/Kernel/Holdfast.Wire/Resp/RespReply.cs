using System.Text;

namespace Holdfast.Wire.Resp;

/// <summary>
/// Finds the end of a reply, and says it in one line of text: for clients, tests and proxies. Nesting is walked with a counter and not by calling itself, so a reply that is ten thousand
/// arrays deep costs no stack; a claimed length takes no memory.
/// </summary>
public static class RespReply
{
    /// <summary>Levels of nesting that are followed; deeper ones are refused.</summary>
    public const int DepthMax = 512;

    /// <summary>The length of the reply at the beginning of <paramref name="bytes"/>; 0 when it is not whole; -1 when it is none.</summary>
    public static int Measure(ReadOnlySpan<byte> bytes)
    {
        var at = 0;
        Span<long> left = stackalloc long[DepthMax];
        var depth = 0;
        left[0] = 1;
        while (true)
        {
            while (left[depth] == 0)
                if (depth-- == 0) return at;
            if (at >= bytes.Length) return 0;
            var stop = bytes[at..].IndexOf("\r\n"u8);
            if (stop < 0) return 0;
            var type = bytes[at];
            var text = bytes.Slice(at + 1, stop - 1);
            at += stop + 2;
            if (type != '|') left[depth]--;
            switch (type)
            {
                case (byte)'+' or (byte)'-' or (byte)':' or (byte)',' or (byte)'#' or (byte)'_' or (byte)'(':
                    break;
                case (byte)'$' or (byte)'=' or (byte)'!':
                    if (!RespNumber.TryParse(text, out long length) || length is < -1 or > int.MaxValue) return -1;
                    if (length < 0) break;
                    if (bytes.Length - at < length + 2) return 0;
                    at += (int)length + 2;
                    break;
                case (byte)'*' or (byte)'~' or (byte)'>' or (byte)'%' or (byte)'|':
                    if (!RespNumber.TryParse(text, out long count) || count is < -1 or > int.MaxValue) return -1;
                    if (count <= 0) break;
                    if (++depth == DepthMax) return -1;
                    left[depth] = type is (byte)'%' or (byte)'|' ? count * 2 : count;
                    break;
                default:
                    return -1;
            }
        }
    }

    /// <summary>A whole reply in one line: bytes that cannot be shown as \x, line ends as a space. Two replies are the same exactly when their texts are.</summary>
    public static string ToText(ReadOnlySpan<byte> reply)
    {
        var text = new StringBuilder(reply.Length);
        for (var i = 0; i < reply.Length; i++)
        {
            if (reply[i] == '\r' && i + 1 < reply.Length && reply[i + 1] == '\n')
            {
                text.Append(' ');
                i++;
            }
            else if (reply[i] is >= 32 and < 127 and not (byte)'\\')
            {
                text.Append((char)reply[i]);
            }
            else
            {
                text.Append($"\\x{reply[i]:x2}");
            }
        }

        return text.ToString();
    }
}
