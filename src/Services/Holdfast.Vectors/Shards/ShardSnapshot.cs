using System.Buffers;
using System.Collections.Immutable;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>The parts of a snapshot: a chunk holds pieces of one and begins with its number. Part of the format: never renumber.</summary>
internal enum ShardSnapshotPart : byte
{
    /// <summary>Format version, index, hash, configuration, payload indexes.</summary>
    Head = 1,

    /// <summary>Points: how many, and each whole, behind the entry that wrote it.</summary>
    Points = 2,

    /// <summary>Nothing more comes.</summary>
    End = 3,
}

/// <summary>A shard after one entry, walked while later entries are applied.</summary>
internal sealed class ShardSnapshot(ShardState? state, ulong hash, LogIndex index) : ISnapshotView
{
    /// <summary>The format that this binary writes and reads.</summary>
    public const ushort FormatVersion = 1;

    private const int ChunkBytes = 192 * 1024;

    private readonly StoreView? points = state?.Store.Capture(index);
    private ShardSnapshotPart part = ShardSnapshotPart.Head;

    /// <inheritdoc/>
    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        var writer = new SpanWriter(chunk);
        writer.WriteByte((byte)part);
        if (part == ShardSnapshotPart.Head)
        {
            WriteHead(writer);
            part = points is null ? ShardSnapshotPart.End : ShardSnapshotPart.Points;
            return true;
        }

        if (part == ShardSnapshotPart.End) return false;
        var bytes = new ByteBuffer(ChunkBytes + 4096);
        var count = 0u;
        var pieces = new SpanWriter(bytes);
        while (bytes.Length < ChunkBytes)
        {
            if (!points!.MoveNext(out var segment, out var row, out var content))
            {
                part = ShardSnapshotPart.End;
                break;
            }

            WritePoint(pieces, segment, row, content);
            count++;
        }

        writer.WriteUInt32(count);
        writer.WriteBytes(bytes.Written);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => points?.Dispose();

    private void WriteHead(SpanWriter writer)
    {
        writer.WriteUInt16(FormatVersion);
        writer.WriteUInt64(index.Value);
        writer.WriteUInt64(hash);
        writer.WriteText(state?.Config.Json ?? "");
        writer.WriteUInt32((uint)(state?.Indexes.Count ?? 0));
        foreach (var (key, schema) in state?.Indexes ?? ImmutableSortedDictionary<string, string>.Empty)
        {
            writer.WriteText(key);
            writer.WriteText(schema);
        }
    }

    private static void WritePoint(SpanWriter writer, Segment segment, int row, in KeptRow content)
    {
        writer.WriteUInt64(content.Version);
        var vectors = new List<NamedVector>();
        for (var column = 0; column < segment.Columns.Length; column++)
            if ((segment.Head(row).Has & (1UL << column)) != 0) vectors.Add(new NamedVector(segment.Columns[column].Params.Name, segment.Columns[column].Read(row)));
        ShardCommand.WritePoint(writer, segment.IdOf(row), content.Payload, vectors, name => Array.FindIndex(segment.Columns, column => column.Params.Name == name));
    }
}

/// <summary>A shard under construction, beside the live one.</summary>
internal sealed class ShardRestore(ShardMachine machine, int segmentRowsMax) : ISnapshotBuilder
{
    private ShardState? built;
    private LogIndex index;
    private ulong hash;

    /// <inheritdoc/>
    public void ReadNext(ReadOnlySpan<byte> chunk)
    {
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
        }

        Invariant.Holds(reader.IsWhole, "a shard's snapshot ends in the middle of a chunk: it passed its checksum, so it was written by another program");
    }

    /// <inheritdoc/>
    public void Complete()
    {
        machine.Adopt(built, index);
        Invariant.Holds(machine.StateHash == hash, "a shard restored from its snapshot has another hash than when it was written");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void ReadHead(ref SpanReader reader)
    {
        var version = reader.ReadUInt16();
        Invariant.Holds(version == ShardSnapshot.FormatVersion, $"a shard's snapshot has format {version}, and this binary knows {ShardSnapshot.FormatVersion}: install the newer program again");
        index = new LogIndex(reader.ReadUInt64());
        hash = reader.ReadUInt64();
        var json = reader.ReadText();
        var indexes = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var key = reader.ReadText();
            indexes[key] = reader.ReadText();
        }

        if (json.Length == 0) return;
        var config = CollectionConfig.Parse(json);
        built = new ShardState(config, ShardMachine.StoreFor(config, segmentRowsMax), indexes.ToImmutable());
    }
}
