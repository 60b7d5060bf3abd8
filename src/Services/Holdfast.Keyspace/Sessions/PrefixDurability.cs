using Holdfast.Replication;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// When replies may leave, by prefixes of keys (HOLDFAST.PREFIX): the longest one counts. A command of several keys waits for a quorum when one of them does; a connection that has said itself what it wants is not
/// asked. Kept in the directory, so that it is the same on all nodes.
/// </summary>
internal sealed class PrefixDurability(KeyspaceNode node)
{
    /// <summary>The directory's settings begin so; the prefix in hex follows.</summary>
    public const string Prefix = "keyspace.durability.";

    public const int PrefixesMax = 256;
    public const int PrefixBytesMax = 1024;

    private readonly List<(byte[] Prefix, Durability Durability)> known = [];
    private long revision = -1;

    /// <summary>All of them, longest first.</summary>
    public IReadOnlyList<(byte[] Prefix, Durability Durability)> All
    {
        get
        {
            if (revision != node.Shared.Revision) Follow();
            return known;
        }
    }

    /// <summary>The setting of the directory that keeps one.</summary>
    public static string KeyOf(ReadOnlySpan<byte> prefix) => Prefix + Convert.ToHexStringLower(prefix);

    public bool Knows(ReadOnlySpan<byte> prefix)
    {
        foreach (var (each, _) in All)
            if (prefix.SequenceEqual(each)) return true;
        return false;
    }

    /// <summary>When the reply to a client's command may leave.</summary>
    public Durability Of(ClientSession client, CommandSpec spec, RespArguments request)
    {
        if (client.HasChosenDurability || All.Count == 0 || (spec.Keys.Length == 0 && spec.MoreKeys is null)) return client.Durability;
        spec.FindKeys(request, node.Places);
        if (node.Places.Count == 0) return client.Durability;
        foreach (var place in node.Places)
            if (Of(request[place], client.Durability) == Durability.Quorum) return Durability.Quorum;
        return Durability.Async;
    }

    /// <summary>When the reply to a client's EXEC may leave.</summary>
    public Durability Of(ClientSession client, Transaction transaction) =>
        client.HasChosenDurability || All.Count == 0 ? client.Durability : transaction.IsQuorum ? Durability.Quorum : Durability.Async;

    private Durability Of(ReadOnlySpan<byte> key, Durability otherwise)
    {
        foreach (var (prefix, durability) in known)
            if (key.StartsWith(prefix)) return durability;
        return otherwise;
    }

    private void Follow()
    {
        revision = node.Shared.Revision;
        known.Clear();
        foreach (var (key, value) in node.Shared.Values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && known.Count < PrefixesMax) known.Add((Convert.FromHexString(key.AsSpan(Prefix.Length)), value == "async" ? Durability.Async : Durability.Quorum));
        known.Sort(static (one, other) => one.Prefix.Length != other.Prefix.Length ? other.Prefix.Length.CompareTo(one.Prefix.Length) : one.Prefix.AsSpan().SequenceCompareTo(other.Prefix));
    }
}
