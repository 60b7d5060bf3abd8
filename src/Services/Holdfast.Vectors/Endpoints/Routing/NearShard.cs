using System.Diagnostics;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>A shard whose replica is in this process: asked on the caller's thread, behind the barrier that the demand asks for.</summary>
internal sealed class NearShard(IShardGroup group, ulong node = 0, ResultCache? results = null) : IShard
{
    /// <inheritdoc/>
    public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel) => group.ProposeAsync(command, cancel);

    /// <inheritdoc/>
    public async ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel)
    {
        // Where it is answered, it is timed: another node's clock says nothing here.
        if (question is NearestQuestion nearest) question = nearest with { Query = nearest.Query with { Clock = static () => (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds } };

        // A session whose writes are here already needs no round to a quorum.
        var isStrong = demand.Level == ReadLevel.Strong || (demand.Level == ReadLevel.Session && group.Position.Applied < demand.AtLeast);
        var answer = RowLookup.Serves(question)
            ? RowLookup.Look(await group.OnLoopAsync(state => RowLookup.Find(state, question), isStrong, cancel).ConfigureAwait(false), question)
            : await SearchAsync(await group.ReadAsync(isStrong, cancel).ConfigureAwait(false), question, cancel).ConfigureAwait(false);
        var (applied, committed) = group.Position;
        return answer with { Applied = applied.Value, Committed = committed.Value, Node = node };
    }

    private async ValueTask<ShardAnswer> SearchAsync(ShardState state, ShardQuestion question, CancellationToken cancel)
    {
        if (results is null || !ResultCache.Serves(question)) return ShardReader.Answer(state, question);
        var key = results.KeyOf(question);
        if (await results.FindAsync(key, cancel).ConfigureAwait(false) is { } known) return known;
        var answer = ShardReader.Answer(state, question);
        await results.KeepAsync(key, answer, cancel).ConfigureAwait(false);
        return answer;
    }
}
