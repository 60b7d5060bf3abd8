namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Where a shard's replicas are to be, and where they are, by what its group says.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Wanted">Where the directory wants them.</param>
/// <param name="Serving">Those that count.</param>
/// <param name="Filled">Of those that do not count yet, the ones that have caught up.</param>
/// <param name="Leader">Who leads; zero for nobody known.</param>
internal sealed record ShardStanding(int Shard, IReadOnlyList<ulong> Wanted, IReadOnlyList<ulong> Serving, IReadOnlyList<ulong> Filled, ulong Leader)
{
    /// <summary>Those that come.</summary>
    public IReadOnlyList<ulong> Coming => [.. Wanted.Except(Serving)];

    /// <summary>Those that go.</summary>
    public IReadOnlyList<ulong> Going => [.. Serving.Except(Wanted)];

    /// <summary>Whether a replica serves.</summary>
    public bool Serves(ulong node) => Serving.Contains(node);
}

/// <summary>A replica on its way, as Qdrant's pages show a transfer.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="From">Where it comes from.</param>
/// <param name="To">Where it goes.</param>
/// <param name="IsCopy">Whether the old one stays.</param>
/// <param name="Method">How, in Qdrant's word.</param>
/// <param name="Comment">How far it is.</param>
/// <param name="ToShard">Of a split: the shard that gets the half; null otherwise.</param>
internal sealed record ShardTransfer(int Shard, ulong From, ulong To, bool IsCopy, string Method, string Comment, int? ToShard = null)
{
    /// <summary>A learner is given a snapshot's files by hash, and the log's tail behind it.</summary>
    private const string BySnapshot = "snapshot";

    private const string BySplit = "resharding_stream_records";

    /// <summary>The transfers that a shard's standing amounts to: whoever comes takes the place of one that goes, and where nobody goes it is a copy.</summary>
    public static IEnumerable<ShardTransfer> Of(ShardStanding standing)
    {
        ulong[] going = [.. standing.Going.Order()];
        ulong[] coming = [.. standing.Coming.Order()];
        for (var at = 0; at < coming.Length; at++)
        {
            var isCopy = at >= going.Length;
            var source = !isCopy ? going[at] : standing.Leader != 0 ? standing.Leader : standing.Serving.FirstOrDefault();
            yield return new ShardTransfer(standing.Shard, source, coming[at], isCopy, BySnapshot, standing.Filled.Contains(coming[at]) ? "caught up, about to count" : "fetches the state and the log behind it");
        }
    }

    /// <summary>The transfer that a split amounts to.</summary>
    public static ShardTransfer OfSplit(ShardStanding source, ShardStanding target) =>
        new(source.Shard, source.Leader, target.Leader, true, BySplit, "half of the points go to another shard", target.Shard);
}
