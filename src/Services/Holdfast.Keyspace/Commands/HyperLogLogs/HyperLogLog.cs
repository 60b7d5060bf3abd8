using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>
/// A HyperLogLog in Redis's own bytes, so that GET, DUMP and clients that look inside see the same: a head of 16 bytes (HYLL, encoding, cached cardinality) and 16384 registers of six bits, dense or as
/// runs (<see cref="SparseRegisters"/>). (Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog"; estimate by Ertl: "New cardinality estimation algorithms for HyperLogLog sketches".)
/// </summary>
internal static class HyperLogLog
{
    public const int Registers = 16384;
    public const int HeadBytes = 16;
    public const int DenseBytes = HeadBytes + (Registers * RegisterBits / 8);
    public const byte Dense = 0;
    public const byte Sparse = 1;

    private const int RegisterBits = 6;
    private const int IndexBits = 14;
    private const int HashBits = 64 - IndexBits;
    private const ulong Seed = 0xADC83B19;

    /// <summary>An empty one.</summary>
    public static byte[] Empty()
    {
        var bytes = new byte[HeadBytes + 2];
        "HYLL"u8.CopyTo(bytes);
        bytes[4] = Sparse;
        SparseRegisters.WriteZeros(bytes.AsSpan(HeadBytes), Registers);
        return bytes;
    }

    /// <summary>Whether a string is one, as far as its head and length say.</summary>
    public static bool Is(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= HeadBytes && bytes[..4].SequenceEqual("HYLL"u8) && bytes[4] <= Sparse && (bytes[4] == Sparse || bytes.Length == DenseBytes);

    /// <summary>The cached cardinality; false when it has to be counted.</summary>
    public static bool TryCached(ReadOnlySpan<byte> bytes, out long count)
    {
        count = BinaryPrimitives.ReadInt64LittleEndian(bytes[8..]);
        return count >= 0;
    }

    public static void Cache(Span<byte> bytes, long count) => BinaryPrimitives.WriteInt64LittleEndian(bytes[8..], count);

    public static void ForgetCached(Span<byte> bytes) => bytes[15] |= 0x80;

    /// <summary>The register of an element, and the length of its pattern.</summary>
    public static (int Index, byte Length) PatternOf(ReadOnlySpan<byte> element)
    {
        var hash = Murmur(element);
        var index = (int)(hash & (Registers - 1));
        hash = (hash >> IndexBits) | (1UL << HashBits);
        return (index, (byte)(System.Numerics.BitOperations.TrailingZeroCount(hash) + 1));
    }

    public static byte GetDense(ReadOnlySpan<byte> registers, int index)
    {
        var bit = index * RegisterBits;
        var (at, shift) = (bit >> 3, bit & 7);
        var next = at + 1 < registers.Length ? registers[at + 1] : 0;
        return (byte)(((registers[at] >> shift) | (next << (8 - shift))) & 63);
    }

    /// <summary>Raises a register; false when it was that high already.</summary>
    public static bool SetDense(Span<byte> registers, int index, byte length)
    {
        if (GetDense(registers, index) >= length) return false;
        var bit = index * RegisterBits;
        var (at, shift) = (bit >> 3, bit & 7);
        registers[at] = (byte)((registers[at] & ~(63 << shift)) | (length << shift));
        if (at + 1 < registers.Length) registers[at + 1] = (byte)((registers[at + 1] & ~(63 >> (8 - shift))) | (length >> (8 - shift)));
        return true;
    }

    /// <summary>Raises registers to those of a string; false when the string is damaged.</summary>
    public static bool TryMerge(ReadOnlySpan<byte> bytes, Span<byte> registers)
    {
        if (bytes[4] == Sparse) return SparseRegisters.TryMerge(bytes[HeadBytes..], registers);
        for (var i = 0; i < Registers; i++) registers[i] = Math.Max(registers[i], GetDense(bytes[HeadBytes..], i));
        return true;
    }

    /// <summary>The same registers, dense; null when the string is damaged.</summary>
    public static byte[]? ToDense(ReadOnlySpan<byte> bytes)
    {
        var registers = new byte[Registers];
        if (!TryMerge(bytes, registers)) return null;
        var dense = new byte[DenseBytes];
        bytes[..HeadBytes].CopyTo(dense);
        dense[4] = Dense;
        for (var i = 0; i < Registers; i++)
            if (registers[i] > 0) SetDense(dense.AsSpan(HeadBytes), i, registers[i]);
        return dense;
    }

    /// <summary>About how many different elements were added.</summary>
    public static long Estimate(ReadOnlySpan<byte> registers)
    {
        Span<int> histogram = stackalloc int[64];
        histogram.Clear();
        foreach (var register in registers) histogram[register]++;
        const double Count = Registers;
        var z = Count * Tau((Count - histogram[HashBits + 1]) / Count);
        for (var j = HashBits; j >= 1; j--) z = (z + histogram[j]) * 0.5;
        z += Count * Sigma(histogram[0] / Count);
        return (long)Math.Round(0.721347520444481703680 * Count * Count / z, MidpointRounding.AwayFromZero);
    }

    private static double Sigma(double x)
    {
        if (x == 1) return double.PositiveInfinity;
        var (y, z, before) = (1.0, x, 0.0);
        do
        {
            x *= x;
            before = z;
            z += x * y;
            y += y;
        }
        while (before != z);
        return z;
    }

    private static double Tau(double x)
    {
        if (x is 0 or 1) return 0;
        var (y, z, before) = (1.0, 1 - x, 0.0);
        do
        {
            x = Math.Sqrt(x);
            before = z;
            y *= 0.5;
            z -= Math.Pow(1 - x, 2) * y;
        }
        while (before != z);
        return z / 3;
    }

    /// <summary>MurmurHash2, 64 bits (Austin Appleby; public domain), over little-endian words.</summary>
    private static ulong Murmur(ReadOnlySpan<byte> bytes)
    {
        const ulong Multiplier = 0xC6A4A7935BD1E995;
        const int Shift = 47;
        var hash = Seed ^ ((ulong)bytes.Length * Multiplier);
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(bytes) * Multiplier;
            hash = (hash ^ ((word ^ (word >> Shift)) * Multiplier)) * Multiplier;
        }

        if (bytes.Length > 0)
        {
            for (var i = bytes.Length - 1; i >= 0; i--) hash ^= (ulong)bytes[i] << (8 * i);
            hash *= Multiplier;
        }

        hash = (hash ^ (hash >> Shift)) * Multiplier;
        return hash ^ (hash >> Shift);
    }
}
