using Holdfast.Storage;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>What a replica does about rows that lack a graph.</summary>
internal enum TurnStep : byte
{
    /// <summary>Nothing lacks.</summary>
    Nothing = 0,

    /// <summary>It builds by itself.</summary>
    Build,

    /// <summary>It waits for another's graph, or for its answer.</summary>
    Wait,

    /// <summary>It asks another what it has.</summary>
    Ask,

    /// <summary>It fetches, or goes on with that.</summary>
    Fetch,
}

/// <summary>What is to be done now.</summary>
/// <param name="Step">What.</param>
/// <param name="Node">Who is asked, or who has the files.</param>
/// <param name="Offer">What is fetched.</param>
internal readonly record struct TurnMove(TurnStep Step, ulong Node = 0, GraphOffer? Offer = null);

/// <summary>
/// Who builds the graph of rows that several replicas have, and who waits for it (decision 0050). All replicas know the same order; the first that can builds, and the others look at those before them, one after another:
/// they ask, wait while that one gets on, fetch what it has built, and pass it over when it is silent, stands still, or has no such shard. Whoever has nobody left before him builds, and whatever happens nobody waits
/// longer than the number of rows allows. Since each waits only for those before him there is no circle.
/// What lacks a graph is scanned meanwhile, so this decides about nothing but time. Pure: time, answers and pieces are inputs; a late answer counts for nothing.
/// </summary>
internal sealed class BuildTurn(BuildTurnOptions options, PlantedSharingBug bug = PlantedSharingBug.None)
{
    /// <summary>Offers that were of no use, or are used, are remembered: so many, the last ones.</summary>
    private const int SpentMax = 64;

    private readonly Queue<FileHash> spent = new();
    private readonly HashSet<ulong> passedOver = [];
    private Phase phase;
    private long since;
    private ulong before;
    private long? askedAt;
    private long askAgainAt;
    private int lost;
    private ulong progress;
    private long progressAt;
    private bool isAtWork;
    private int sampled;
    private GraphOffer? offer;
    private long fetchedSince;
    private long cameAt;

    private enum Phase
    {
        /// <summary>Nothing lacks.</summary>
        Rest,

        /// <summary>Somebody before this replica may build.</summary>
        Waiting,

        /// <summary>Files are coming.</summary>
        Fetching,

        /// <summary>It builds, until nothing lacks any more.</summary>
        Building,
    }

    /// <summary>Whether it waits for others.</summary>
    public bool IsWaiting => phase is Phase.Waiting or Phase.Fetching;

    /// <summary>How often it waited in vain.</summary>
    public int WaitsEnded { get; private set; }

    /// <summary>What is to be done now. <see cref="TurnStep.Ask"/> is said once for each question.</summary>
    /// <param name="now">The time, in milliseconds.</param>
    /// <param name="rows">How many rows lack a graph.</param>
    /// <param name="ranked">The replicas in the order in which they are to build.</param>
    /// <param name="self">This one.</param>
    public TurnMove Next(long now, int rows, IReadOnlyList<ulong> ranked, ulong self)
    {
        if (rows == 0)
        {
            Rest();
            return default;
        }

        if (phase == Phase.Building) return new TurnMove(TurnStep.Build);
        if (phase == Phase.Rest) Begin(now);
        if (phase == Phase.Fetching)
        {
            if (!IsFetchLate(now)) return new TurnMove(TurnStep.Fetch, before, offer);
            EndFetch();
            PassOver(before);
        }

        while (true)
        {
            if (FirstBefore(ranked, self) is not { } candidate) return Build(isVain: before != 0);
            if (candidate != before) Turn(candidate, now);
            if (now - since > options.WaitFor(rows) && bug != PlantedSharingBug.WaitsWithoutBound) return Build(isVain: true);
            if (rows < options.AskRowsMin) return now - since > options.FewRowsWait ? Build(isVain: false) : new TurnMove(TurnStep.Wait);
            if (askedAt is { } asked && now - asked > options.AnswerWithin && bug != PlantedSharingBug.AsksOnce)
            {
                askedAt = null;
                lost++;
            }

            if (lost < options.LostMost && (bug == PlantedSharingBug.AsksOnce || now - progressAt <= (isAtWork ? options.StandstillAtWork : options.StandstillAtRest))) break;
            PassOver(candidate);
        }

        if (askedAt is not null || now < askAgainAt) return new TurnMove(TurnStep.Wait);
        askedAt = now;
        return new TurnMove(TurnStep.Ask, before);
    }

