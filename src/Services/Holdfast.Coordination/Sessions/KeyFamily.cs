using Google.Protobuf;

namespace Holdfast.Coordination.Sessions;

/// <summary>The keys of users that begin with the same letters: all of them but what sessions keep for themselves.</summary>
internal sealed class KeyFamily
{
    /// <summary>Right behind the last of the sessions' own keys.</summary>
    private const string RootEnd = "/sessions0";

    private static readonly ByteString First = ByteString.CopyFrom(0);

    public KeyFamily(string prefix)
    {
        Prefix = prefix;
        var (from, to) = Under(SessionKeys.Bytes(prefix));
        Ranges = SessionKeys.Root.StartsWith(prefix, StringComparison.Ordinal) ? [(from, SessionKeys.Bytes(SessionKeys.Root)), (SessionKeys.Bytes(RootEnd), to)] : [(from, to)];
    }

    /// <summary>How they begin; empty for every key.</summary>
    public string Prefix { get; }

    /// <summary>Where they lie: one range, or two around the sessions' own.</summary>
    public IReadOnlyList<(ByteString From, ByteString To)> Ranges { get; }

    /// <summary>The range of what begins with these bytes, in etcd's words: up to the same bytes with the last one raised; without an end when there is none to raise.</summary>
    public static (ByteString From, ByteString To) Under(ByteString prefix)
    {
        if (prefix.IsEmpty) return (First, First);
        var end = prefix.ToByteArray();
        for (var at = end.Length - 1; at >= 0; at--)
        {
            if (end[at] == byte.MaxValue) continue;
            end[at]++;
            return (prefix, ByteString.CopyFrom(end.AsSpan(0, at + 1)));
        }

        return (prefix, First);
    }
}
