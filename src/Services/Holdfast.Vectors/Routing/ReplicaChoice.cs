using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Routing;

/// <summary>A replica as a choice sees it.</summary>
/// <param name="Place">Its place in the list that was asked about.</param>
/// <param name="IsNear">Whether it is in this process.</param>
/// <param name="IsSuspect">Whether it failed to answer a moment ago.</param>
/// <param name="MeanMicros">What its answers take.</param>
/// <param name="UnderWay">Questions that it has not answered yet.</param>
internal readonly record struct ReplicaFacts(int Place, bool IsNear, bool IsSuspect, double MeanMicros, int UnderWay)
{
    /// <summary>Its name: with a question's likeness it decides who is asked equal questions.</summary>
    public ulong Node { get; init; }

    /// <summary>What the next question is expected to take: its answers' time, behind those that wait.</summary>
    public double Cost => MeanMicros * (1 + UnderWay);
}

/// <summary>
/// In which order a shard's replicas are asked: of two that the dice name the cheaper one first (power of two choices; Mitzenmacher 2001), then the others, those that just failed last. A replica in this process is
/// always one of the two: it costs no way over the network. Equal questions go to the same replica instead, which may have the answer or its pages still at hand (rendezvous hashing; Thaler and Ravishankar 1998),
/// unless it just failed or is much slower than the cheapest.
/// </summary>
internal static class ReplicaChoice
{
    /// <summary>A replica may cost so many times what the cheapest costs, and <see cref="SlackMicros"/>, and still be asked because it was asked before.</summary>
    private const double SlowFactor = 2;

    /// <summary>A way over the network and back, generously: differences below it say nothing.</summary>
    private const double SlackMicros = 1000;

    /// <summary>The order.</summary>
    /// <param name="replicas">All of them.</param>
    /// <param name="oneDie">A random number.</param>
    /// <param name="otherDie">Another.</param>
    /// <param name="likeness">The same number for equal questions; null for a question that is not asked again.</param>
    public static int[] Order(IReadOnlyList<ReplicaFacts> replicas, uint oneDie, uint otherDie, ulong? likeness = null)
    {
        var able = replicas.Where(replica => !replica.IsSuspect).ToList();
        if (able.Count == 0) able.AddRange(replicas);
        var one = able.FindIndex(replica => replica.IsNear);
        if (one < 0) one = able.Count == 0 ? 0 : (int)(oneDie % (uint)able.Count);
        var first = able.Count == 0 ? -1 : able[one].Place;
        if (able.Count > 1)
        {
            var other = (int)(otherDie % (uint)(able.Count - 1));
            if (other >= one) other++;
            if (able[other].Cost < able[one].Cost) first = able[other].Place;
        }

        if (likeness is { } alike && able.Count > 1)
        {
            var preferred = able.MaxBy(replica => Rendezvous(alike, replica.Node));
            if (preferred.Cost <= (able.Min(replica => replica.Cost) * SlowFactor) + SlackMicros) first = preferred.Place;
        }

        return [.. replicas.OrderBy(replica => replica.Place == first ? 0 : replica.IsSuspect ? 2 : 1).ThenBy(replica => replica.Cost).Select(replica => replica.Place)];
    }

    private static ulong Rendezvous(ulong likeness, ulong node)
    {
        var hash = new ContentHash(likeness);
        hash.Add(node);
        hash.Add(0);
        return hash.Value;
    }
}

/// <summary>When a read that has no answer yet is asked of another replica too (Dean and Barroso, The Tail at Scale).</summary>
internal static class HedgeDelay
{
    /// <summary>While a replica's p95 is not known.</summary>
    public const long UnknownMicros = 30_000;

    /// <summary>Never sooner: the second question costs as much as the first.</summary>
    public const long LeastMicros = 2_000;

    /// <summary>Never later: a replica whose p95 is a second is no measure for patience.</summary>
    public const long MostMicros = 200_000;

    /// <summary>After so long; null when there is nobody else to ask.</summary>
    public static long? After(long p95Micros, int replicas) => replicas < 2 ? null : p95Micros == 0 ? UnknownMicros : Math.Clamp(p95Micros, LeastMicros, MostMicros);
}
