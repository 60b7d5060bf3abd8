using System.Diagnostics;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>A shard whose replica is in this process: asked on the caller's thread, behind the barrier that the demand asks for.</summary>
/// <param name="group">The replica.</param>
/// <param name="node">This node.</param>
/// <param name="answers">Answers that were given lately; null to find each anew.</param>
internal sealed class NearShard(IShardGroup group, ulong node = 0, AnswerCache? answers = null) : IShard
{
    /// <summary>Where it is added up what answers take; null for nowhere.</summary>
    public ReadLoad? Load { get; init; }

    /// <summary>Told of searches, which go before writes; null where nobody counts them.</summary>
    public WriteTurns? Turns { get; init; }

    /// <inheritdoc/>
    public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel) => group.ProposeAsync(command, cancel);

    /// <inheritdoc/>
    public ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => group.ForeseeAsync(command, cancel);

    /// <inheritdoc/>
    public async ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel)
    {
        using var search = WriteTurns.Search(Turns, question);

        // Where it is answered, it is timed: another node's clock says nothing here.
        if (question is NearestQuestion nearest) question = nearest with { Query = nearest.Query with { Clock = static () => (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds } };

        // A session whose writes are here already needs no round to a quorum.
        var isStrong = demand.Level == ReadLevel.Strong || (demand.Level == ReadLevel.Session && group.Position.Applied < demand.AtLeast);
        var (position, answer) = (group.Position, await AnswerAsync(question, isStrong, cancel).ConfigureAwait(false));
        var (applied, committed) = group.Position;

        // Of what a split copies, where it stood before it was read: what came meanwhile is copied with the rest.
        return answer with { Applied = question is PartQuestion ? position.Applied.Value : applied.Value, Committed = committed.Value, Node = node };
    }

    private async ValueTask<ShardAnswer> AnswerAsync(ShardQuestion question, bool isStrong, CancellationToken cancel)
    {
        if (RowLookup.Serves(question))
        {
            // Nothing may be thrown on the group's loop: what does not fit is looked up in vain, and refused here.
            var found = await group.OnLoopAsync(state => Fits(state, question) ? RowLookup.Find(state, question) : new RowsFound(state, [], null), isStrong, cancel).ConfigureAwait(false);
            Asked(found.State, question);
            return RowLookup.Look(found, question);
        }

        var state = Asked(await group.ReadAsync(isStrong, cancel).ConfigureAwait(false), question);

        // The fences are read after the state: of a shard that is sealed nobody writes what leaves it under another one.
        if (question is SplitQuestion split) return (SplitAnswer.Of(state, group.SettingsHash, split.Of) with { Fences = split.Of is null ? "" : Convert.ToBase64String(group.FencesWritten) }).ToAnswer();
        var begun = Stopwatch.GetTimestamp();
        var answer = answers is null ? ShardReader.Answer(state, question) : answers.Answer(group, state, question);
        Load?.Add((long)Stopwatch.GetElapsedTime(begun).TotalMicroseconds);

        // A split may have taken points away while they were looked for: then it says so by now.
        Asked(await group.ReadAsync(isStrong: false, cancel).ConfigureAwait(false), question);
        return answer;
    }

    private static bool Fits(ShardState state, ShardQuestion question) => question.IsOfAnyPart || (state.Hold.Part == question.Part && !state.Hold.IsExpecting);

    /// <summary>Refuses who believes the shard to have what it does not have: who asks for more reads an old directory, and a replica that has more is behind.</summary>
    private static ShardState Asked(ShardState state, ShardQuestion question)
    {
        if (Fits(state, question)) return state;
        throw state.Hold.Part.Depth > question.Part.Depth && !state.Hold.IsExpecting
            ? VectorFault.Misdirected("the shard was split: ask again")
            : VectorFault.Unavailable("this replica is not as far as the directory");
    }
}
