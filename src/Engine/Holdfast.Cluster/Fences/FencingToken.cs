namespace Holdfast.Cluster;

/// <summary>
/// A number that rises with every new holder of a lock. Coordination issues it: the revision of the etcd keyspace at which the holder's key was created.
/// Revisions of group 1 are never used twice, not even after a restore, which raises them past anything ever issued (S12); so tokens of all locks come
/// from one counter, and a later holder of any lock has a higher one.
/// </summary>
public readonly record struct FencingToken(ulong Value) : IComparable<FencingToken>
{
    /// <inheritdoc/>
    public int CompareTo(FencingToken other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Older than the other.</summary>
    public static bool operator <(FencingToken left, FencingToken right) => left.Value < right.Value;

    /// <summary>Newer than the other.</summary>
    public static bool operator >(FencingToken left, FencingToken right) => left.Value > right.Value;

    /// <summary>Not newer than the other.</summary>
    public static bool operator <=(FencingToken left, FencingToken right) => left.Value <= right.Value;

    /// <summary>Not older than the other.</summary>
    public static bool operator >=(FencingToken left, FencingToken right) => left.Value >= right.Value;
}

/// <summary>What a group says to a write that carries a fence.</summary>
/// <param name="IsAccepted">The token is the highest that this group has seen for the lock.</param>
/// <param name="Highest">The highest that it has seen; for the error that a fenced-off holder is shown.</param>
public readonly record struct FenceVerdict(bool IsAccepted, FencingToken Highest);

/// <summary>
/// The fence of one group (S22): part of its state, asked while an entry is applied. It knows only what entries of this very group have declared,
/// so a new holder declares on every group before its first write there.
/// </summary>
public interface IFenceCheck
{
    /// <summary>A holder's declaration, or a write of his: accepted unless a newer token was seen, which is then remembered. Deterministic.</summary>
    FenceVerdict Declare(ReadOnlySpan<byte> lockName, FencingToken token);

    /// <summary>The same question, remembering nothing: for reads.</summary>
    FenceVerdict Check(ReadOnlySpan<byte> lockName, FencingToken token);
}
