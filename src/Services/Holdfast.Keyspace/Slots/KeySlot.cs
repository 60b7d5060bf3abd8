namespace Holdfast.Keyspace;

/// <summary>The slot of a key: CRC16 (XMODEM) modulo 16384 of the key, or of what stands between the first braces in it, when that is not empty (Redis Cluster specification).</summary>
internal static class KeySlot
{
    /// <summary>How many slots there are.</summary>
    public const int Count = 16384;

    private static readonly ushort[] Table = MakeTable();

    public static int Of(ReadOnlySpan<byte> key)
    {
        var open = key.IndexOf((byte)'{');
        if (open >= 0)
        {
            var tag = key[(open + 1)..];
            var close = tag.IndexOf((byte)'}');
            if (close > 0) key = tag[..close];
        }

        var crc = 0;
        foreach (var letter in key) crc = ((crc << 8) ^ Table[((crc >> 8) ^ letter) & 0xFF]) & 0xFFFF;
        return crc & (Count - 1);
    }

    private static ushort[] MakeTable()
    {
        const int Polynomial = 0x1021;
        var table = new ushort[256];
        for (var i = 0; i < table.Length; i++)
        {
            var crc = i << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            table[i] = (ushort)crc;
        }

        return table;
    }
}
