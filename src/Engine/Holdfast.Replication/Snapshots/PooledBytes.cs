using System.Buffers;

namespace Holdfast.Replication;

/// <summary>
/// A chunk on its way between the loop and the snapshot worker, in memory that is used again: chunks lie on the large-object heap, and a gigabyte of fresh ones
/// would make the collector stop every loop of the process. Given back exactly once, by whoever holds it last; one that is forgotten costs only the reuse.
/// </summary>
internal readonly struct PooledBytes
{
    private readonly byte[] array;

    private PooledBytes(byte[] array, int length) => (this.array, Length) = (array, length);

    public int Length { get; }

    public Span<byte> Span => array.AsSpan(0, Length);

    public static PooledBytes Rent(int length) => new(ArrayPool<byte>.Shared.Rent(length), length);

    public static PooledBytes Copy(ReadOnlySpan<byte> bytes)
    {
        var copy = Rent(bytes.Length);
        bytes.CopyTo(copy.Span);
        return copy;
    }

    public void Return() => ArrayPool<byte>.Shared.Return(array);
}
