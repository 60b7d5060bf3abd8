using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>A small set of whole numbers: how many bytes each takes (2, 4 or 8; one byte), then the numbers in order. It widens when a number needs it and does not narrow again, as Redis's does not.</summary>
internal static class IntSetRun
{
    public static ReadOnlySpan<byte> Empty => [2];

    public static int CountOf(ReadOnlySpan<byte> run) => (run.Length - 1) / run[0];

    public static long At(ReadOnlySpan<byte> run, int index) => Read(run, run[0], index);

    /// <summary>Looks a number up; otherwise the index is where it belongs.</summary>
    public static bool TryFind(ReadOnlySpan<byte> run, long number, out int index)
    {
        var (low, high) = (0, CountOf(run) - 1);
        while (low <= high)
        {
            index = (low + high) >> 1;
            var at = At(run, index);
            if (at == number) return true;
            if (at < number) low = index + 1;
            else high = index - 1;
        }

        index = low;
        return false;
    }

    /// <summary>Adds a number; false when it is there.</summary>
    public static bool Add(RunEditor run, long number)
    {
        if (TryFind(run.Bytes, number, out var index)) return false;
        var width = WidthOf(number);
        if (width > run.Bytes[0]) Widen(run, width);
        width = run.Bytes[0];
        Write(run.Splice(1 + (index * width), 0, width), width, 0, number);
        return true;
    }

    /// <summary>Removes a number; false when it is not there.</summary>
    public static bool Remove(RunEditor run, long number)
    {
        if (!TryFind(run.Bytes, number, out var index)) return false;
        var width = run.Bytes[0];
        run.Splice(1 + (index * width), width, 0);
        return true;
    }

    private static int WidthOf(long number) => number is >= short.MinValue and <= short.MaxValue ? 2 : number is >= int.MinValue and <= int.MaxValue ? 4 : 8;

    private static void Widen(RunEditor run, int width)
    {
        var count = CountOf(run.Bytes);
        var old = run.Bytes[0];
        run.Splice(run.Length, 0, count * (width - old));
        for (var i = count - 1; i >= 0; i--) Write(run.Bytes[1..], width, i, Read(run.Bytes, old, i));
        run.Bytes[0] = (byte)width;
    }

    private static long Read(ReadOnlySpan<byte> run, int width, int index)
    {
        var at = run[(1 + (index * width))..];
        return width == 2 ? BinaryPrimitives.ReadInt16LittleEndian(at) : width == 4 ? BinaryPrimitives.ReadInt32LittleEndian(at) : BinaryPrimitives.ReadInt64LittleEndian(at);
    }

    private static void Write(Span<byte> target, int width, int index, long number)
    {
        target = target[(index * width)..];
        if (width == 2) BinaryPrimitives.WriteInt16LittleEndian(target, (short)number);
        else if (width == 4) BinaryPrimitives.WriteInt32LittleEndian(target, (int)number);
        else BinaryPrimitives.WriteInt64LittleEndian(target, number);
    }
}
