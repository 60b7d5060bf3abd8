using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>
/// What a replica found lately, by the whole question. An answer counts only while nothing was applied since it was found: its key carries the number of entries that this process has applied, so a write makes
/// every older answer unreachable, at whatever level is read.
/// </summary>
/// <param name="cache">Where answers are kept; it may forget any of them.</param>
/// <param name="group">The shard's group.</param>
/// <param name="version">How many entries this process has applied to the shard.</param>
/// <param name="columns">The collection's columns, which an answer's vectors are read by.</param>
internal sealed class ResultCache(ISharedCache cache, GroupId group, Func<ulong> version, Func<IReadOnlyList<VectorParams>> columns)
{
    /// <summary>Larger answers are found anew: they would push out many small ones.</summary>
    private const int PointsMax = 256;

    /// <summary>An answer that nobody asked for again so long is not kept.</summary>
    private static readonly TimeSpan TimeToLive = TimeSpan.FromMinutes(1);

    private readonly string space = $"vectors/results/{group.Value}";

    /// <summary>Whether questions of this kind are kept.</summary>
    public static bool Serves(ShardQuestion question) => question is NearestQuestion { Query.Limit: <= PointsMax } or ExampleQuestion { Limit: <= PointsMax };

    /// <summary>The question's key as of now: to be made after the read's barrier and before the search.</summary>
    public byte[] KeyOf(ShardQuestion question)
    {
        var buffer = new ByteBuffer(1024);
        var writer = new SpanWriter(buffer);
        writer.WriteUInt64(version());
        QuestionCodec.Write(writer, question);
        return buffer.Written.ToArray();
    }

    /// <summary>What was found for it; null when that is not known any more.</summary>
    public async ValueTask<ShardAnswer?> FindAsync(byte[] key, CancellationToken cancel)
    {
        if (await cache.GetAsync(space, key, cancel).ConfigureAwait(false) is not { } kept || Read(kept.Span) is not { } answer) return null;
        return answer with { Traces = [.. answer.Traces.Select(static trace => trace with { Strategy = "kept answer", Visited = 0, Scanned = 0, FilterMicros = 0, SearchMicros = 0 })] };
    }

    /// <summary>Keeps what was found.</summary>
    public async ValueTask KeepAsync(byte[] key, ShardAnswer answer, CancellationToken cancel)
    {
        var buffer = new ByteBuffer(4096);
        var all = columns();
        AnswerCodec.Write(buffer, answer, false, name => NumberOf(all, name));
        await cache.SetAsync(space, key, buffer.WrittenMemory, TimeToLive, cancel).ConfigureAwait(false);
    }

    private ShardAnswer? Read(ReadOnlySpan<byte> bytes)
    {
        var reader = new SpanReader(bytes);
        return AnswerCodec.Read(ref reader, columns());
    }

    private static int NumberOf(IReadOnlyList<VectorParams> all, string name)
    {
        for (var column = 0; column < all.Count; column++)
            if (all[column].Name == name) return column;
        return -1;
    }
}
