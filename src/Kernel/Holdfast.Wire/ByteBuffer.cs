using System.Buffers;

namespace Holdfast.Wire;

/// <summary>A byte buffer that grows and is reused: after warm-up, writing allocates nothing. For one thread.</summary>
public sealed class ByteBuffer(int initialCapacity = 4096) : IBufferWriter<byte>
{
    private byte[] bytes = GC.AllocateUninitializedArray<byte>(initialCapacity);

    /// <summary>How many bytes have been written.</summary>
    public int Length { get; private set; }

    /// <summary>What has been written; valid until the next write.</summary>
    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, Length);

    /// <summary>What has been written, as memory; valid until the next write that grows the buffer.</summary>
    public ReadOnlyMemory<byte> WrittenMemory => bytes.AsMemory(0, Length);

    /// <summary>Written bytes that may be patched, such as a length known only afterwards.</summary>
    public Span<byte> Patch(int offset, int count) => bytes.AsSpan(0, Length).Slice(offset, count);

    /// <summary>Forgets the content, keeps the memory.</summary>
    public void Clear() => Length = 0;

    /// <summary>Drops everything from <paramref name="length"/> on.</summary>
    public void TruncateTo(int length) => Length = Math.Min(length, Length);

    /// <summary>Gives the memory of an empty buffer back when it holds more than that.</summary>
    public void Trim(int capacityMax)
    {
        if (Length == 0 && bytes.Length > capacityMax) bytes = GC.AllocateUninitializedArray<byte>(Math.Min(initialCapacity, capacityMax));
    }

    /// <summary>How much it holds before it grows.</summary>
    public int Capacity => bytes.Length;

    /// <summary>Drops the first bytes; the others move to the front.</summary>
    public void DropFirst(int count)
    {
        bytes.AsSpan(count, Length - count).CopyTo(bytes);
        Length -= count;
    }

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(sizeHint);
        return bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(sizeHint);
        return bytes.AsSpan(Length);
    }

    private void Ensure(int sizeHint)
    {
        var needed = Length + Math.Max(sizeHint, 1);
        if (needed <= bytes.Length) return;
        Array.Resize(ref bytes, Math.Max(needed, checked(bytes.Length * 2)));
    }
}
