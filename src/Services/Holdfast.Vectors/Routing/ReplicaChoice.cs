namespace Holdfast.Vectors.Routing;

/// <summary>A replica as a choice sees it.</summary>
/// <param name="Place">Its place in the list that was asked about.</param>
/// <param name="IsNear">Whether it is in this process.</param>
/// <param name="IsSuspect">Whether it failed to answer a moment ago.</param>
/// <param name="MeanMicros">What its answers take.</param>
/// <param name="UnderWay">Questions that it has not answered yet.</param>
internal readonly record struct ReplicaFacts(int Place, bool IsNear, bool IsSuspect, double MeanMicros, int UnderWay)
{
    /// <summary>What the next question is expected to take: its answers' time, behind those that wait.</summary>
    public double Cost => MeanMicros * (1 + UnderWay);
}

/// <summary>
/// In which order a shard's replicas are asked: of two that the dice name the cheaper one first (power of two choices; Mitzenmacher 2001), then the others, those that just failed last. A replica in this process is
/// always one of the two: it costs no way over the network.
/// </summary>
internal static class ReplicaChoice
{
    /// <summary>The order.</summary>
    /// <param name="replicas">All of them.</param>
    /// <param name="oneDie">A random number.</param>
    /// <param name="otherDie">Another.</param>
    public static int[] Order(IReadOnlyList<ReplicaFacts> replicas, uint oneDie, uint otherDie)
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

        return [.. replicas.OrderBy(replica => replica.Place == first ? 0 : replica.IsSuspect ? 2 : 1).ThenBy(replica => replica.Cost).Select(replica => replica.Place)];
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
