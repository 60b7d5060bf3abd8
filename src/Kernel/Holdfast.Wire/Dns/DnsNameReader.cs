using System.Text;

namespace Holdfast.Wire.Dns;

/// <summary>
/// Reads names (RFC 1035 3.1, 4.1.4). A compression pointer must point to before the name that it continues, each next one further back: so no loop is possible, and a name costs at most as many jumps as
/// it has labels.
/// </summary>
internal static class DnsNameReader
{
    /// <summary>Bytes of a name, its final root label included.</summary>
    public const int NameBytesMax = 255;

    /// <summary>Reads the name at an offset.</summary>
    /// <param name="message">The whole message, for pointers.</param>
    /// <param name="at">Where the name begins; afterwards the byte after it.</param>
    /// <param name="labels">The labels, in lower case, one character a byte; null when they are not wanted.</param>
    /// <returns>False when it is cut off, too long, or points forward.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, ref int at, List<string>? labels)
    {
        var (position, end, length, earliest) = (at, -1, 1, at);
        while (true)
        {
            if (position >= message.Length) return false;
            var size = message[position];
            switch (size & 0xc0)
            {
                case 0xc0:
                    if (position + 1 >= message.Length) return false;
                    var target = ((size & 0x3f) << 8) | message[position + 1];
                    if (target >= earliest) return false;
                    if (end < 0) end = position + 2;
                    (position, earliest) = (target, target);
                    continue;
                case 0 when size == 0:
                    at = end < 0 ? position + 1 : end;
                    return true;
                case 0:
                    length += size + 1;
                    if (length > NameBytesMax || position + 1 + size > message.Length) return false;
                    labels?.Add(Encoding.Latin1.GetString(message.Slice(position + 1, size)).ToLowerInvariant());
                    position += size + 1;
                    continue;
                default:
                    return false; // Label types that nobody uses any more (RFC 6891 5).
            }
        }
    }
}
