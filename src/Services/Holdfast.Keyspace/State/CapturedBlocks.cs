using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A value that a snapshot captures a part at a time.</summary>
internal interface ICapture
{
    /// <summary>The value; nobody frees it before <see cref="LetGo"/>.</summary>
    BigValue Value { get; }

    /// <summary>Whether all its parts are one record: nothing else may stand between them.</summary>
    bool IsOneRecord { get; }

    /// <summary>Writes the next part; false when it was the last.</summary>
    bool WriteNext(ByteBuffer target);

    /// <summary>It is written, or given up.</summary>
    void LetGo();
}

/// <summary>A large list or stream on its way into a snapshot, a part at a time: its blocks, and those of what is pending in a stream's groups, are borrowed as they are when the capture begins, and what changes them afterwards changes copies.</summary>
internal sealed unsafe class CapturedBlocks : ICapture
{
    /// <summary>Bytes of a part; a value that has no more is written at once.</summary>
    public const int PartBytes = 32 * 1024;

    private readonly BlockValue value;
    private readonly LentBlock[] blocks;
    private readonly ByteBuffer head = new(256);
    private readonly ILentTail? tail;
    private int next;

    public CapturedBlocks(BlockValue value, byte* record, int slot)
    {
        this.value = value;
        value.Holders++;
        blocks = value.Lend();
        var before = new ByteBuffer(64);
        value.WriteHead(new SpanWriter(before));
        tail = value.LendTail();
        var bytes = before.Length + (tail?.Bytes ?? 0);
        foreach (var block in blocks) bytes += value.BytesOf(block);
        var writer = new SpanWriter(head);
        SnapshotCodec.BeginRecord(writer, record, slot, bytes);
        writer.WriteBytes(before.Written);
    }

    public BigValue Value => value;

    public bool IsOneRecord => true;

    public void LetGo()
    {
        value.EndLoan();
        tail?.End();
        value.Holders--;
    }

    public bool WriteNext(ByteBuffer target)
    {
        var begin = target.Length;
        var writer = new SpanWriter(target);
        if (next == 0) writer.WriteBytes(head.Written);
        for (; next < blocks.Length && target.Length - begin < PartBytes; next++) value.WriteBlock(writer, blocks[next]);
        return next < blocks.Length || tail?.WriteNext(target, begin + PartBytes) == true;
    }
}
