using System.Runtime.InteropServices;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Tests.Kernels;

/// <summary>A row on a cache line, padded with zeros.</summary>
internal sealed unsafe class Rows : IDisposable
{
    private Rows(ReadOnlySpan<byte> content)
    {
        Bytes = RowMemory.Padded(content.Length);
        First = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, RowMemory.LineBytes);
        new Span<byte>(First, Bytes).Clear();
        content.CopyTo(new Span<byte>(First, Bytes));
    }

    public byte* First { get; }

    public int Bytes { get; }

    public static Rows Single(float[] values) => new(MemoryMarshal.AsBytes<float>(values));

    public static Rows Half(float[] values) => new(MemoryMarshal.AsBytes<Half>(values.Select(each => (Half)each).ToArray()));

    public static Rows Of(byte[] values) => new(values);

    public void Dispose() => NativeMemory.AlignedFree(First);
}
