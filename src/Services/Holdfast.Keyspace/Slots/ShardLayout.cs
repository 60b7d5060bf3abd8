using System.Collections.Immutable;
using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// Which shard has which slots, as the directory says it: written once when a cluster is fresh, changed by moves. The index; each shard's own log is the authority. As text: "2:0-5460;3:5461-10922;4:10923-16383".
/// </summary>
internal static class ShardLayout
{
    /// <summary>What the directory calls groups of this face.</summary>
    public const string Face = "keyspace";

    /// <summary>The directory's setting with the layout.</summary>
    public const string Setting = "keyspace.layout";

    /// <summary>The directory's settings with the nodes' Redis addresses begin so; the incarnation follows.</summary>
    public const string AddressPrefix = "keyspace.address.";

    /// <summary>Shares the slots out evenly, in the order of the groups.</summary>
    public static string Even(IReadOnlyList<GroupId> groups)
    {
        var parts = new string[groups.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            var first = (int)((long)KeySlot.Count * i / parts.Length);
            var last = (int)((long)KeySlot.Count * (i + 1) / parts.Length) - 1;
            parts[i] = string.Create(CultureInfo.InvariantCulture, $"{groups[i].Value}:{first}-{last}");
        }

        return string.Join(';', parts);
    }

    /// <summary>The layout after slots went from one shard to another; what the source does not have in it stays as it is.</summary>
    public static string Moved(string text, GroupId source, GroupId target, SlotRanges slots)
    {
        var sets = new SortedDictionary<GroupId, SlotSet>();
        foreach (var (group, ranges) in Parse(text))
        {
            sets[group] = new SlotSet();
            foreach (var (first, last) in ranges) sets[group].Add(first, last);
        }

        sets.TryAdd(source, new SlotSet());
        sets.TryAdd(target, new SlotSet());
        foreach (var slot in slots.Slots())
        {
            if (!sets[source][slot]) continue;
            sets[source][slot] = false;
            sets[target][slot] = true;
        }

        return string.Join(';', sets.Select(pair => $"{pair.Key.Value.ToString(CultureInfo.InvariantCulture)}:{SlotRanges.Of(pair.Value)}"));
    }

    /// <summary>Those of some slots that nobody has.</summary>
    public static SlotRanges FreeOf(string text, SlotRanges slots)
    {
        var free = new SlotSet();
        slots.Put(free, true);
        foreach (var (_, ranges) in Parse(text))
            foreach (var (first, last) in ranges)
                for (var slot = first; slot <= last; slot++) free[slot] = false;
        return SlotRanges.Of(free);
    }

    /// <summary>The layout with one shard more, which has slots that nobody had; or none.</summary>
    public static string With(string text, GroupId group, SlotRanges slots) =>
        string.Create(CultureInfo.InvariantCulture, $"{text}{(text.Length > 0 ? ";" : "")}{group.Value}:{slots}");

    /// <summary>The directory's setting that says how slots come to their first owners: <see cref="ByHand"/>, or by themselves when there is none.</summary>
    public const string BootstrapSetting = "keyspace.bootstrap";

    /// <summary>Slots are given out by CLUSTER ADDSLOTS.</summary>
    public const string ByHand = "manual";

    /// <summary>The directory's settings of shards that belong to a node begin so; the group's number follows, and the value is the incarnation.</summary>
    public const string HomePrefix = "keyspace.home.";

    /// <summary>The incarnation in a setting; none when there is none.</summary>
    public static NodeId NodeIn(IReadOnlyDictionary<string, string> settings, string key) =>
        settings.TryGetValue(key, out var text) && ulong.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var node) ? new NodeId(node) : NodeId.None;

    /// <summary>The directory's settings of nodes that lead no shards begin so; the incarnation follows, and the value is the one that it follows.</summary>
    public const string FollowsPrefix = "keyspace.follows.";

    /// <summary>Reads a layout; what is not one is nobody's.</summary>
    public static ImmutableSortedDictionary<GroupId, ImmutableArray<(int First, int Last)>> Parse(string text)
    {
        var layout = ImmutableSortedDictionary.CreateBuilder<GroupId, ImmutableArray<(int, int)>>();
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = part.IndexOf(':', StringComparison.Ordinal);
            if (colon < 0 || !ulong.TryParse(part[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var group)) continue;
            var ranges = ImmutableArray.CreateBuilder<(int, int)>();
            foreach (var range in part[(colon + 1)..].Split(','))
                if (SlotRanges.TryRange(range, out var first, out var last)) ranges.Add((first, last));
            layout[new GroupId(group)] = ranges.ToImmutable();
        }

        return layout.ToImmutable();
    }

    /// <summary>A node's address as the directory keeps it: "host:port@bus", and with TLS "host:port@bus,tls".</summary>
    public static string FormatAddress(ClusterPeer peer) => string.Create(CultureInfo.InvariantCulture, $"{peer.Host}:{peer.Port}@{peer.BusPort}") + (peer.TlsPort > 0 ? string.Create(CultureInfo.InvariantCulture, $",{peer.TlsPort}") : "");

    /// <summary>Reads one; null for anything else.</summary>
    public static ClusterPeer? ParseAddress(NodeId node, string text)
    {
        var at = text.LastIndexOf('@');
        var colon = at < 0 ? -1 : text.LastIndexOf(':', at);
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1, at - colon - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)) return null;
        var comma = text.IndexOf(',', at);
        var tls = 0;
        if (comma > 0 && !int.TryParse(text.AsSpan(comma + 1), NumberStyles.None, CultureInfo.InvariantCulture, out tls)) return null;
        return int.TryParse(text.AsSpan(at + 1, (comma < 0 ? text.Length : comma) - at - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var bus) ? new ClusterPeer(node, text[..colon], port, bus) { TlsPort = tls } : null;
    }
}
