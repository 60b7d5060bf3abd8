using Holdfast.Consensus;

namespace Holdfast.Cluster;

/// <summary>What is allowed and yet unwise (R1.13), as values that a program prints.</summary>
/// <param name="Code">Stable, for machines.</param>
/// <param name="Sentence">For people.</param>
public readonly record struct ClusterAdvice(string Code, string Sentence)
{
    /// <summary>Advice on a group's voters.</summary>
    public static IReadOnlyList<ClusterAdvice> On(Configuration configuration)
    {
        var advice = new List<ClusterAdvice>();
        var voters = 0;
        foreach (var member in configuration.Members)
            if (member.CountsForQuorum) voters++;
        if (voters == 1) advice.Add(new ClusterAdvice("single-voter", "One node: nothing survives its loss. Three nodes survive the loss of one."));
        else if (voters > 0 && voters % 2 == 0)
            advice.Add(new ClusterAdvice("even-voters", $"{voters} voting nodes survive the loss of {(voters - 1) / 2}, no more than {voters - 1} would: add one or remove one."));
        return advice;
    }
}
