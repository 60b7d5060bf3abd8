using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// The highest token of each lock, bounded. When it is full, the lock that was declared longest ago is forgotten and the floor rises to its token:
/// whoever comes later with a token that is not above the floor, for a lock that is not known, is refused. Because all tokens come from one counter,
/// that refuses old holders only, and at worst one of a lock that nobody declared for <see cref="LocksMax"/> others, who then takes the lock again.
/// The table belongs to a state machine: it has a rolling hash and goes into the snapshot.
/// </summary>
public sealed class FenceTable(int locksMax = FenceTable.LocksMax) : IFenceCheck
{
    /// <summary>The format that this binary writes.</summary>
    public const byte FormatVersion = 1;

    /// <summary>Locks that are remembered.</summary>
    public const int LocksMax = 65536;

    /// <summary>Bytes of a lock's name; longer ones are refused.</summary>
    public const int NameBytesMax = 1024;

    private static readonly Mark FloorRose = new("cluster: fence table full, its floor rose", elsewhere: "FenceTests: simulated clients use few locks");
    private readonly Dictionary<Name, LinkedListNode<Fence>> fences = [];
    private readonly LinkedList<Fence> byAge = []; // The longest-undeclared first.

    /// <summary>Tokens up to this one are old for every lock that is not known.</summary>
    public FencingToken Floor { get; private set; }

    /// <summary>Locks that are known.</summary>
    public int Count => fences.Count;

    /// <summary>Equal on all replicas at an index.</summary>
    public ulong Hash { get; private set; }

    /// <inheritdoc/>
    public FenceVerdict Declare(ReadOnlySpan<byte> lockName, FencingToken token)
    {
        var verdict = Check(lockName, token);
        if (verdict.IsAccepted) Remember(lockName.ToArray(), token);
        return verdict;
    }

    /// <inheritdoc/>
    public FenceVerdict Check(ReadOnlySpan<byte> lockName, FencingToken token)
    {
        if (lockName.Length is 0 or > NameBytesMax) return new FenceVerdict(false, Floor);
        if (fences.TryGetValue(new Name(lockName.ToArray()), out var known)) return new FenceVerdict(token >= known.Value.Token, known.Value.Token);
        return new FenceVerdict(token > Floor, Floor);
    }

    /// <summary>The locks that are known, with their tokens; the longest-undeclared first.</summary>
    public IEnumerable<(byte[] Lock, FencingToken Token)> All => byAge.Select(fence => (fence.Lock.Bytes, fence.Token));

    /// <summary>Raises the floor: what another table had forgotten stays forgotten here, when what it guards comes under this one.</summary>
    public void RaiseFloor(FencingToken floor)
    {
        if (floor <= Floor) return;
        Floor = floor;
        Hash = (Hash ^ floor.Value) * 0x9E3779B97F4A7C15;
    }

    /// <summary>The table as bytes.</summary>
    public void Write(SpanWriter writer)
    {
        writer.WriteByte(FormatVersion);
        writer.WriteUInt64(Floor.Value);
        writer.WriteUInt64(Hash);
        writer.WriteUInt32((uint)byAge.Count);
        foreach (var fence in byAge)
        {
            writer.WriteBlock(fence.Lock.Bytes);
            writer.WriteUInt64(fence.Token.Value);
        }
    }

    /// <summary>Reads a table; null when it is of another format, or not whole.</summary>
    public static FenceTable? Read(ref SpanReader reader, int locksMax = LocksMax)
    {
        if (reader.ReadByte() != FormatVersion) return null;
        var table = new FenceTable(locksMax) { Floor = new FencingToken(reader.ReadUInt64()) };
        var hash = reader.ReadUInt64();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--)
        {
            var name = reader.ReadBlock();
            if (name.Length is 0 or > NameBytesMax) return null;
            table.Remember(name.ToArray(), new FencingToken(reader.ReadUInt64()));
        }

        table.Hash = hash;
        return reader.IsWhole ? table : null;
    }

    private void Remember(byte[] lockName, FencingToken token)
    {
        var name = new Name(lockName);
        if (fences.TryGetValue(name, out var known))
        {
            byAge.Remove(known);
            fences.Remove(name);
        }
        else if (fences.Count >= locksMax)
        {
            FloorRose.Hit();
            var oldest = byAge.First!.Value;
            byAge.RemoveFirst();
            fences.Remove(oldest.Lock);
            if (oldest.Token > Floor) Floor = oldest.Token;
        }

        fences.Add(name, byAge.AddLast(new Fence(name, token)));
        Hash = (((Hash ^ Crc32C.Of(lockName)) * 0x9E3779B97F4A7C15) ^ token.Value) * 0xC2B2AE3D27D4EB4F;
    }

    private readonly record struct Fence(Name Lock, FencingToken Token);

    /// <summary>A lock's name as a key of the dictionary, by content. (Its order decides nothing.)</summary>
    private readonly struct Name(byte[] bytes) : IEquatable<Name>
    {
        public byte[] Bytes => bytes;

        public bool Equals(Name other) => bytes.AsSpan().SequenceEqual(other.Bytes);

        public override bool Equals(object? obj) => obj is Name other && Equals(other);

        public override int GetHashCode() => (int)Crc32C.Of(bytes);
    }
}
