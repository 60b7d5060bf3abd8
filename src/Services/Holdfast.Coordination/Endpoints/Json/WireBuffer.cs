namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>Protobuf bytes under construction. Lengths of nested messages are put in when they are known.</summary>
internal sealed class WireBuffer
{
    public const uint Varint = 0;
    public const uint LengthDelimited = 2;

    private byte[] bytes = new byte[256];
    private int length;

    /// <summary>What has been written.</summary>
    public ReadOnlySpan<byte> Written => bytes.AsSpan(0, length);

    public void WriteTag(int number, uint wireType) => WriteVarint(((ulong)number << 3) | wireType);

    public void WriteVarint(ulong value)
    {
        Ensure(10);
        length += EncodeVarint(bytes.AsSpan(length), value);
    }

    public void WriteLengthPrefixed(ReadOnlySpan<byte> content)
    {
        WriteVarint((ulong)content.Length);
        Ensure(content.Length);
        content.CopyTo(bytes.AsSpan(length));
        length += content.Length;
    }

    /// <summary>Begins a nested message; pass the result to <see cref="EndLengthPrefixed"/>.</summary>
    public int BeginLengthPrefixed() => length;

    /// <summary>Ends a nested message: its content moves up to make room for its length. (Requests nest a few levels at most.)</summary>
    public void EndLengthPrefixed(int start)
    {
        Span<byte> prefix = stackalloc byte[10];
        var prefixLength = EncodeVarint(prefix, (ulong)(length - start));
        Ensure(prefixLength);
        Buffer.BlockCopy(bytes, start, bytes, start + prefixLength, length - start);
        prefix[..prefixLength].CopyTo(bytes.AsSpan(start));
        length += prefixLength;
    }

    private static int EncodeVarint(Span<byte> target, ulong value)
    {
        var count = 0;
        for (; value >= 0x80; value >>= 7) target[count++] = (byte)(value | 0x80);
        target[count++] = (byte)value;
        return count;
    }

    private void Ensure(int more)
    {
        if (length + more > bytes.Length) Array.Resize(ref bytes, Math.Max(length + more, checked(bytes.Length * 2)));
    }
}
