namespace Holdfast.Keyspace;

/// <summary>
/// Runs of bytes in a row, taken out oldest first or newest first: memory that is used round and round, so that what is kept for a moment costs no block of its own, and what is given up is not looked at again. A run lies in one
/// piece; where the memory's end is too near, the rest of it is left empty and counts to the run.
/// </summary>
internal sealed class ByteRing
{
    /// <summary>Bytes that it holds at most.</summary>
    public const int BytesMax = 8 * 1024 * 1024;

    private const int BytesAtFirst = 16 * 1024;
    private const int KeptBytesMax = 1024 * 1024;

    private byte[] bytes = [];
    private long head;
    private long tail;

    /// <summary>Bytes in it, empty rests included.</summary>
    public int Length => (int)(tail - head);

    /// <summary>Adds a run, to be filled in at once; false when there is no room for it.</summary>
    /// <param name="length">Its bytes, far fewer than <see cref="BytesMax"/>.</param>
    /// <param name="run">The run.</param>
    /// <param name="taken">What it takes, to be said when it is given up.</param>
    public bool TryAdd(int length, out Span<byte> run, out int taken)
    {
        taken = Needed(length);
        while (Length + taken > bytes.Length)
        {
            if (bytes.Length >= BytesMax)
            {
                run = default;
                return false;
            }

            Grow();
            taken = Needed(length);
        }

        tail += taken;
        run = Last(length);
        return true;
    }

    /// <summary>The newest run.</summary>
    public Span<byte> Last(int length) => bytes.AsSpan((int)((tail - length) & (bytes.Length - 1)), length);

    /// <summary>Gives the oldest run up.</summary>
    public void RemoveFirst(int taken)
    {
        head += taken;
        if (head == tail && bytes.Length > KeptBytesMax) bytes = [];
    }

    /// <summary>Gives the newest run up.</summary>
    public void RemoveLast(int taken) => tail -= taken;

    /// <summary>Gives all up.</summary>
    public void Clear() => head = tail;

    private int Needed(int length)
    {
        if (bytes.Length == 0) return length;
        var toEnd = bytes.Length - (int)(tail & (bytes.Length - 1));
        return length <= toEnd ? length : toEnd + length;
    }

    /// <summary>Twice the memory: every piece keeps its number, and so lies in one piece again.</summary>
    private void Grow()
    {
        var larger = GC.AllocateUninitializedArray<byte>(Math.Max(BytesAtFirst, bytes.Length * 2));
        for (var at = head; at < tail;)
        {
            var from = (int)(at & (bytes.Length - 1));
            var count = (int)Math.Min(bytes.Length - from, tail - at);
            bytes.AsSpan(from, count).CopyTo(larger.AsSpan((int)(at & (larger.Length - 1))));
            at += count;
        }

        bytes = larger;
    }
}
