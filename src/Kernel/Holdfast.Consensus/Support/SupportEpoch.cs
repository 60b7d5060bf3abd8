using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// One unbroken stretch of support that one node gives another. The high half is the supporter's boot count, so an epoch is never
/// given twice, not even after a restart (S2). Zero is no support.
/// </summary>
public readonly record struct SupportEpoch(ulong Value)
{
    /// <summary>No support.</summary>
    public static readonly SupportEpoch None;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>What a peer has promised this node: while the reading of this node's clock is before <see cref="Until"/>, the peer's groups that are bound to <see cref="Epoch"/> vote for no one else.</summary>
public readonly record struct SupportGrant(SupportEpoch Epoch, Instant Until);
