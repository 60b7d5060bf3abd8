using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// The bytes of a shard's snapshot: a head (version, seed, hash, counts, slots), then records in any order, each with its length first. Nothing in it
/// depends on memory layout.
/// </summary>
internal static unsafe class SnapshotCodec
{
    public const byte Version = 1;

    /// <summary>Bytes of the head.</summary>
    public const int HeadBytes = 1 + 8 + 8 + 8 + 8 + (KeySlot.Count / 8);

    public static void WriteHead(SpanWriter writer, ShardState state)
    {
        writer.WriteByte(Version);
        writer.WriteUInt64(state.Keyspace.Seed);
        writer.WriteUInt64(state.Hash);
        writer.WriteUInt64((ulong)state.Keyspace.KeyCount);
        state.Slots.Write(writer);
    }

    public static bool TryReadHead(ref SpanReader reader, ShardState state, out long keys)
    {
        var version = reader.ReadByte();
        state.Keyspace.Seed = reader.ReadUInt64();
        state.Hash = reader.ReadUInt64();
        keys = (long)reader.ReadUInt64();
        return state.Slots.TryRead(ref reader) && reader.IsWhole && version == Version;
    }

    /// <summary>Writes a record; returns how many bytes.</summary>
    public static int WriteRecord(SpanWriter writer, byte* record, Keyspace keyspace, int slot)
    {
        var key = RecordHead.KeyOf(record);
        var big = KeyRecord.Has(record, KeyRecord.IsBig) ? BytesOf(keyspace.BigOf(record)) : null;
        var value = big is null ? KeyRecord.Bytes(record) : big.Written;
        var length = 2 + 1 + 1 + 8 + 4 + key.Length + value.Length;
        writer.WriteUInt32((uint)length);
        writer.WriteUInt16((ushort)slot);
        writer.WriteByte((byte)((int)KeyRecord.Kind(record) | (big is null ? 0 : 0x80)));
        writer.WriteByte((byte)KeyRecord.Encoding(record));
        writer.WriteUInt64((ulong)KeyRecord.Expiry(record));
        writer.WriteUInt32((uint)key.Length);
        writer.WriteBytes(key);
        writer.WriteBytes(value);
        return length + 4;
    }

    /// <summary>Reads one record into the keyspace; false when the bytes are none.</summary>
    public static bool TryReadRecord(ref SpanReader reader, Keyspace keyspace)
    {
        var body = new SpanReader(reader.ReadBlock());
        var slot = body.ReadUInt16();
        var kind = body.ReadByte();
        var encoding = (ValueEncoding)body.ReadByte();
        var expiry = (long)body.ReadUInt64();
        var key = body.ReadBlock();
        if (!reader.IsWhole || !body.IsWhole || slot >= KeySlot.Count) return false;
        var hash = KeyHash.Of(key, keyspace.Seed);
        var value = body.Rest;
        // Whether its fields expire is found out by the first walk.
        if ((ValueKind)(kind & 0x7F) == ValueKind.Hash) keyspace.NoteFieldDates(slot);
        if ((kind & 0x80) != 0)
        {
            if (BigValues.Read((ValueKind)(kind & 0x7F), encoding, ref body, keyspace) is not { } big) return false;
            keyspace.Attach(KeyRecord.Make(keyspace.Arena, hash, key, (ValueKind)(kind & 0x7F), encoding, keyspace.Keep(big), true, expiry), slot);
            return true;
        }

        var record = KeyRecord.Make(keyspace.Arena, hash, key, (ValueKind)kind, encoding, value.Length, false, expiry);
        value.CopyTo(KeyRecord.Bytes(record));
        keyspace.Attach(record, slot);
        return true;
    }

    /// <summary>Whether a whole record stands at the beginning of the bytes.</summary>
    public static bool HasRecord(ReadOnlySpan<byte> bytes) => bytes.Length >= 4 && (ulong)bytes.Length - 4 >= BinaryPrimitives.ReadUInt32LittleEndian(bytes);

    private static ByteBuffer BytesOf(BigValue value)
    {
        var buffer = new ByteBuffer((int)Math.Clamp(value.Bytes, 256, 1 << 20));
        value.Write(new SpanWriter(buffer));
        return buffer;
    }
}
