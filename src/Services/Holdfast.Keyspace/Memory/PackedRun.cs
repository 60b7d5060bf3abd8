using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>
/// Byte strings one after the other in a run, each with its length before it: one byte below 128, else four. What small collections are made of; each kind says what stands in its head and between entries.
/// </summary>
internal static class PackedRun
{
    /// <summary>Bytes of a head that is nothing but a count.</summary>
    public const int HeadBytes = 4;

    /// <summary>Bytes that a string of this length takes.</summary>
    public static int SizeOf(int length) => length < 0x80 ? length + 1 : length + 4;

    /// <summary>Writes a string at the beginning of the target, and returns how many bytes it took.</summary>
    public static int Put(Span<byte> target, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 0x80)
        {
            target[0] = (byte)bytes.Length;
            bytes.CopyTo(target[1..]);
            return bytes.Length + 1;
        }

        BinaryPrimitives.WriteUInt32BigEndian(target, (uint)bytes.Length | 0x8000_0000);
        bytes.CopyTo(target[4..]);
        return bytes.Length + 4;
    }

    /// <summary>The string at a place, which moves behind it.</summary>
    public static ReadOnlySpan<byte> Next(ReadOnlySpan<byte> run, scoped ref int at)
    {
        var length = (int)run[at];
        if (length < 0x80)
        {
            at += length + 1;
            return run.Slice(at - length, length);
        }

        length = (int)(BinaryPrimitives.ReadUInt32BigEndian(run[at..]) & 0x7FFF_FFFF);
        at += length + 4;
        return run.Slice(at - length, length);
    }
}

/// <summary>Where a run is changed before it is set as a whole: reused by all commands of a call, so changing allocates nothing once it is large enough.</summary>
internal sealed class RunEditor
{
    private const int KeptBytes = 1 << 20;

    private byte[] bytes = new byte[1024];

    /// <summary>Bytes in it.</summary>
    public int Length { get; private set; }

    /// <summary>The run as it stands.</summary>
    public Span<byte> Bytes => bytes.AsSpan(0, Length);

    /// <summary>Begins with a copy of a run.</summary>
    public void Load(ReadOnlySpan<byte> run)
    {
        if (bytes.Length > KeptBytes && run.Length < KeptBytes / 2) bytes = new byte[1024];
        Length = 0;
        run.CopyTo(Splice(0, 0, run.Length));
    }

    /// <summary>Begins with so many zeros.</summary>
    public void Begin(int length)
    {
        Length = 0;
        Splice(0, 0, length).Clear();
    }

    /// <summary>Takes bytes out at a place and makes room for others, which the caller writes.</summary>
    public Span<byte> Splice(int at, int removed, int added)
    {
        var length = Length - removed + added;
        if (length > bytes.Length) Array.Resize(ref bytes, Math.Max(length, bytes.Length * 2));
        if (removed != added) bytes.AsSpan(at + removed, Length - at - removed).CopyTo(bytes.AsSpan(at + added));
        Length = length;
        return bytes.AsSpan(at, added);
    }

    /// <summary>Adds a string at the end.</summary>
    public void Append(ReadOnlySpan<byte> text) => PackedRun.Put(Splice(Length, 0, PackedRun.SizeOf(text.Length)), text);
}
