using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Routing;

/// <summary>What is to be done next about a split.</summary>
internal enum SplitStep
{
    /// <summary>The target is told what it will have.</summary>
    Expect,

    /// <summary>The half that goes is copied while the source takes writes.</summary>
    Copy,

    /// <summary>The source takes no more writes of that half.</summary>
    Seal,

    /// <summary>The source takes them again: whoever sealed it is gone, and with it what was known of how far the copy is.</summary>
    Unseal,

    /// <summary>What changed since the copy is copied, and the target adopts.</summary>
    Adopt,

    /// <summary>The source forgets the half.</summary>
    Release,

    /// <summary>The directory says who has what.</summary>
    Divide,

    /// <summary>The target adopted what was unsealed before it was released: it begins again. Nobody was told of it.</summary>
    ExpectAgain,

    /// <summary>The target adopts no more: the layout stays what it was.</summary>
    GiveUp,

    /// <summary>It cannot go on: the source let go of what nobody adopted. Only a mistake of ours comes here.</summary>
    Stuck,
}

/// <summary>
/// The next step of a split, from what the two shards say of themselves: pure, and without a memory of its own, so that whoever drives it goes on where another ended. The order is what keeps a point from being
/// written in two places, or read in none: sealed, adopted, released, and only then said.
/// </summary>
internal static class SplitPlan
{
    /// <summary>The next step.</summary>
    /// <remarks>What the source says must be newer than what the target says.</remarks>
    /// <param name="part">What the source had when the split began.</param>
    /// <param name="source">What it says.</param>
    /// <param name="target">What the target says.</param>
    /// <param name="isCopied">Whether this driver has copied the half, and knows up to which entry.</param>
    public static SplitStep Next(HashPart part, ShardHold source, ShardHold target, bool isCopied)
    {
        if (target.IsAbandoned) return source.IsSealed ? SplitStep.Unseal : SplitStep.GiveUp;
        if (source.Part == part.Staying) return target.AdoptedAt.Value != 0 ? SplitStep.Divide : SplitStep.Stuck;
        if (target.AdoptedAt.Value != 0) return source.IsSealed && source.SealedAt == target.AdoptedAt ? SplitStep.Release : SplitStep.ExpectAgain;
        if (!target.IsExpecting) return SplitStep.Expect;
        if (source.IsSealed) return isCopied ? SplitStep.Adopt : SplitStep.Unseal;
        return isCopied ? SplitStep.Seal : SplitStep.Copy;
    }
}
