using System.Runtime.InteropServices;
using Holdfast.Vectors.Points;
using Holdfast.Wire;

namespace Holdfast.Vectors.Shards;

/// <summary>What an entry of a shard asks for: its second byte. Part of the log's format: never renumber.</summary>
internal enum ShardCommandKind : byte
{
    /// <summary>The collection's configuration, as JSON. The first entry of a shard; later ones change what may be changed.</summary>
    Configure = 1,

    /// <summary>Whole points; those of the same id are replaced.</summary>
    Upsert = 2,

    /// <summary>Ids whose points go.</summary>
    Delete = 3,

    /// <summary>Keys that points get beside those they have, at a path inside the payload or at its top.</summary>
    SetPayload = 4,

    /// <summary>A payload that points get instead of theirs.</summary>
    OverwritePayload = 5,

    /// <summary>Keys that points lose.</summary>
    DeletePayload = 6,

    /// <summary>Ids whose points lose all keys.</summary>
    ClearPayload = 7,

    /// <summary>Vectors that points get instead of theirs in the columns that are named.</summary>
    UpdateVectors = 8,

    /// <summary>Columns in which points lose their vectors.</summary>
    DeleteVectors = 9,

    /// <summary>A payload key and how it is indexed, as JSON.</summary>
    CreateIndex = 10,

    /// <summary>A payload key that is indexed no more.</summary>
    DeleteIndex = 11,

    /// <summary>Whole points, of which those are written that are new, are there already, or pass a filter: asked at the entry's place in the log.</summary>
    UpsertWhere = 12,

    /// <summary>A command of a lock's holder: executed unless this shard has seen a newer token of the lock (S22).</summary>
    Fenced = 13,

    /// <summary>Of a split: what a new shard will have.</summary>
    Expect = 32,

    /// <summary>Of a split: points for a shard that expects them.</summary>
    Stage = 33,

    /// <summary>Of a split: ids whose points the source has no more.</summary>
    Unstage = 34,

    /// <summary>Of a split: the source takes no more writes of one half.</summary>
    Seal = 35,

    /// <summary>Of a split: the source takes them again.</summary>
    Unseal = 36,

    /// <summary>Of a split: the target has all that was sealed.</summary>
    Adopt = 37,

    /// <summary>Of a split: the source forgets what was sealed.</summary>
    Release = 38,

    /// <summary>Of a split: the locks that the source knows, with their tokens.</summary>
    Fences = 39,
}

/// <summary>Which points an upsert may write. Part of the log's format: never renumber.</summary>
internal enum UpsertMode : byte
{
    /// <summary>New ones and those that are there.</summary>
    Any = 0,

    /// <summary>New ones only.</summary>
    InsertOnly = 1,

    /// <summary>Only those that are there.</summary>
    UpdateOnly = 2,

    /// <summary>Only those that are there, and of them only the vectors that are named.</summary>
    Vectors = 3,
}

/// <summary>When an upsert writes a point.</summary>
/// <param name="Mode">By whether it is there.</param>
/// <param name="Filter">What must be true of one that is there, as JSON; empty for nothing.</param>
internal readonly record struct UpsertRule(UpsertMode Mode, string Filter)
{
    /// <summary>Whether it says nothing.</summary>
    public bool IsAnything => Mode == UpsertMode.Any && Filter.Length == 0;
}

/// <summary>
/// Commands as bytes: version, kind, fields. All that depends on anything but the state was done before: vectors are of length one where the distance wants it, payloads are normalised, a filter has become
/// ids, and its text comes along only to be asked again at the entry's place in the log.
/// </summary>
internal static class ShardCommand
{
    /// <summary>The format that this binary writes.</summary>
    public const byte Version = 1;

    /// <summary>The feature level from which on every program executes the late commands.</summary>
    public const uint LateLevel = 2;

    /// <summary>
    /// The feature level that a group must have before a command may stand in its log (S5): a program that does not know it would pass over it, and its replica would be another than the others.
    /// </summary>
    public static uint LevelOf(ReadOnlySpan<byte> command) => command.Length < 2 ? 1
        : (ShardCommandKind)command[1] switch
        {
            >= ShardCommandKind.UpsertWhere => LateLevel,
            ShardCommandKind.SetPayload or ShardCommandKind.DeletePayload when HasLateKey(command) => LateLevel,
            _ => 1,
        };

    /// <summary>Whether a change's keys say more than names: where they were only names, they would stand in the payload as they are written.</summary>
    private static bool HasLateKey(ReadOnlySpan<byte> command)
    {
        var reader = new SpanReader(command[2..]);
        reader.ReadText();
        for (var ids = reader.ReadUInt32(); ids > 0 && reader.IsWhole; ids--) PointId.Read(ref reader);
        for (var keys = (ShardCommandKind)command[1] == ShardCommandKind.SetPayload ? 1 : reader.ReadUInt32(); keys > 0 && reader.IsWhole; keys--)
            if (reader.ReadText().AsSpan().IndexOfAny('[', '"') >= 0) return true;
        return false;
    }

