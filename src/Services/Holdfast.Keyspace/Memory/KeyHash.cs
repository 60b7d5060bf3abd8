using System.Buffers.Binary;

namespace Holdfast.Keyspace;

/// <summary>
/// The hash of keys and members: 64 bits by multiply and fold (the idea of wyhash and mum). The seed belongs to a shard's state and is drawn by its first leader, so all replicas order
/// alike, a SCAN cursor survives a failover, and nobody outside can make keys that collide.
/// </summary>
internal static class KeyHash
{
    private const ulong Odd1 = 0xA0761D6478BD642F;
    private const ulong Odd2 = 0xE7037ED1A0B428DB;

    public static uint Of(ReadOnlySpan<byte> key, ulong seed)
    {
        var length = (ulong)key.Length;
        seed ^= Odd1;
        while (key.Length > 16)
        {
            seed = Fold(BinaryPrimitives.ReadUInt64LittleEndian(key) ^ Odd1, BinaryPrimitives.ReadUInt64LittleEndian(key[8..]) ^ seed);
            key = key[16..];
        }

        ulong low = 0, high = 0;
        if (key.Length >= 8)
        {
            low = BinaryPrimitives.ReadUInt64LittleEndian(key);
            high = BinaryPrimitives.ReadUInt64LittleEndian(key[^8..]);
        }
        else if (key.Length >= 4)
        {
            low = BinaryPrimitives.ReadUInt32LittleEndian(key);
            high = BinaryPrimitives.ReadUInt32LittleEndian(key[^4..]);
        }
        else if (key.Length > 0)
        {
            low = ((ulong)key[0] << 16) | ((ulong)key[key.Length >> 1] << 8) | key[^1];
        }

        var hash = Fold(Odd2 ^ length, Fold(low ^ Odd2, high ^ seed));
        return (uint)(hash ^ (hash >> 32));
    }

    private static ulong Fold(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
