using System.Runtime.CompilerServices;

namespace Holdfast.Storage;

/// <summary>A growing buffer whose beginning lies on a 4 KiB boundary and does not move: what O_DIRECT asks for.</summary>
internal sealed class AlignedBuffer
{
    private const int Alignment = 4096;

    private byte[] bytes = [];
    private int skip;

    /// <summary>The first <paramref name="length"/> bytes; their content is whatever was there before, or nothing defined after growing.</summary>
    public unsafe Span<byte> Take(int length)
    {
        if (bytes.Length - skip < length)
        {
            bytes = GC.AllocateUninitializedArray<byte>(Math.Max(length + Alignment, bytes.Length * 2), pinned: true);
            var address = (nuint)Unsafe.AsPointer(ref bytes[0]);
            skip = (int)((Alignment - (address % Alignment)) % Alignment);
        }

        return bytes.AsSpan(skip, length);
    }
}
