using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// What travels from a shard to another in a move: a stream of keys, each with its value in the form of a snapshot's record, or without any, when it is gone since it was sent; cut into chunks
/// anywhere. A key that comes again takes the place of what came before. A large value comes in pieces, each a record with some of its elements: all but the first say that they go on.
/// </summary>
internal static unsafe class StageCodec
{
    /// <summary>Bytes of a chunk; a quarter of an entry.</summary>
    public const int ChunkBytes = 256 * 1024;

    /// <summary>Bytes of a piece.</summary>
    public const int PieceBytes = 32 * 1024;

    /// <summary>Values of more bytes come in pieces.</summary>
    public const int WholeBytesMax = ChunkBytes;

    /// <summary>In a record's kind: its elements are added to those that came with the key's records before.</summary>
    public const byte GoesOn = 0x40;

    /// <summary>In a record's kind: a large value.</summary>
    private const byte IsBig = 0x80;

    /// <summary>In the place of a slot: a fence. One without a name is the floor.</summary>
    private const ushort FenceSlot = ushort.MaxValue;

    /// <summary>Says that a key is gone.</summary>
    public static void WriteAbsent(SpanWriter writer, ReadOnlySpan<byte> key, int slot)
    {
        writer.WriteUInt32((uint)(2 + 1 + 1 + 8 + 4 + key.Length));
        writer.WriteUInt16((ushort)slot);
        writer.WriteByte((byte)ValueKind.None);
        writer.WriteByte(0);
        writer.WriteUInt64(ulong.MaxValue);
        writer.WriteBlock(key);
    }

    /// <summary>Says a fence of the source (S22): what was refused there is refused where its slots go.</summary>
    public static void WriteFence(SpanWriter writer, ReadOnlySpan<byte> name, FencingToken token)
    {
        writer.WriteUInt32((uint)(2 + 1 + 1 + 8 + 4 + name.Length));
        writer.WriteUInt16(FenceSlot);
        writer.WriteByte((byte)ValueKind.None);
        writer.WriteByte(0);
        writer.WriteUInt64(token.Value);
        writer.WriteBlock(name);
    }

    /// <summary>The chain over chunks: of the same bytes in the same order.</summary>
    public static ulong Chain(ulong hash, ReadOnlySpan<byte> chunk) => EffectsWriter.Mix(EffectsWriter.Mix(hash ^ Crc32C.Of(chunk)) ^ (ulong)chunk.Length);

    /// <summary>Puts one key, or fence, into the state, whatever is there; false when the bytes are no key of these slots.</summary>
    public static bool TryPut(ref SpanReader reader, ShardState state, SlotRanges slots)
    {
        var keyspace = state.Keyspace;
        var body = new SpanReader(reader.ReadBlock());
        var slot = body.ReadUInt16();
        var kind = body.ReadByte();
        var encoding = (ValueEncoding)body.ReadByte();
        var expiry = (long)body.ReadUInt64();
        var key = body.ReadBlock();
        if (!reader.IsWhole || !body.IsWhole) return false;
        if (slot == FenceSlot)
        {
            if (key.Length == 0) state.ChangeFences().RaiseFloor(new FencingToken((ulong)expiry));
            else state.ChangeFences().Declare(key, new FencingToken((ulong)expiry));
            return true;
        }

        if (!slots.Contains(slot)) return false;
        var goesOn = (kind & GoesOn) != 0;
        kind = (byte)(kind & ~GoesOn);
        if ((ValueKind)(kind & ~IsBig) == ValueKind.Hash) keyspace.NoteFieldDates(slot); // Whether its fields expire is found out by the first walk.
        var place = keyspace.Locate(key, slot);
        if (goesOn) return place.IsBig && place.Kind == (ValueKind)(kind & ~IsBig) && keyspace.OpenBig(place) is { } begun && begun.TryReadMore(ref body);
        if (kind == (byte)ValueKind.None)
        {
            if (place.Exists) keyspace.Remove(ref place);
            return true;
        }

        if ((kind & IsBig) == 0)
        {
            keyspace.Set(ref place, (ValueKind)kind, encoding, body.Rest, expiry);
            return true;
        }

        if (BigValues.Read((ValueKind)(kind & ~IsBig), encoding, ref body, keyspace) is not { } big) return false;
        keyspace.SetBig(ref place, (ValueKind)(kind & ~IsBig), encoding, big, expiry);
        return true;
    }
}
