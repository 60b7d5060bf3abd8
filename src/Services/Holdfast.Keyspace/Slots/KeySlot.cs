namespace Holdfast.Keyspace;

/// <summary>The slot of a key: CRC16 (XMODEM) modulo 16384 of the key, or of what stands between the first braces in it, when that is not empty (Redis Cluster specification).</summary>
internal static class KeySlot
{
    /// <summary>How many slots there are.</summary>
    public const int Count = 16384;

    private const int Bytes = 256;

    /// <summary>What a byte does to the sum, for each distance from the end of four: four bytes are then one step and not four that wait for each other.</summary>
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
        var table = Table;
        for (; key.Length >= 4; key = key[4..]) crc = table[(3 * Bytes) + ((crc >> 8) ^ key[0])] ^ table[(2 * Bytes) + ((crc & 0xFF) ^ key[1])] ^ table[Bytes + key[2]] ^ table[key[3]];
        foreach (var letter in key) crc = ((crc << 8) & 0xFFFF) ^ table[(crc >> 8) ^ letter];
        return crc & (Count - 1);
    }

    private static ushort[] MakeTable()
    {
        const int Polynomial = 0x1021;
        var table = new ushort[4 * Bytes];
        for (var i = 0; i < Bytes; i++)
        {
            var crc = i << 8;
            for (var bit = 0; bit < 8; bit++) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            table[i] = (ushort)crc;
        }

        for (var i = Bytes; i < table.Length; i++) table[i] = (ushort)((table[i - Bytes] << 8) ^ table[table[i - Bytes] >> 8]);

        return table;
    }
}