    /// <summary>The configuration.</summary>
    public static byte[] Configure(string json) => Text(ShardCommandKind.Configure, json);

    /// <summary>Whole points.</summary>
    public static byte[] Upsert(IReadOnlyList<PointWrite> points, Func<string, int> columnOf) => WithVectors(ShardCommandKind.Upsert, points, columnOf);

    /// <summary>Whole points, where they may be written.</summary>
    public static byte[] UpsertWhere(IReadOnlyList<PointWrite> points, Func<string, int> columnOf, UpsertRule rule)
    {
        var buffer = Begin(ShardCommandKind.UpsertWhere, BytesOf(points) + System.Text.Encoding.UTF8.GetMaxByteCount(rule.Filter.Length));
        var writer = new SpanWriter(buffer);
        writer.WriteByte((byte)rule.Mode);
        writer.WriteText(rule.Filter);
        writer.WriteUInt32((uint)points.Count);
        foreach (var point in points) WritePoint(writer, point.Id, point.Payload, point.Vectors, columnOf);
        return Taken(buffer);
    }

    /// <summary>New vectors of points that are there.</summary>
    public static byte[] UpdateVectors(IReadOnlyList<PointWrite> points, Func<string, int> columnOf) => WithVectors(ShardCommandKind.UpdateVectors, points, columnOf);

    /// <summary>Points that go.</summary>
    /// <param name="ids">Which.</param>
    /// <param name="filter">What must still be true of each, as JSON; empty for nothing.</param>
    public static byte[] Delete(IReadOnlyList<PointId> ids, string filter = "") => Targeted(ShardCommandKind.Delete, ids, filter).Written.ToArray();

    /// <summary>Points that lose all keys.</summary>
    public static byte[] ClearPayload(IReadOnlyList<PointId> ids, string filter = "") => Targeted(ShardCommandKind.ClearPayload, ids, filter).Written.ToArray();

    /// <summary>Keys that points get, at a path or, when it is empty, at the top.</summary>
    public static byte[] SetPayload(IReadOnlyList<PointId> ids, Payload payload, string path, string filter = "")
    {
        var buffer = Targeted(ShardCommandKind.SetPayload, ids, filter);
        var writer = new SpanWriter(buffer);
        writer.WriteText(path);
        writer.WriteBlock(payload.Json);
        return buffer.Written.ToArray();
    }

    /// <summary>A payload that points get instead of theirs.</summary>
    public static byte[] OverwritePayload(IReadOnlyList<PointId> ids, Payload payload, string filter = "")
    {
        var buffer = Targeted(ShardCommandKind.OverwritePayload, ids, filter);
        new SpanWriter(buffer).WriteBlock(payload.Json);
        return buffer.Written.ToArray();
    }

    /// <summary>Keys that points lose.</summary>
    public static byte[] DeletePayload(IReadOnlyList<PointId> ids, IReadOnlyList<string> keys, string filter = "")
    {
        var buffer = Targeted(ShardCommandKind.DeletePayload, ids, filter);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt32((uint)keys.Count);
        foreach (var key in keys) writer.WriteText(key);
        return buffer.Written.ToArray();
    }

    /// <summary>Columns in which points lose their vectors, as bits.</summary>
    public static byte[] DeleteVectors(IReadOnlyList<PointId> ids, ulong columns, string filter = "")
    {
        var buffer = Targeted(ShardCommandKind.DeleteVectors, ids, filter);
        new SpanWriter(buffer).WriteUInt64(columns);
        return buffer.Written.ToArray();
    }

    /// <summary>A payload key that is indexed, and how.</summary>
    public static byte[] CreateIndex(string key, string schema)
    {
        var buffer = Begin(ShardCommandKind.CreateIndex);
        var writer = new SpanWriter(buffer);
        writer.WriteText(key);
        writer.WriteText(schema);
        return buffer.Written.ToArray();
    }

    /// <summary>A payload key that is indexed no more.</summary>
    public static byte[] DeleteIndex(string key) => Text(ShardCommandKind.DeleteIndex, key);

    /// <summary>Reads a point with its vectors; they are copied.</summary>
    /// <param name="reader">Where it begins.</param>
    /// <param name="columns">The columns.</param>
    /// <param name="lent">Arrays for the components of dense vectors, valid until the next point is read; null for their own.</param>
    public static PointWrite ReadPoint(ref SpanReader reader, IReadOnlyList<VectorParams> columns, LentArrays? lent = null)
    {
        var id = PointId.Read(ref reader);
        var payload = Payload.FromNormalised(reader.ReadBlock());
        int count = reader.ReadByte();
        var vectors = new List<NamedVector>(count);
        for (; count > 0; count--)
        {
            var column = reader.ReadByte();
            var block = reader.ReadBlock();
            if (column < columns.Count && columns[column].IsGone) continue; // Proposed before its name was deleted.
            if (column < columns.Count && ReadVector(columns[column], block, lent?.Of(column, columns[column])) is { } vector) vectors.Add(vector);
            else reader.Take(int.MaxValue);
        }

        return new PointWrite(id, payload, reader.IsWhole ? vectors : []);
    }

