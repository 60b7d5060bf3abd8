namespace Holdfast.Wire.Resp;

/// <summary>The arguments of one request, as places in a buffer that somebody else owns. Reused: after warm-up nothing is allocated.</summary>
public sealed class RespArguments
{
    private byte[] source = [];
    private int[] starts = new int[16];
    private int[] lengths = new int[16];

    /// <summary>How many there are; the command's name is the first.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of all arguments together.</summary>
    public long Bytes { get; private set; }

    /// <summary>An argument; valid as long as the buffer is.</summary>
    public ReadOnlySpan<byte> this[int index] => index < Count ? source.AsSpan(starts[index], lengths[index]) : throw new ArgumentOutOfRangeException(nameof(index));

    /// <summary>The buffer that the places are in.</summary>
    public byte[] Source => source;

    /// <summary>Begins anew over a buffer.</summary>
    public void Begin(byte[] buffer)
    {
        source = buffer;
        Count = 0;
        Bytes = 0;
    }

    /// <summary>Adds the next argument.</summary>
    public void Add(int start, int length)
    {
        if (Count == starts.Length)
        {
            Array.Resize(ref starts, Count * 2);
            Array.Resize(ref lengths, Count * 2);
        }

        starts[Count] = start;
        lengths[Count++] = length;
        Bytes += length;
    }

    /// <summary>The same places in another buffer, where the bytes lie by so much later.</summary>
    public void MoveTo(byte[] buffer, int offset)
    {
        source = buffer;
        for (var i = 0; i < Count; i++) starts[i] += offset;
    }

    /// <summary>Takes another's arguments, bytes included: they outlive the buffer that the other points into.</summary>
    public void CopyFrom(RespArguments other)
    {
        Begin(new byte[other.Bytes]);
        var at = 0;
        for (var i = 0; i < other.Count; i++)
        {
            other[i].CopyTo(source.AsSpan(at));
            Add(at, other[i].Length);
            at += other[i].Length;
        }
    }
}
