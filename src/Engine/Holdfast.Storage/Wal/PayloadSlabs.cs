namespace Holdfast.Storage;

/// <summary>Copies of payloads, many to an array: a log of a hundred thousand small entries is read at start into a thousand objects, not into a hundred thousand.</summary>
internal sealed class PayloadSlabs
{
    private const int SlabBytes = 64 * 1024;

    private byte[] slab = [];
    private int used;

    public ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > SlabBytes / 4) return payload.ToArray();
        if (used + payload.Length > slab.Length) (slab, used) = (GC.AllocateUninitializedArray<byte>(SlabBytes), 0);
        var copy = slab.AsMemory(used, payload.Length);
        payload.CopyTo(copy.Span);
        used += payload.Length;
        return copy;
    }
}
