using System.Buffers;
using System.Runtime.InteropServices;
using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// A block that payloads are copied into, one behind the other, outside the managed heap: a log of 64 MiB that is compacted again and again was garbage until the next full collection, for which an idle
/// process has no cause, and stood in its memory twice or three times (<c>bench/peers/keyspacesize.sh</c>). Freed soon, and out of bounds at once: whoever still looks at it then is told so, and never reads what is not his.
/// </summary>
internal sealed unsafe class PayloadBlock(int capacity) : MemoryManager<byte>
{
    private byte* bytes = (byte*)NativeMemory.Alloc((nuint)capacity);
    private int used;
    private bool isForgotten;
    private bool isRetired;

    /// <summary>
    /// Frees the block of a log that was let go as a whole, one collection later than nobody holds it: a span does not keep its block alive, and whoever was copying out of one then has long finished.
    /// </summary>
#pragma warning disable CA2015 // What it warns of is why the block outlives one collection.
    ~PayloadBlock()
    {
        if (isForgotten)
        {
            Dispose(disposing: false);
            return;
        }

        isForgotten = true;
        GC.ReRegisterForFinalize(this);
    }
#pragma warning restore CA2015

    /// <summary>Bytes that it has room for.</summary>
    public int Capacity => capacity;

    /// <summary>The last entry whose payload is in it.</summary>
    public LogIndex LastIndex { get; set; }

    /// <summary>Whether so many bytes fit behind what is there.</summary>
    public bool HasRoom(int length) => used + length <= capacity;

    /// <summary>Copies an entry's payload to the end.</summary>
    public ReadOnlyMemory<byte> Copy(LogIndex index, ReadOnlySpan<byte> payload)
    {
        var copy = CreateMemory(used, payload.Length);
        payload.CopyTo(copy.Span);
        used += payload.Length;
        LastIndex = index;
        return copy;
    }

    /// <summary>Nothing in it is looked at any more: it is filled anew from its beginning.</summary>
    public void Clear() => used = 0;

    /// <summary>Nobody may look at it any more; its memory goes later.</summary>
    public void Retire() => isRetired = true;

    /// <summary>Gives the memory back.</summary>
    public void Free() => ((IDisposable)this).Dispose();

    public override Span<byte> GetSpan()
    {
        Invariant.Holds(bytes is not null && !isRetired, "a payload was read that the log had forgotten");
        return new Span<byte>(bytes, capacity);
    }

    public override MemoryHandle Pin(int elementIndex = 0) => new(bytes + elementIndex);

    public override void Unpin()
    {
        // It never moves.
    }

    protected override void Dispose(bool disposing)
    {
        NativeMemory.Free(bytes);
        bytes = null;
        if (disposing) GC.SuppressFinalize(this);
    }
}
