using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>A shard under construction, beside the live one. Segments that are kept in files are mapped; what is in chunks is added row by row.</summary>
internal sealed class ShardRestore(ShardMachine machine) : ISnapshotBuilder
{
    private readonly HashSet<FileHash> damaged = [];
    private ShardState? built;
    private Segment? segment;
    private ShardFences fences = new();
    private LogIndex index;
    private ulong hash;
    private bool isAdopted;

    /// <inheritdoc/>
    public bool IsWhole { get; private set; } = true;

    /// <inheritdoc/>
    public bool GoesOnWithout(FileHash file)
    {
        damaged.Add(file);
        return true;
    }

    /// <inheritdoc/>
    public void ReadNext(ReadOnlySpan<byte> chunk)
    {
        if (!IsWhole) return;
        var reader = new SpanReader(chunk);
        switch ((ShardSnapshotPart)reader.ReadByte())
        {
            case ShardSnapshotPart.Head:
                ReadHead(ref reader);
                break;
            case ShardSnapshotPart.Points:
                for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
                {
                    var written = reader.ReadUInt64();
                    built!.Store.Upsert(ShardCommand.ReadPoint(ref reader, built.Store.Columns), index, written);
                }

                built!.Store.Publish();
                break;
            case ShardSnapshotPart.Rows:
                ReadRows(ref reader);
                break;
            case ShardSnapshotPart.Fences:
                fences = ShardFences.Read(ref reader) ?? fences;
                break;
        }

        Invariant.Holds(reader.IsWhole, "a shard's snapshot ends in the middle of a chunk: it passed its checksum, so it was written by another program");
    }

    /// <inheritdoc/>
    public void Complete()
    {
        machine.Adopt(built, fences, index);
        isAdopted = true;
        Invariant.Holds(machine.StateHash == hash, "a shard restored from its snapshot has another hash than when it was written");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!isAdopted) built?.Store.LetGo();
    }

    private void ReadHead(ref SpanReader reader)
    {
        var version = reader.ReadUInt16();
        Invariant.Holds(version is >= 1 and <= ShardSnapshot.FormatVersion, $"a shard's snapshot has format {version}, and this binary knows up to {ShardSnapshot.FormatVersion}: install the newer program again");
        index = new LogIndex(reader.ReadUInt64());
        hash = reader.ReadUInt64();
        var json = reader.ReadText();
        var indexes = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var key = reader.ReadText();
            indexes[key] = reader.ReadText();
        }

        var hold = version >= ShardSnapshot.SplitFormatVersion ? ShardHold.Read(ref reader) : default;
        if (json.Length == 0) return;
        var config = CollectionConfig.Parse(json);
        built = new ShardState(config, machine.StoreFor(config), indexes.ToImmutable()) { Hold = hold };
    }

    private void ReadRows(ref SpanReader reader)
    {
        var rows = new FileHash(reader.Take(FileHash.Size));
        var graphs = new FileHash?[reader.ReadByte()];
        for (var column = 0; column < graphs.Length; column++)
            if (reader.ReadByte() != 0 && new FileHash(reader.Take(FileHash.Size)) is var graph && !damaged.Contains(graph)) graphs[column] = graph;
        var (from, count) = ((int)reader.ReadUInt32(), (int)reader.ReadUInt32());
        if (from == 0)
        {
            try
            {
                segment = damaged.Contains(rows) ? null : built!.Store.Restore(new SegmentFiles(rows, graphs));
            }
            catch (SnapshotDamagedException)
            {
                segment = null;
            }
        }

        IsWhole &= segment is not null;
        if (segment is null) return;
        var alive = reader.Take((count + 7) / 8);
        var changed = new Dictionary<int, KeptRow>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var row = (int)reader.ReadUInt32();
            var version = reader.ReadUInt64();
            changed[row] = new KeptRow(Payload.FromNormalised(reader.ReadBlock()), version);
        }

        for (var row = from; row < from + count && reader.IsWhole; row++)
            built!.Store.RestoreRow(segment, row, (alive[(row - from) >> 3] & (1 << ((row - from) & 7))) != 0, changed.TryGetValue(row, out var newer) ? newer : null);
    }
}
