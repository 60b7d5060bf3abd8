namespace Holdfast.Keyspace;

/// <summary>The checksum of RDB payloads: CRC-64 "Jones" (polynomial 0xad93d23594c935a9, reflected, from zero), as Redis has it.</summary>
internal static class Crc64
{
    private const ulong Reflected = 0x95AC9329AC4BC9B5;

    private static readonly ulong[] Table = MakeTable();

    public static ulong Of(ReadOnlySpan<byte> bytes) => Continue(0, bytes);

    /// <summary>The checksum of more bytes behind those that a sum is of.</summary>
    public static ulong Continue(ulong sum, ReadOnlySpan<byte> bytes)
    {
        foreach (var each in bytes) sum = Table[(byte)(sum ^ each)] ^ (sum >> 8);
        return sum;
    }

    private static ulong[] MakeTable()
    {
        var table = new ulong[256];
        for (var i = 0; i < table.Length; i++)
        {
            var sum = (ulong)i;
            for (var bit = 0; bit < 8; bit++) sum = (sum & 1) != 0 ? (sum >> 1) ^ Reflected : sum >> 1;
            table[i] = sum;
        }

        return table;
    }
}
