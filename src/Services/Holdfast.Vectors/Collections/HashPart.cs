using System.Globalization;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>
/// A part of all ids: those whose hash ends in these bits. A shard that is split keeps one half of its part and gives the other away, so that no other shard and no other point is touched. The bits are of another
/// hash than the one that chooses among a collection's first shards.
/// </summary>
/// <param name="Depth">How many bits are looked at; zero for all ids.</param>
/// <param name="Bits">What they are.</param>
internal readonly record struct HashPart(byte Depth, ulong Bits)
{
    /// <summary>Bits that are looked at, at most: more halves than a cluster has groups.</summary>
    public const int DepthMax = 24;

    /// <summary>All ids.</summary>
    public static HashPart All => default;

    /// <summary>The half that stays when it is cut.</summary>
    public HashPart Staying => new((byte)(Depth + 1), Bits);

    /// <summary>The half that goes when it is cut.</summary>
    public HashPart Going => new((byte)(Depth + 1), Bits | (1UL << Depth));

    private ulong Mask => (1UL << Depth) - 1;

    /// <summary>Whether an id is in it.</summary>
    public bool Has(in PointId id) => Depth == 0 || (Mixed(id.StableHash) & Mask) == Bits;

    /// <summary>Whether it has all ids of another one.</summary>
    public bool Covers(HashPart other) => other.Depth >= Depth && (other.Bits & Mask) == Bits;

    /// <summary>Its bits, last first. (What a record prints by itself would be its halves, and theirs.)</summary>
    public override string ToString() => Depth == 0 ? "all" : "*" + Bits.ToString($"b{Depth}", CultureInfo.InvariantCulture);

    /// <summary>Murmur's last step: the low bits depend on all bits.</summary>
    private static ulong Mixed(ulong hash)
    {
        hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
        hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
        return hash ^ (hash >> 33);
    }
}
