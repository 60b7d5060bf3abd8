using System.Globalization;
using System.Buffers.Binary;

namespace Holdfast.Storage;

/// <summary>A file's name: the SHA-256 of its content. Whoever has a file under a name has the very bytes, from whichever replica they came.</summary>
public readonly record struct FileHash
{
    /// <summary>Bytes of a hash.</summary>
    public const int Size = 32;

    private readonly UInt128 high;
    private readonly UInt128 low;

    /// <summary>Takes over a SHA-256.</summary>
    /// <param name="sha256">The 32 bytes.</param>
    public FileHash(ReadOnlySpan<byte> sha256)
    {
        high = BinaryPrimitives.ReadUInt128BigEndian(sha256);
        low = BinaryPrimitives.ReadUInt128BigEndian(sha256[16..]);
    }

    /// <summary>Writes the 32 bytes.</summary>
    public void CopyTo(Span<byte> target)
    {
        BinaryPrimitives.WriteUInt128BigEndian(target, high);
        BinaryPrimitives.WriteUInt128BigEndian(target[16..], low);
    }

    /// <summary>The hash as 64 hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{high:x32}{low:x32}");

    internal static bool TryParse(string name, out FileHash hash)
    {
        hash = default;
        if (name.Length != 2 * Size) return false;
        Span<byte> bytes = stackalloc byte[Size];
        if (Convert.FromHexString(name, bytes, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        hash = new FileHash(bytes);
        return true;
    }
}
