using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// The bytes of a shard's snapshot: a head (version, then with its length first: seed, hash, counts, slots with their moves, fences), then records in any order, each with its length first. A large value may come in several
/// records, each with a part of its elements (since version 2; moves and fences since 3). Nothing in it depends on memory layout.
/// </summary>
internal static unsafe class SnapshotCodec
{
    public const byte Version = 3;

    /// <summary>The oldest version that is read: its large values are whole.</summary>
    public const byte OldestVersion = 1;

    /// <summary>Bytes of a record's head, its length included and the key not.</summary>
    private const int RecordHeadBytes = 4 + 2 + 1 + 1 + 8 + 4;

    /// <summary>Bytes of the head before version 3.</summary>
    private const int OldHeadBytes = 1 + 8 + 8 + 8 + 8 + (KeySlot.Count / 8);

    public static void WriteHead(SpanWriter writer, ShardState state, bool hasMoves = true)
    {
        var head = new ByteBuffer(4096);
        var body = new SpanWriter(head);
        body.WriteUInt64(state.Keyspace.Seed);
        body.WriteUInt64(state.Hash);
        body.WriteUInt64((ulong)state.Keyspace.KeyCount);
        state.Slots.Write(body, hasMoves);
        state.Fences.Write(body);
        writer.WriteByte(Version);
        writer.WriteBlock(head.Written);
    }

    /// <summary>Whether a whole head stands at the beginning of the bytes.</summary>
    public static bool HasHead(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && (bytes[0] < 3 ? bytes.Length >= OldHeadBytes : HasRecord(bytes[1..]));

    public static bool TryReadHead(ref SpanReader reader, ShardState state, out long keys)
    {
        var version = reader.ReadByte();
        keys = 0;
        if (version is < OldestVersion or > Version) return false;
        if (version < 3) return TryReadBody(ref reader, state, hasMoves: false, out keys);
        var head = new SpanReader(reader.ReadBlock());
        return TryReadBody(ref head, state, hasMoves: true, out keys) && reader.IsWhole;
    }

    private static bool TryReadBody(ref SpanReader reader, ShardState state, bool hasMoves, out long keys)
    {
        state.Keyspace.Seed = reader.ReadUInt64();
        state.Hash = reader.ReadUInt64();
        keys = (long)reader.ReadUInt64();
        return state.Slots.TryRead(ref reader, hasMoves) && (!hasMoves || state.TryReadFences(ref reader)) && reader.IsWhole;
    }

    /// <summary>Writes a record; returns how many bytes.</summary>
    public static int WriteRecord(SpanWriter writer, byte* record, Keyspace keyspace, int slot)
    {
        var key = RecordHead.KeyOf(record);
        var big = KeyRecord.Has(record, KeyRecord.IsBig) ? BytesOf(keyspace.BigOf(record)) : null;
        var value = big is null ? KeyRecord.Bytes(record) : big.Written;
        BeginRecord(writer, record, slot, value.Length);
        writer.WriteBytes(value);
        return RecordHeadBytes + key.Length + value.Length;
    }

    /// <summary>Begins a record: so many bytes of the value, all of it, follow.</summary>
    public static void BeginRecord(SpanWriter writer, byte* record, int slot, long valueBytes)
    {
        var key = RecordHead.KeyOf(record);
        writer.WriteUInt32((uint)(RecordHeadBytes - 4 + key.Length + valueBytes));
        writer.WriteUInt16((ushort)slot);
        writer.WriteByte((byte)((int)KeyRecord.Kind(record) | (KeyRecord.Has(record, KeyRecord.IsBig) ? 0x80 : 0)));
        writer.WriteByte((byte)KeyRecord.Encoding(record));
        writer.WriteUInt64((ulong)KeyRecord.Expiry(record));
        writer.WriteBlock(key);
    }

    /// <summary>Begins a record with a part of a large value: that follows, and then <see cref="EndPart(ByteBuffer, int)"/>.</summary>
    public static void WritePartHead(SpanWriter writer, int slot, byte kind, byte encoding, long expiry, ReadOnlySpan<byte> key)
    {
        writer.WriteUInt32(0);
        writer.WriteUInt16((ushort)slot);
        writer.WriteByte((byte)(kind | 0x80));
        writer.WriteByte(encoding);
        writer.WriteUInt64((ulong)expiry);
        writer.WriteBlock(key);
    }

    /// <summary>Says in the head of a part how long it is.</summary>
    public static void EndPart(ByteBuffer target, int begin) => BinaryPrimitives.WriteUInt32LittleEndian(target.Patch(begin, 4), (uint)(target.Length - begin - 4));

    /// <summary>Says in the head of a part how long it is, and in the number behind the head how many elements it has.</summary>
    public static void EndPart(ByteBuffer target, int begin, long count)
    {
        EndPart(target, begin);
        var key = (int)BinaryPrimitives.ReadUInt32LittleEndian(target.Patch(begin + 16, 4));
        BinaryPrimitives.WriteUInt64LittleEndian(target.Patch(begin + 20 + key, 8), (ulong)count);
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
            var place = keyspace.Locate(key, slot);
            if (place.IsBig) return keyspace.BigOf(place) is TableValue begun && begun.TryReadMore(ref body);
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
