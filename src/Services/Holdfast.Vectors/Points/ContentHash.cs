using System.Buffers.Binary;
using System.Numerics;

namespace Holdfast.Vectors.Points;

/// <summary>
/// A 64-bit hash over numbers and bytes, the same on every machine. A shard's state hash is the sum of its points' hashes, so that the order in which rows lie, which may differ between replicas, does not
/// show. It finds replicas that differ; it does not withstand an attacker.
/// </summary>
internal struct ContentHash(ulong value)
{
    /// <summary>The hash so far.</summary>
    public ulong Value { get; private set; } = value;

    /// <summary>Adds a number.</summary>
    public void Add(ulong word)
    {
        var mixed = (Value ^ word) * 0x9E3779B97F4A7C15;
        Value = BitOperations.RotateLeft(mixed, 29) ^ (mixed >> 17);
    }

    /// <summary>Adds bytes and their length.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        var tail = 0UL;
        for (var at = 0; at < bytes.Length; at++) tail |= (ulong)bytes[at] << (8 * at);
        Add(tail);
    }
}
