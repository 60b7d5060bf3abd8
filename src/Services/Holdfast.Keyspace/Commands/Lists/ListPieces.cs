using System.Buffers.Binary;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A list as pieces: how many blocks, and the blocks.</summary>
internal sealed class ListPieces(QuickList list) : IValuePieces
{
    private int next;

    public bool WriteNext(ByteBuffer target, int bytesMax)
    {
        var (begin, first) = (target.Length, next);
        var writer = new SpanWriter(target);
        writer.WriteUInt32(0);
        for (; next < list.Blocks && target.Length - begin < bytesMax; next++) writer.WriteBlock(list.BytesOf(next));
        BinaryPrimitives.WriteUInt32LittleEndian(target.Patch(begin, 4), (uint)(next - first));
        return next < list.Blocks;
    }
}