    /// <summary>Writes a point as <see cref="ReadPoint"/> reads it.</summary>
    public static void WritePoint(SpanWriter writer, in PointId id, Payload payload, IReadOnlyList<NamedVector> vectors, Func<string, int> columnOf)
    {
        id.Write(writer);
        writer.WriteBlock(payload.Json);
        writer.WriteByte((byte)vectors.Count);
        foreach (var vector in vectors)
        {
            writer.WriteByte((byte)columnOf(vector.Name));
            writer.WriteUInt32((uint)((vector.Values.Length + (vector.Indices?.Length ?? 0)) * sizeof(float)));
            if (vector.Indices is { } indices) writer.WriteBytes(MemoryMarshal.AsBytes<uint>(indices));
            writer.WriteBytes(MemoryMarshal.AsBytes<float>(vector.Values));
        }
    }

    /// <summary>A column's vector: its components, of a sparse one their places before them.</summary>
    private static NamedVector? ReadVector(VectorParams column, ReadOnlySpan<byte> block, float[]? lent)
    {
        if (column.Kind == VectorKind.Sparse)
            return block.Length % (2 * sizeof(float)) == 0 ? new NamedVector(column.Name, MemoryMarshal.Cast<byte, float>(block[(block.Length / 2)..]).ToArray(), MemoryMarshal.Cast<byte, uint>(block[..(block.Length / 2)]).ToArray()) : null;
        var values = MemoryMarshal.Cast<byte, float>(block);
        var isWhole = column.Kind == VectorKind.Dense ? values.Length == column.Size : values.Length > 0 && values.Length % column.Size == 0;
        if (!isWhole) return null;
        if (lent is null || lent.Length != values.Length) return new NamedVector(column.Name, values.ToArray());
        values.CopyTo(lent);
        return new NamedVector(column.Name, lent);
    }

    private static byte[] WithVectors(ShardCommandKind kind, IReadOnlyList<PointWrite> points, Func<string, int> columnOf)
    {
        var buffer = Begin(kind, BytesOf(points));
        var writer = new SpanWriter(buffer);
        writer.WriteUInt32((uint)points.Count);
        foreach (var point in points) WritePoint(writer, point.Id, point.Payload, point.Vectors, columnOf);
        return Taken(buffer);
    }

    private static ByteBuffer Targeted(ShardCommandKind kind, IReadOnlyList<PointId> ids, string filter)
    {
        var buffer = Begin(kind);
        var writer = new SpanWriter(buffer);
        writer.WriteText(filter);
        writer.WriteUInt32((uint)ids.Count);
        foreach (var id in ids) id.Write(writer);
        return buffer;
    }

    private static byte[] Text(ShardCommandKind kind, string text)
    {
        var buffer = Begin(kind);
        new SpanWriter(buffer).WriteText(text);
        return buffer.Written.ToArray();
    }

    /// <summary>What a command of points takes: one array of that size instead of a row of growing ones, which are so large that each brings a collection of the oldest generation nearer.</summary>
    private static int BytesOf(IReadOnlyList<PointWrite> points)
    {
        long bytes = 2 + sizeof(uint);
        foreach (var point in points)
        {
            bytes += point.Id.WrittenBytes + sizeof(uint) + point.Payload.Json.Length + sizeof(byte);
            foreach (var vector in point.Vectors) bytes += sizeof(byte) + sizeof(uint) + ((vector.Values.Length + (vector.Indices?.Length ?? 0)) * (long)sizeof(float));
        }

        return checked((int)bytes);
    }

    /// <summary>The command as an array of its own: the buffer's, where it is full.</summary>
    private static byte[] Taken(ByteBuffer buffer) =>
        MemoryMarshal.TryGetArray(buffer.WrittenMemory, out var written) && written.Array!.Length == written.Count ? written.Array : buffer.Written.ToArray();

    private static ByteBuffer Begin(ShardCommandKind kind, int bytes = 1024)
    {
        var buffer = new ByteBuffer(bytes);
        var writer = new SpanWriter(buffer);
        writer.WriteByte(Version);
        writer.WriteByte((byte)kind);
        return buffer;
    }
}

/// <summary>An array for each dense column's components, used again for every point that is applied: a column copies them. For one thread.</summary>
internal sealed class LentArrays
{
    private float[]?[] arrays = [];

    /// <summary>A column's; null where vectors have no fixed length.</summary>
    public float[]? Of(int number, VectorParams column)
    {
        if (column.Kind != VectorKind.Dense) return null;
        if (number >= arrays.Length) Array.Resize(ref arrays, number + 1);
        return arrays[number] is { } known && known.Length == column.Size ? known : arrays[number] = new float[column.Size];
    }
}

/// <summary>Text in the room's own formats: a 32-bit length and UTF-8.</summary>
internal static class ShardText
{
    public static void WriteText(this SpanWriter writer, string text) => writer.WriteBlock(System.Text.Encoding.UTF8.GetBytes(text));

    public static string ReadText(this ref SpanReader reader) => System.Text.Encoding.UTF8.GetString(reader.ReadBlock());
}
