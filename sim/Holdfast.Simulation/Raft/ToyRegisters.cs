using System.Buffers.Binary;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Raft;

/// <summary>The toy state machine of the raft world: a few registers and a rolling hash of everything that was applied.</summary>
internal sealed class ToyRegisters(int keys)
{
    public const int CommandBytes = 22;

    /// <summary>The register after those of the clients: bursts write it, and nobody reads it.</summary>
    public int BurstKey { get; } = keys;

    private ulong[] values = new ulong[keys + 1];

    public ulong Hash { get; private set; } = 0x1234567;

    public ulong this[int key] => values[key];

    public static byte[] Encode(Operation operation, int padding)
    {
        var bytes = new byte[CommandBytes + padding];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, operation.Id);
        bytes[4] = (byte)operation.Key;
        bytes[5] = (byte)operation.Kind;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(6), operation.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(14), operation.Expected);
        return bytes;
    }

    /// <summary>Executes a command and returns what the register held before.</summary>
    public ulong Apply(ReadOnlySpan<byte> command, ulong salt)
    {
        var key = command[4];
        var value = BinaryPrimitives.ReadUInt64LittleEndian(command[6..]);
        var expected = BinaryPrimitives.ReadUInt64LittleEndian(command[14..]);
        var before = values[key];
        values[key] = (OperationKind)command[5] switch
        {
            OperationKind.Put => value,
            OperationKind.Delete => 0,
            OperationKind.CompareAndSwap when before == expected => value,
            _ => before,
        };
        Hash = Mix(Mix(Mix(Hash, key), values[key] ^ salt), before);
        return before;
    }

    /// <summary>The rolling hash and all registers in one number.</summary>
    public static ulong Fingerprint(ReadOnlySpan<ulong> registers, ulong hash)
    {
        foreach (var register in registers) hash = Mix(hash, register);
        return hash;
    }

    public ulong Fingerprint() => Fingerprint(values, Hash);

    public ulong[] Copy() => [.. values];

    public void Restore(ulong[] from, ulong hash)
    {
        values = [.. from];
        Hash = hash;
    }

    public static ulong Mix(ulong hash, ulong value)
    {
        hash = (hash ^ value) * 0x9E3779B97F4A7C15;
        return hash ^ (hash >> 32);
    }
}
