namespace Holdfast.Keyspace;

/// <summary>
/// Expands LZF, in which RDB payloads may keep strings: a byte below 32 announces one more literal bytes than it says; any other is a repetition, its length in the upper three bits (7: more in the next byte) plus two,
/// and how far back in the lower five with the byte that follows.
/// </summary>
internal static class Lzf
{
    /// <summary>Longer strings are refused: no value may be longer.</summary>
    public const int PlainMax = 512 * 1024 * 1024;

    /// <summary>The expanded bytes, exactly so many; null when they are not LZF.</summary>
    public static byte[]? TryExpand(ReadOnlySpan<byte> packed, int length)
    {
        // A repetition of three bytes stands for at most 264: a claimed length that the bytes cannot bear out takes no memory.
        if (length > packed.Length * 264L) return null;
        var plain = new byte[length];
        var (at, end) = (0, 0);
        while (at < packed.Length)
        {
            int control = packed[at++];
            if (control < 32)
            {
                var literals = control + 1;
                if (at + literals > packed.Length || end + literals > length) return null;
                packed.Slice(at, literals).CopyTo(plain.AsSpan(end));
                at += literals;
                end += literals;
                continue;
            }

            var repeated = control >> 5;
            if (repeated == 7)
            {
                if (at >= packed.Length) return null;
                repeated += packed[at++];
            }

            if (at >= packed.Length) return null;
            var from = end - ((control & 0x1F) << 8) - packed[at++] - 1;
            repeated += 2;
            if (from < 0 || end + repeated > length) return null;
            for (; repeated > 0; repeated--) plain[end++] = plain[from++];
        }

        return end == length ? plain : null;
    }
}
