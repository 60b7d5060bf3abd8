namespace Holdfast.Keyspace;

/// <summary>
/// Registers as runs: 00xxxxxx is 1 to 64 zeros, 01xxxxxx yyyyyyyy is 1 to 16384 zeros, 1vvvvvll is 1 to 4 registers of the value 1 to 32. A change splits the run that it falls in and joins its neighbours as far as Redis joins
/// them, so that the bytes are the same.
/// </summary>
internal static class SparseRegisters
{
    /// <summary>The largest value that a run can say; beyond it registers become dense.</summary>
    public const int ValueMax = 32;

    private const int ShortZerosMax = 64;
    private const int RunMax = 4;
    private const int JoinsMax = 5;

    public static bool IsLongZeros(byte code) => (code & 0xC0) == 0x40;

    public static bool IsValue(byte code) => (code & 0x80) != 0;

    public static int ValueOf(byte code) => ((code >> 2) & 31) + 1;

    /// <summary>How many registers a code stands for.</summary>
    public static int LengthOf(ReadOnlySpan<byte> code) =>
        IsValue(code[0]) ? (code[0] & 3) + 1 : IsLongZeros(code[0]) ? (code.Length > 1 ? (((code[0] & 63) << 8) | code[1]) + 1 : int.MaxValue) : (code[0] & 63) + 1;

    /// <summary>Writes a run of zeros in its shortest form; returns its bytes.</summary>
    public static int WriteZeros(Span<byte> target, int length)
    {
        if (length <= ShortZerosMax)
        {
            target[0] = (byte)(length - 1);
            return 1;
        }

        target[0] = (byte)(((length - 1) >> 8) | 0x40);
        target[1] = (byte)(length - 1);
        return 2;
    }

    public static byte ValueCode(int value, int length) => (byte)(((value - 1) << 2) | (length - 1) | 0x80);

    /// <summary>Raises registers to those of the runs; false when the runs are damaged.</summary>
    public static bool TryMerge(ReadOnlySpan<byte> runs, Span<byte> registers)
    {
        var register = 0;
        while (runs.Length > 0)
        {
            var length = LengthOf(runs);
            if (length > registers.Length - register) return false;
            if (IsValue(runs[0]))
                foreach (ref var each in registers.Slice(register, length)) each = Math.Max(each, (byte)ValueOf(runs[0]));
            register += length;
            runs = runs[(IsLongZeros(runs[0]) ? 2 : 1)..];
        }

        return register == registers.Length;
    }

    /// <summary>Raises a register within runs that end at <paramref name="end"/>, which moves; null when it was that high already; false when the runs are damaged or would become longer than allowed.</summary>
    public static bool? TrySet(Span<byte> runs, ref int end, int index, byte value, int bytesMax)
    {
        var (at, first, previous) = (0, 0, -1);
        while (at < end && index > first + LengthOf(runs[at..end]) - 1)
        {
            previous = at;
            first += LengthOf(runs[at..end]);
            at += IsLongZeros(runs[at]) ? 2 : 1;
        }

        if (at >= end) return false;
        var length = LengthOf(runs[at..end]);
        if (IsValue(runs[at]) && ValueOf(runs[at]) >= value) return null;
        if (length == 1) runs[at] = ValueCode(value, 1);
        else if (!TrySplit(runs, ref end, at, length, index - first, value, bytesMax)) return false;
        Join(runs, ref end, Math.Max(previous, 0));
        return true;
    }

    private static bool TrySplit(Span<byte> runs, ref int end, int at, int length, int place, byte value, int bytesMax)
    {
        Span<byte> parts = stackalloc byte[5];
        var count = 0;
        var code = runs[at];
        var (before, after) = (place, length - 1 - place);
        if (before > 0) count += WriteRun(parts, code, before);
        parts[count++] = ValueCode(value, 1);
        if (after > 0) count += WriteRun(parts[count..], code, after);
        var old = IsLongZeros(code) ? 2 : 1;
        if (count > old && end + count - old > bytesMax) return false;
        runs[(at + old)..end].CopyTo(runs[(at + count)..]);
        parts[..count].CopyTo(runs[at..]);
        end += count - old;
        return true;
    }

    private static int WriteRun(Span<byte> target, byte code, int length)
    {
        if (!IsValue(code)) return WriteZeros(target, length);
        target[0] = ValueCode(ValueOf(code), length);
        return 1;
    }

    private static void Join(Span<byte> runs, ref int end, int at)
    {
        for (var left = JoinsMax; left > 0 && at < end; left--)
        {
            if (!IsValue(runs[at]))
            {
                at += IsLongZeros(runs[at]) ? 2 : 1;
                continue;
            }

            if (at + 1 < end && IsValue(runs[at + 1]) && ValueOf(runs[at]) == ValueOf(runs[at + 1]))
            {
                var length = LengthOf(runs[at..]) + LengthOf(runs[(at + 1)..]);
                if (length <= RunMax)
                {
                    runs[at + 1] = ValueCode(ValueOf(runs[at]), length);
                    runs[(at + 1)..end].CopyTo(runs[at..]);
                    end--;
                    continue;
                }
            }

            at++;
        }
    }
}
