using Google.Protobuf;

namespace Holdfast.Coordination.Mvcc;

/// <summary>One key, or all keys from one up to, not including, another, or all from one on (etcd's range_end of one zero byte).</summary>
internal readonly struct KeyRange
{
    private readonly byte[]? end;

    private KeyRange(byte[] start, byte[]? end, bool isSingle)
    {
        Start = start;
        this.end = end;
        IsSingle = isSingle;
    }

    /// <summary>The first key.</summary>
    public byte[] Start { get; }

    /// <summary>Whether only the first key belongs to it.</summary>
    public bool IsSingle { get; }

    /// <summary>Whether it has no key at all, because its end does not lie behind its start.</summary>
    public bool IsEmpty => !IsSingle && end is not null && end.AsSpan().SequenceCompareTo(Start) <= 0;

    /// <summary>Whether it goes on to the last key.</summary>
    public bool IsEndless => !IsSingle && end is null;

    /// <summary>The range that a request's key and range_end name.</summary>
    public static KeyRange Of(ByteString key, ByteString rangeEnd) => rangeEnd.Length switch
    {
        0 => new(Bytes.Of(key), null, true),
        1 when rangeEnd[0] == 0 => new(Bytes.Of(key), null, false),
        _ => new(Bytes.Of(key), Bytes.Of(rangeEnd), false),
    };

    /// <summary>A single key.</summary>
    public static KeyRange Single(byte[] key) => new(key, null, true);

    /// <summary>Every key.</summary>
    public static KeyRange Everything => new([], null, false);

    /// <summary>Whether a key that is not before <see cref="Start"/> lies before the end.</summary>
    public bool IsBeforeEnd(ReadOnlySpan<byte> key) =>
        IsSingle ? key.SequenceEqual(Start) : end is null || key.SequenceCompareTo(end) < 0;

    /// <summary>Whether the key belongs to the range.</summary>
    public bool Contains(ReadOnlySpan<byte> key) => IsBeforeEnd(key) && key.SequenceCompareTo(Start) >= 0;
}

/// <summary>Between protobuf's immutable strings and our arrays, without copying where both agree never to change the bytes.</summary>
internal static class Bytes
{
    /// <summary>The bytes as an array that nobody changes.</summary>
    public static byte[] Of(ByteString bytes) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(bytes.Memory, out var segment)
        && segment.Array is { } array && segment.Offset == 0 && segment.Count == array.Length
            ? array
            : bytes.ToByteArray();

    /// <summary>An array that nobody changes, as protobuf's string.</summary>
    public static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);
}
