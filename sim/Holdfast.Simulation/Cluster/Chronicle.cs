using System.Numerics;
using Holdfast.Coordination;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>A change of the keyspace as the first replica made it; every other must make the same.</summary>
internal readonly record struct KeyChange(long Mod, int Sub, string Key, byte[]? Value, long Lease);

/// <summary>
/// What the committed log of a group says, written down as the first replica applies each entry. Whoever applies the same index later must have the same entry
/// and come to the same state; what clients and watchers are told is held against it.
/// </summary>
internal sealed class Chronicle(string group)
{
    private readonly Dictionary<LogIndex, Applied> applied = [];
    private readonly Dictionary<ulong, ulong> contents = [];
    private readonly Dictionary<string, List<KeyChange>> byKey = new(StringComparer.Ordinal);

    private readonly record struct Applied(Term Term, uint Command, ulong StateHash, ulong Changes);

    /// <summary>All changes in the order of revisions.</summary>
    public List<KeyChange> Changes { get; } = [];

    /// <summary>The highest revision that any replica has compacted to.</summary>
    public long CompactedMax { get; private set; } = MvccStore.NeverCompacted;

    public LogIndex Newest { get; private set; }

    /// <summary>An entry was applied. True when it was the first time anywhere.</summary>
    public bool OnApplied(NodeId who, LogPosition position, ReadOnlySpan<byte> command, ulong stateHash, List<KeyChange> changes)
    {
        var digest = 0UL;
        foreach (var change in changes) digest = Mix(digest ^ (ulong)change.Mod ^ (ulong)change.Sub << 48 ^ Crc32C.Of(System.Text.Encoding.UTF8.GetBytes(change.Key)) ^ (ulong)Crc32C.Of(change.Value ?? []) << 20);
        var mine = new Applied(position.Term, Crc32C.Of(command), stateHash, digest);
        if (applied.TryGetValue(position.Index, out var known))
        {
            Require(known.Term == mine.Term && known.Command == mine.Command, $"{group}: {who} applied another entry at {position} than a replica before it");
            Require(known == mine, $"{group}: replicas differ after {position.Index} ({who})");
            return false;
        }

        applied.Add(position.Index, mine);
        Newest = LogIndex.Max(Newest, position.Index);
        foreach (var change in changes)
        {
            Require(Changes.Count == 0 || change.Mod > Changes[^1].Mod || (change.Mod == Changes[^1].Mod && change.Sub > Changes[^1].Sub), $"{group}: revisions went back at {position}");
            Changes.Add(change);
            if (!byKey.TryGetValue(change.Key, out var versions)) byKey[change.Key] = versions = [];
            versions.Add(change);
        }

        return true;
    }

    public void OnCompacted(long revision) => CompactedMax = Math.Max(CompactedMax, revision);

    /// <summary>A state as content, by its own hash: taken when a snapshot is captured, and compared when one is restored. A snapshot is the fold of the log.</summary>
    public void OnContent(NodeId who, ulong stateHash, ulong content)
    {
        if (contents.TryGetValue(stateHash, out var known)) Require(known == content, $"{group}: {who}'s snapshot is not the fold of the log");
        else contents.Add(stateHash, content);
    }

    /// <summary>A key as of a revision; null when it does not exist there.</summary>
    public KeyChange? At(string key, long revision)
    {
        if (!byKey.TryGetValue(key, out var versions)) return null;
        KeyChange? found = null;
        foreach (var version in versions)
        {
            if (version.Mod > revision) break;
            found = version;
        }

        return found is { Value: not null } ? found : null;
    }

    /// <summary>Whether an entry was applied by somebody.</summary>
    public bool Knows(LogIndex index) => applied.ContainsKey(index);

    /// <summary>The revision at which a key that exists at a revision was created; zero when it does not exist there.</summary>
    public long CreatedAt(string key, long revision)
    {
        var created = 0L;
        if (!byKey.TryGetValue(key, out var versions)) return 0;
        foreach (var version in versions)
        {
            if (version.Mod > revision) break;
            if (version.Value is null) created = 0;
            else if (created == 0) created = version.Mod;
        }

        return created;
    }

    /// <summary>The keys that hang on a lease now, in order.</summary>
    public List<string> KeysOn(long lease)
    {
        var found = new List<string>();
        foreach (var (key, versions) in byKey)
            if (versions[^1] is { Value: not null } newest && newest.Lease == lease) found.Add(key);
        found.Sort(string.CompareOrdinal);
        return found;
    }

    /// <summary>The keys with a prefix that exist at a revision, in order.</summary>
    public List<KeyChange> RangeAt(string prefix, long revision)
    {
        var found = new List<KeyChange>();
        foreach (var key in byKey.Keys)
            if (key.StartsWith(prefix, StringComparison.Ordinal) && At(key, revision) is { } change) found.Add(change);
        found.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        return found;
    }

    /// <summary>Where the changes from a revision on begin.</summary>
    public int PlaceOf(long revision)
    {
        int low = 0, high = Changes.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Changes[middle].Mod < revision) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return BitOperations.RotateLeft(value ^ (value >> 31), 17);
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
