using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large value as pieces. The first has the form of a value (<see cref="BigValues.Read"/>), those behind it add to it (<see cref="BigValue.TryReadMore"/>). They are of one state: worth nothing once the value changes.</summary>
internal interface IValuePieces
{
    /// <summary>Writes the next piece, of about so many bytes; false when it was the last.</summary>
    bool WriteNext(ByteBuffer target, int bytesMax);
}

/// <summary>
/// A large value on its way to another shard, a piece at a time. It is one state of the value: when the key changes before the last piece, what was sent is worth nothing, and the key is sent again.
/// </summary>
internal sealed unsafe class PiecewiseCopy
{
    private readonly IValuePieces pieces;
    private readonly int slot;
    private readonly byte kind;
    private readonly byte encoding;
    private readonly long expiry;
    private bool hasBegun;

    public PiecewiseCopy(byte* record, BigValue value, int slot)
    {
        (pieces, this.slot) = (value.ToPieces(), slot);
        (Key, kind, encoding, expiry) = (RecordHead.KeyOf(record).ToArray(), (byte)KeyRecord.Kind(record), (byte)KeyRecord.Encoding(record), KeyRecord.Expiry(record));
    }

    public byte[] Key { get; }

    /// <summary>The value to be copied so; null for one that is sent whole.</summary>
    public static BigValue? Of(Keyspace keyspace, byte* record) =>
        KeyRecord.Has(record, KeyRecord.IsBig) && keyspace.BigOf(record) is { Bytes: > StageCodec.WholeBytesMax } value ? value : null;

    /// <summary>Writes the next piece; false when it was the last.</summary>
    public bool WriteNext(ByteBuffer target)
    {
        var begin = target.Length;
        SnapshotCodec.WritePartHead(new SpanWriter(target), slot, hasBegun ? (byte)(kind | StageCodec.GoesOn) : kind, encoding, expiry, Key);
        hasBegun = true;
        var goesOn = pieces.WriteNext(target, StageCodec.PieceBytes);
        SnapshotCodec.EndPart(target, begin);
        return goesOn;
    }
}
