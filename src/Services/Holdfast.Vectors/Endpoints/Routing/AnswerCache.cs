using System.Collections.Concurrent;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>
/// Answers that one shard's replica has given to searches, as long as nothing was applied to it since: exact, because any entry makes them worthless. A search is kept when it is asked for the second time; the
/// barrier is passed before it is looked for, so that a strong read stays one. For all threads.
/// </summary>
internal sealed class AnswerCache
{
    /// <summary>Answers that are kept; when there are more, all are forgotten.</summary>
    private const int AnswersMax = 512;

    /// <summary>Longer answers are not kept.</summary>
    private const int PointsMax = 128;

    private readonly ConcurrentDictionary<Key, Kept> kept = new();
    private long hits;

    /// <summary>Answers that were not found anew.</summary>
    public long Hits => Volatile.Read(ref hits);

    /// <summary>The answer, from before or found now.</summary>
    public ShardAnswer Answer(IShardGroup group, ShardState state, ShardQuestion question)
    {
        if (question is not (NearestQuestion or ExampleQuestion)) return ShardReader.Answer(state, question);
        var version = group.Version;
        var key = Key.Of(question);
        if (kept.TryGetValue(key, out var before) && before.Version == version && before.Answer is { } answer)
        {
            Interlocked.Increment(ref hits);
            return answer with { Traces = [new SegmentTrace(-1, "answered before", 0, 0, 0)] };
        }

        var found = ShardReader.Answer(state, question);
        if (found.Points.Count > PointsMax || group.Version != version) return found;
        if (kept.Count >= AnswersMax) kept.Clear();
        kept[key] = new Kept(version, before is null ? null : found);
        return found;
    }

    private sealed record Kept(ulong Version, ShardAnswer? Answer);

    /// <summary>A question's bytes: equal ones are the same question.</summary>
    private readonly record struct Key(ulong Hash, byte[] Bytes)
    {
        public static Key Of(ShardQuestion question)
        {
            var buffer = new ByteBuffer(2048);
            QuestionCodec.Write(new SpanWriter(buffer), question);
            var bytes = buffer.Written.ToArray();
            var hash = new ContentHash(0);
            hash.Add(bytes);
            return new Key(hash.Value, bytes);
        }

        public bool Equals(Key other) => Hash == other.Hash && Bytes.AsSpan().SequenceEqual(other.Bytes);

        public override int GetHashCode() => (int)Hash;
    }
}
