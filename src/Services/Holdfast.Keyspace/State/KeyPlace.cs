namespace Holdfast.Keyspace;

/// <summary>
/// A key that was looked up: where it is, or would be. What a handler reads is read from here, and every change of the key goes through the <see cref="Keyspace"/> with it, which keeps it true.
/// Valid until any other key is changed.
/// </summary>
internal unsafe ref struct KeyPlace(ReadOnlySpan<byte> key, uint hash, int slot, byte* record)
{
    /// <summary>The key.</summary>
    public ReadOnlySpan<byte> Key { get; } = key;

    public uint Hash { get; } = hash;

    public int Slot { get; } = slot;

    /// <summary>The record, or null.</summary>
    public byte* Record { get; set; } = record;

    /// <summary>The same key, as if it were not there.</summary>
    public readonly KeyPlace AsAbsent() => new(Key, Hash, Slot, null);

    /// <summary>Whether the key is there.</summary>
    public readonly bool Exists => Record is not null;

    /// <summary>What it holds; none when it is not there.</summary>
    public readonly ValueKind Kind => Record is null ? ValueKind.None : KeyRecord.Kind(Record);

    public readonly ValueEncoding Encoding => Record is null ? ValueEncoding.Raw : KeyRecord.Encoding(Record);

    /// <summary>The value's bytes: a string, or a small collection. Empty when it is not there, or big.</summary>
    public readonly ReadOnlySpan<byte> Bytes => Record is null ? default : KeyRecord.Bytes(Record);

    /// <summary>Whether the value is an object of its own (<c>Keyspace.BigOf</c>).</summary>
    public readonly bool IsBig => Record is not null && KeyRecord.Has(Record, KeyRecord.IsBig);

    /// <summary>When it expires, ms since the Unix epoch; -1 for never or not there.</summary>
    public readonly long Expiry => Record is null ? -1 : KeyRecord.Expiry(Record);

    /// <summary>Whether it is there and holds something else.</summary>
    public readonly bool IsOtherThan(ValueKind kind) => Record is not null && KeyRecord.Kind(Record) != kind;
}
