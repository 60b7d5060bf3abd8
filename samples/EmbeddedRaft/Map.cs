using System.Buffers;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;

/// <summary>What is replicated: apply, snapshot, restore.</summary>
internal sealed class Map(Action<string, string> onAddress) : IStateMachine
{
    public SortedDictionary<string, string> Pairs { get; private set; } = new(StringComparer.Ordinal);

    public ulong StateHash { get; private set; }

    public ApplyResult Apply(in CommittedEntry entry)
    {
        var pair = JsonSerializer.Deserialize<string?[]>(entry.Command)!;
        StateHash = StateHash * 31 + Crc32C.Of(entry.Command);
        if (pair[1] is not { } value) Pairs.Remove(pair[0]!);
        else Pairs[pair[0]!] = value;
        if (pair is [['@', ..] address, { } port]) onAddress(address[1..], port);
        return ApplyResult.Done();
    }

    // A map this small is copied whole; a large one would hand out one chunk after another.
    public ISnapshotView CaptureSnapshot() => new View(JsonSerializer.SerializeToUtf8Bytes(new Saved(Pairs, StateHash)));

    public ISnapshotBuilder BeginRestore() => new Builder(this);

    private sealed record Saved(SortedDictionary<string, string> Pairs, ulong StateHash);

    private sealed class View(byte[] bytes) : ISnapshotView
    {
        private int written;

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            var part = bytes.AsSpan(written, Math.Min(256 * 1024, bytes.Length - written));
            chunk.Write(part);
            written += part.Length;
            return written < bytes.Length;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Builder(Map owner) : ISnapshotBuilder
    {
        private readonly ArrayBufferWriter<byte> bytes = new();

        public void ReadNext(ReadOnlySpan<byte> chunk) => bytes.Write(chunk);

        public void Complete()
        {
            var saved = JsonSerializer.Deserialize<Saved>(bytes.WrittenSpan)!;
            (owner.Pairs, owner.StateHash) = (new(saved.Pairs, StringComparer.Ordinal), saved.StateHash);
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>A linearizable read of one key.</summary>
internal sealed class Get(Map map, string key) : Query<string?>
{
    protected override bool Run(in QueryContext context)
    {
        Result = map.Pairs.GetValueOrDefault(key);
        return true;
    }
}
