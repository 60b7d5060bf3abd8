using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// Drives the directory's moves whose source is led here: does what each <see cref="SlotMover"/> wants next, and tells it how that went. Whoever leads the source next simply goes on. Two drivers at once do no harm:
/// every step is checked by the log that it is for.
/// </summary>
internal sealed class MoveRunner(KeyspaceNode node, RedisLoop loop, ClusterNode cluster, KeyspaceLog log)
{
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(5);

    private readonly SortedDictionary<ulong, Task> running = [];

    /// <summary>Begins to drive what nobody here drives yet.</summary>
    public void Look(DirectoryView view, CancellationToken cancellation)
    {
        foreach (var (id, task) in running.ToArray())
            if (task.IsCompleted) running.Remove(id);
        foreach (var (id, procedure) in view.Procedures)
        {
            if (procedure is not { State: ProcedureState.Running, Move: { } move } || running.ContainsKey(id)) continue;
            if (!view.Groups.TryGetValue(move.Source, out var group) || group.Face != ShardLayout.Face) continue;
            if (node.Topology.PlaceOf(move.Source) is >= 0 and var place && node.Topology.Seats[place] is { Log.IsLedHere: true } seat)
                running[id] = Task.Run(() => DriveAsync(id, move, seat, cancellation), CancellationToken.None);
        }
    }

    /// <summary>Waits until nothing is driven any more.</summary>
    public Task StopAsync() => Task.WhenAll(running.Values);

    private async Task DriveAsync(ulong id, GroupMove move, ShardSeat seat, CancellationToken cancellation)
    {
        try
        {
            if (SlotRanges.Parse(move.Part) is not { } slots)
            {
                await cluster.FinishMoveAsync(id, false, "the slots cannot be read", cancellation).ConfigureAwait(false);
                return;
            }

            var mover = new SlotMover(seat, new MoveId(id), move.Target, slots);
            while (!cancellation.IsCancellationRequested && seat.Log.IsLedHere)
            {
                var isCancelled = cluster.View.Procedures.TryGetValue(id, out var now) && now.Move is { IsCancelled: true };
                var task = await loop.AskAsync(() => seat.Machine.Role.IsLeader ? mover.Next(isCancelled) : null).WaitAsync(cancellation).ConfigureAwait(false);
                if (task is MoveTask.Finish end)
                {
                    var reply = await cluster.FinishMoveAsync(id, end.IsDone, end.Note, cancellation).ConfigureAwait(false);
                    if (!reply.Accepted && reply.IsUndecided) continue;
                    log(!end.IsDone, $"move {id} of slots {slots} from shard {move.Source} to shard {move.Target}: {(end.IsDone ? "done" : end.Note)}");
                    return;
                }

                if (task is null || !await DoAsync(mover, seat, task, cancellation).ConfigureAwait(false)) await Task.Delay(Rest, cancellation).ConfigureAwait(false);
            }

            loop.Post(mover.StopCopying);
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops; another goes on.
        }
    }

    /// <summary>Whether it went as wanted; if not, it is tried again after a rest.</summary>
    private async Task<bool> DoAsync(SlotMover mover, ShardSeat seat, MoveTask task, CancellationToken cancellation)
    {
        switch (task)
        {
            case MoveTask.Run run:
                return await loop.CompleteAsync<bool>(done => seat.Steps.Take(run.Step, isCommitted => done(isCommitted))).WaitAsync(cancellation).ConfigureAwait(false);
            case MoveTask.Ask ask:
                var answer = await AskAsync(ask.Question, cancellation).ConfigureAwait(false);
                loop.Post(() => mover.OnAnswer(ask.Question, answer));
                return answer.Status != MoveStatus.Elsewhere;
            case MoveTask.Flip:
                if (!await FlipAsync(seat.Group, mover, cancellation).ConfigureAwait(false)) return false;
                loop.Post(mover.OnFlipped);
                return true;
            default:
                return false;
        }
    }

    private async Task<MoveAnswer> AskAsync(MoveQuestion question, CancellationToken cancellation)
    {
        var topology = node.Topology;
        var place = topology.PlaceOf(question.Target);
        var leader = place < 0 ? NodeId.None : topology.LeaderOf(place);
        if (leader == NodeId.None) return default;
        if (leader == topology.Self) return await AnswerAsync(question, cancellation).ConfigureAwait(false);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(CallMax);
        var reply = await cluster.CallAsync(leader, KeyspaceVerbs.Move, question.Encode(), patience.Token).ConfigureAwait(false);
        return reply.IsOk && reply.Server == leader ? MoveAnswer.Decode(reply.Payload.Span) : default;
    }

    /// <summary>The answer of this node, as the target of a move.</summary>
    public async Task<MoveAnswer> AnswerAsync(MoveQuestion question, CancellationToken cancellation)
    {
        var topology = node.Topology;
        if (topology.PlaceOf(question.Target) is not (>= 0 and var place) || topology.Seats[place] is not { } seat) return default;
        return await loop.CompleteAsync<MoveAnswer>(done => MoveDoor.Answer(seat, question, done)).WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The layout says that the slots are the target's; whoever changes it at the same time is not overwritten.</summary>
    private async Task<bool> FlipAsync(GroupId source, SlotMover mover, CancellationToken cancellation)
    {
        var known = cluster.View.Settings.GetValueOrDefault(ShardLayout.Setting, "");
        var flipped = ShardLayout.Moved(known, source, mover.Target, mover.Slots);
        return flipped == known || (await cluster.CompareSettingAsync(ShardLayout.Setting, known, flipped, cancellation).ConfigureAwait(false)).Accepted;
    }
}
