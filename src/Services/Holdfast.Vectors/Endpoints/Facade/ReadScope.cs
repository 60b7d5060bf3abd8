using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A shard that was asked: which node answered, how far its replica was, and what it took.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Question">What was asked, in a word.</param>
/// <param name="Answer">The answer.</param>
/// <param name="Micros">From asking to answer.</param>
/// <param name="VectorBytes">Bytes of the vectors whose distance was computed.</param>
internal sealed record ShardSeen(int Shard, string Question, ShardAnswer Answer, long Micros, long VectorBytes = 0);

/// <summary>How one request reads: how fresh, which shards, whether what cannot be reached may be missing; and what came of it, for the reply.</summary>
internal sealed class ReadScope
{
    private readonly Lock gate = new();
    private readonly SortedSet<int> missing = [];
    private readonly List<ShardSeen> seen = [];

    /// <summary>How fresh.</summary>
    public ReadLevel Level { get; init; }

    /// <summary>What the client wrote before, for <see cref="ReadLevel.Session"/>.</summary>
    public SessionToken? Session { get; init; }

    /// <summary>Whether shards that cannot be reached may be left out, which the reply then says.</summary>
    public bool AllowsPartial { get; init; }

    /// <summary>Whether the reply tells how it was found.</summary>
    public bool WantsExplanation { get; init; }

    /// <summary>Only the shards behind these keys; null for all.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>The client is gone, or its time is over.</summary>
    public required CancellationToken Cancel { get; init; }

    /// <summary>The shards that were left out.</summary>
    public IReadOnlyCollection<int> Missing => missing;

    /// <summary>Who was asked, in the order of the answers.</summary>
    public IReadOnlyList<ShardSeen> Seen => seen;

    /// <summary>A read that sees everything.</summary>
    public static ReadScope Strong(CancellationToken cancel) => new() { Cancel = cancel };

    /// <summary>What is demanded of a shard.</summary>
    public ReadDemand DemandOf(CollectionRecord collection, int shard) => Level switch
    {
        ReadLevel.Session when Session is not null => Session.DemandOf(SessionToken.NameOf(collection.Id, shard)),
        ReadLevel.Eventual => ReadDemand.Eventual,
        _ => ReadDemand.Strong,
    };

    /// <summary>Notes an answer.</summary>
    public void See(ShardSeen answer)
    {
        lock (gate) seen.Add(answer);
    }

    /// <summary>Leaves a shard out, if that is allowed.</summary>
    public bool MayMiss(int shard)
    {
        if (!AllowsPartial) return false;
        lock (gate) missing.Add(shard);
        return true;
    }
}

/// <summary>What a write became.</summary>
/// <param name="Number">The last operation's number.</param>
/// <param name="Session">The positions it reached, for reads that must see it.</param>
internal sealed record WriteDone(ulong Number, SessionToken Session)
{
    /// <summary>A point that was named to be changed and is not there; null when all are, or were named by a filter.</summary>
    public PointId? Missed { get; init; }

    /// <summary>Bytes of the vectors that were written.</summary>
    public long VectorBytes { get; init; }

    /// <summary>Bytes of the payloads that were written with whole points.</summary>
    public long PayloadBytes { get; init; }
}
