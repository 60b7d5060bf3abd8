using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;

/// <summary>What is replicated: apply, snapshot, restore.</summary>
internal sealed class Map(Action<string> onAddress) : IStateMachine
{
    public SortedDictionary<string, string> Pairs { get; private set; } = new(StringComparer.Ordinal);
    public ulong StateHash { get; private set; }

    public ApplyResult Apply(in CommittedEntry entry)
    {
        var pair = JsonSerializer.Deserialize<string?[]>(entry.Command)!;
        StateHash = StateHash * 31 + Crc32C.Of(entry.Command);
        if (pair[1] is { } value) Pairs[pair[0]!] = value;
        else Pairs.Remove(pair[0]!);
        if (pair is [['@', ..] member, { } ports]) onAddress($"{member[1..]} {ports}");
        return ApplyResult.Done();
    }

    public ISnapshotView CaptureSnapshot() => new CopiedSnapshot(JsonSerializer.SerializeToUtf8Bytes(new Saved(Pairs, StateHash)));
    public ISnapshotBuilder BeginRestore() => new CopiedRestore(bytes => Restore(JsonSerializer.Deserialize<Saved>(bytes)!));
    private void Restore(Saved saved) => (Pairs, StateHash) = (new(saved.Pairs, StringComparer.Ordinal), saved.StateHash);
    private sealed record Saved(SortedDictionary<string, string> Pairs, ulong StateHash);
}
