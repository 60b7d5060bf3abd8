using System.Buffers.Binary;
using System.Numerics;

namespace Holdfast.Coordination.Mvcc;

/// <summary>A 64-bit hash over a sequence of numbers and byte strings, the same on every machine. It finds replicas that differ; it does not withstand an attacker.</summary>
internal struct RollingHash(ulong value)
{
    /// <summary>The hash so far.</summary>
    public ulong Value { get; private set; } = value;

    /// <summary>Adds a number.</summary>
    public void Add(ulong word)
    {
        var mixed = (Value ^ word) * 0x9E3779B97F4A7C15;
        Value = BitOperations.RotateLeft(mixed, 29) ^ (mixed >> 17);
    }

    /// <summary>Adds a number.</summary>
    public void Add(long word) => Add((ulong)word);

    /// <summary>Adds bytes and their length.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        for (; bytes.Length >= 8; bytes = bytes[8..]) Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        var tail = 0UL;
        for (var at = 0; at < bytes.Length; at++) tail |= (ulong)bytes[at] << (8 * at);
        Add(tail);
    }

    /// <summary>Adds a version of a key.</summary>
    public void Add(ReadOnlySpan<byte> key, in KeyVersion version)
    {
        Add(key);
        Add(version.Mod);
        Add(((ulong)(uint)version.Sub << 1) | (version.IsLive ? 1UL : 0UL));
        Add(version.Create);
        Add(version.Number);
        Add(version.Lease);
        Add(version.Value);
    }
}
