using Holdfast.Keyspace.Rdb;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>An RDB file in memory that grows over several entries, in pieces, so that none is copied again while it grows.</summary>
internal sealed class GatheredFile
{
    private const int PieceBytes = 256 * 1024;

    private readonly List<ByteBuffer> pieces = [];

    /// <summary>A file with its head, and the node's libraries.</summary>
    public GatheredFile(KeyspaceNode node, int version)
    {
        Writer = new RdbFileWriter(Take, version, node.WallMicros / 1_000_000);
        Writer.AddLibraries(FunctionDumpCommands.PayloadOf(node));
    }

    public RdbFileWriter Writer { get; }

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    /// <summary>Its pieces in order.</summary>
    public IReadOnlyList<ByteBuffer> Pieces => pieces;

    private void Take(ReadOnlySpan<byte> bytes)
    {
        if (pieces.Count == 0 || pieces[^1].Length + bytes.Length > PieceBytes) pieces.Add(new ByteBuffer(PieceBytes));
        new SpanWriter(pieces[^1]).WriteBytes(bytes);
        Length += bytes.Length;
    }
}
