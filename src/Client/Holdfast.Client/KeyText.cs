using System.Text;
using Google.Protobuf;

namespace Holdfast.Client;

/// <summary>Keys as text.</summary>
public static class KeyText
{
    /// <summary>A key's bytes.</summary>
    public static ByteString Bytes(string key) => ByteString.CopyFrom(key, Encoding.UTF8);

    /// <summary>The first key with a prefix. No key is empty, so of the empty prefix it is "\0".</summary>
    public static ByteString StartOfPrefix(string prefix) => prefix.Length > 0 ? Bytes(prefix) : ByteString.CopyFrom(0);

    /// <summary>The end of the range of all keys with a prefix: the prefix with its last byte that can grow made one larger, or "\0" (everything) when none can.</summary>
    public static ByteString EndOfPrefix(string prefix)
    {
        var end = Encoding.UTF8.GetBytes(prefix);
        for (var at = end.Length - 1; at >= 0; at--)
            if (end[at] < 0xff)
            {
                end[at]++;
                return ByteString.CopyFrom(end, 0, at + 1);
            }

        return ByteString.CopyFrom(0);
    }
}
