using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A leader was elected by all members because too few voters were whole (S8): what an operator must be told.</summary>
/// <param name="Term">The term that all have persisted.</param>
/// <param name="Last">Where the best log that is left ends.</param>
/// <param name="DoubtUpTo">Where some log may once have ended. Beyond <paramref name="Last"/>: entries between may have been acknowledged, and no member can read them any more.</param>
public readonly record struct RollHeld(Term Term, LogPosition Last, LogIndex DoubtUpTo)
{
    /// <summary>Whether entries are given up of which nobody can say that they were not acknowledged.</summary>
    public bool MayHaveLost => DoubtUpTo > Last.Index;
}