    /// <summary>How many points the question named that <see cref="TurnStep.Ask"/> asked for.</summary>
    public void OnAsked(int points) => sampled = points;

    /// <summary>An answer came. Null: it has no such shard.</summary>
    public void OnTold(long now, ulong node, GraphTold? told)
    {
        if (phase != Phase.Waiting || node != before || askedAt is null) return;
        (askedAt, askAgainAt, lost) = (null, now + options.AskEvery, 0);
        if (told is null)
        {
            PassOver(node);
            return;
        }

        if (told.Progress != progress) (progress, progressAt) = (told.Progress, now);
        isAtWork = told.IsAtWork;
        foreach (var each in told.Offers)
        {
            if (each.Hits < sampled * options.ShareMin || (spent.Contains(each.Name) && bug != PlantedSharingBug.FetchesAgain)) continue;
            (phase, offer, fetchedSince, cameAt) = (Phase.Fetching, each, now, now);
            return;
        }
    }

    /// <summary>No answer will come.</summary>
    public void OnLost(long now, ulong node)
    {
        if (phase != Phase.Waiting || node != before || askedAt is null) return;
        (askedAt, askAgainAt) = (null, now + options.AskEvery);
        lost++;
    }

    /// <summary>A piece of a file came.</summary>
    public void OnCame(long now) => cameAt = now;

    /// <summary>All files came and can be used: what they do not hold is inserted here. When all of it is done, <see cref="OnUsed"/>.</summary>
    public void OnFetched() => phase = Phase.Building;

    /// <summary>What was fetched is not used. What it was known by is not fetched again; until the time is over there may be something else.</summary>
    public void OnRefused()
    {
        if (phase != Phase.Fetching) return;
        Spend();
        EndFetch();
    }

    /// <summary>What was fetched has been used: what lacks then is another matter.</summary>
    public void OnUsed()
    {
        Spend();
        Rest();
    }

    private void Begin(long now)
    {
        (phase, since, before, askAgainAt) = (Phase.Waiting, now, 0, now);
        if (bug != PlantedSharingBug.ForgivesNobody) passedOver.Clear();
    }

    private void Rest() => (phase, offer, askedAt, before) = (Phase.Rest, null, null, 0);

    private TurnMove Build(bool isVain)
    {
        if (isVain) WaitsEnded++;
        (phase, offer, askedAt) = (Phase.Building, null, null);
        return new TurnMove(TurnStep.Build);
    }

    /// <summary>Looks at another replica from now on.</summary>
    private void Turn(ulong node, long now) => (before, askedAt, askAgainAt, lost, progress, progressAt, isAtWork) = (node, null, now, 0, ulong.MaxValue, now, false);

    private void PassOver(ulong node)
    {
        passedOver.Add(node);
        askedAt = null;
    }

    private ulong? FirstBefore(IReadOnlyList<ulong> ranked, ulong self)
    {
        if (bug == PlantedSharingBug.EverybodyBuilds) return null;
        var own = bug == PlantedSharingBug.WaitsInACircle ? ranked.Count : ranked.TakeWhile(node => node != self).Count();
        for (var at = 0; at < own; at++)
            if (ranked[at] != self && !passedOver.Contains(ranked[at])) return ranked[at];
        return null;
    }

    private bool IsFetchLate(long now) => bug != PlantedSharingBug.WaitsForPieces && (now - cameAt > options.PieceWithin || now - fetchedSince > options.FetchWithin(offer!.Bytes));

    private void EndFetch() => (phase, offer) = (Phase.Waiting, null);

    private void Spend()
    {
        if (offer is not null) spent.Enqueue(offer.Name);
        if (spent.Count > SpentMax) spent.Dequeue();
    }
}
