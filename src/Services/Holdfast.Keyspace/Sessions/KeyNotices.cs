using System.Text;

namespace Holdfast.Keyspace;

/// <summary>Classes of keyspace notifications (notify-keyspace-events), and the two channels that they go to.</summary>
[Flags]
internal enum KeyEvents
{
    None = 0,

    /// <summary>K: what happened to a key, at __keyspace@0__:KEY.</summary>
    OfKey = 1 << 0,

    /// <summary>E: to which key something happened, at __keyevent@0__:EVENT.</summary>
    OfEvent = 1 << 1,
    Generic = 1 << 2,
    String = 1 << 3,
    List = 1 << 4,
    Set = 1 << 5,
    Hash = 1 << 6,
    SortedSet = 1 << 7,
    Expired = 1 << 8,
    Evicted = 1 << 9,
    Stream = 1 << 10,

    /// <summary>m: a read found nothing.</summary>
    Miss = 1 << 11,
    Module = 1 << 13,
    New = 1 << 14,

    /// <summary>A: all but misses and new keys.</summary>
    All = Generic | String | List | Set | Hash | SortedSet | Expired | Evicted | Stream | Module,
}

/// <summary>Where events of keys go: to this node's subscribers, once the entry in which they happened is committed (S18). Nothing by default.</summary>
internal sealed class KeyNotices(KeyspaceNode node)
{
    private const string Letters = "g$lshzxetdnKEm";

    private static readonly KeyEvents[] Classes =
    [
        KeyEvents.Generic, KeyEvents.String, KeyEvents.List, KeyEvents.Set, KeyEvents.Hash, KeyEvents.SortedSet, KeyEvents.Expired, KeyEvents.Evicted, KeyEvents.Stream, KeyEvents.Module,
        KeyEvents.New, KeyEvents.OfKey, KeyEvents.OfEvent, KeyEvents.Miss,
    ];

    /// <summary>What is published.</summary>
    public KeyEvents Wanted { get; set; }

    /// <summary>Reads the letters of notify-keyspace-events; false when one of them means nothing.</summary>
    public static bool TryParse(string text, out KeyEvents events)
    {
        events = KeyEvents.None;
        foreach (var letter in text)
        {
            var place = Letters.IndexOf(letter, StringComparison.Ordinal);
            if (letter != 'A' && place < 0) return false;
            events |= letter == 'A' ? KeyEvents.All : Classes[place];
        }

        return true;
    }

    /// <summary>The letters as CONFIG GET shows them; Redis 7.0 does not show n beside A.</summary>
    public static string Format(KeyEvents events)
    {
        var text = new StringBuilder();
        var isAll = (events & KeyEvents.All) == KeyEvents.All;
        if (isAll) text.Append('A');
        for (var i = 0; i < Letters.Length; i++)
            if ((events & Classes[i]) != 0 && !(isAll && (Classes[i] & (KeyEvents.All | KeyEvents.New)) != 0)) text.Append(Letters[i]);
        return text.ToString();
    }

    /// <summary>Something happened to a key, on the leader, while its entry is being executed.</summary>
    public void OnEvent(CommandCall call, ReadOnlySpan<byte> key, KeyEvents events, ReadOnlySpan<byte> name)
    {
        if ((Wanted & events) == 0 || call.Mode != CallMode.Execute || node.Subscriptions.IsQuiet) return;
        if ((Wanted & KeyEvents.OfKey) != 0) Publish(call, [.. "__keyspace@0__:"u8, .. key], name);
        if ((Wanted & KeyEvents.OfEvent) != 0) Publish(call, [.. "__keyevent@0__:"u8, .. name], key);
    }

    private static void Publish(CommandCall call, byte[] channel, ReadOnlySpan<byte> message) => call.Shard.Outbox.Add(new Publication(channel, message.ToArray(), PublicationReach.Node));
}
