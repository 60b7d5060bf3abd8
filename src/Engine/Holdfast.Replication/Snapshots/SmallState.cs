using System.Buffers;

namespace Holdfast.Replication;

/// <summary>A snapshot view of a state so small that it is copied whole when it is captured, say below a megabyte: a larger one would hold its loop (S10 asks for O(1)).</summary>
/// <param name="bytes">The state as bytes; owned by the view from here on.</param>
public sealed class CopiedSnapshot(ReadOnlyMemory<byte> bytes) : ISnapshotView
{
    private const int ChunkBytes = 256 * 1024;

    private ReadOnlyMemory<byte> rest = bytes;

    /// <inheritdoc/>
    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        var part = rest[..Math.Min(ChunkBytes, rest.Length)];
        rest = rest[part.Length..];
        chunk.Write(part.Span);
        return rest.Length > 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}

/// <summary>Collects the bytes that a <see cref="CopiedSnapshot"/> was made of, and hands them over at the end.</summary>
/// <param name="complete">Makes them the live state.</param>
public sealed class CopiedRestore(Action<ReadOnlySpan<byte>> complete) : ISnapshotBuilder
{
    private readonly ArrayBufferWriter<byte> bytes = new();

    /// <inheritdoc/>
    public void ReadNext(ReadOnlySpan<byte> chunk) => bytes.Write(chunk);

    /// <inheritdoc/>
    public void Complete() => complete(bytes.WrittenSpan);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
