using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>Where a shard's replicas are, as the directory says now.</summary>
internal interface IReplicaPlaces
{
    /// <summary>The group.</summary>
    GroupId Group { get; }

    /// <summary>The nodes with a replica.</summary>
    IReadOnlyList<NodeId> Nodes { get; }

    /// <summary>The replica in this process; null when there is none, or its state is not there yet.</summary>
    IShard? Near { get; }
}

/// <summary>Asking other nodes.</summary>
internal interface INodeCalls
{
    /// <summary>Asks what may be asked twice.</summary>
    ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel);

    /// <summary>Asks what must not be asked twice: <see cref="ControlStatus.Busy"/> when it was certainly not asked.</summary>
    ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel);
}

/// <summary>Over the lines that the cluster's node keeps.</summary>
internal sealed class NodeCalls(NodeLines lines) : INodeCalls
{
    public ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel) => lines.ReadAsync(node, ShardVerb.Number, message, cancel);

    public ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel) => lines.WriteAsync(node, ShardVerb.Number, message, cancel);
}

/// <summary>
/// A shard with replicas on several nodes. A read goes to the one that promises to be fastest, after its p95 to another one too, and at once to another when it fails: the first answer counts. A write goes through
/// this node's replica or another node's; it is sent again only when it certainly was not heard (S25).
/// </summary>
internal sealed class RoutedShard(IReplicaPlaces places, NodeId self, INodeCalls calls, ReplicaBoard board, IReadOnlyList<VectorParams> columns, TimeProvider? time = null) : IShard
{
    private IReadOnlyList<VectorParams> known = columns;

    /// <summary>How long another node may take over one question.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The collection may have got columns since; what has a number keeps it.</summary>
    public void Know(IReadOnlyList<VectorParams> all)
    {
        if (all.Count > Volatile.Read(ref known).Count) Volatile.Write(ref known, all);
    }

    /// <inheritdoc/>
    public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        if (places.Near is { } near) return await near.ProposeAsync(command, cancel).ConfigureAwait(false);
        var message = ShardVerb.Encode(places.Group, command);
        var why = "it has no replicas";
        foreach (var node in board.Order(places.Nodes, self))
        {
            if (node == self) continue;
            using var patience = Limited(cancel);
            var reply = await calls.WriteAsync(node, message, patience.Token).ConfigureAwait(false);
            if (reply.IsOk) return ShardVerb.DecodeReply(reply.Payload.Span);
            why = reply.Fault;
            if (reply.Status is ControlStatus.Busy or ControlStatus.UnknownVerb) continue; // It was not asked, or does nothing with it.
            throw VectorFault.Unknown($"it is not known whether the write was done: {why}");
        }

        throw VectorFault.Unavailable($"no replica of the shard could be reached, and nothing was written: {why}");
    }

    /// <inheritdoc/>
    public async ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel)
    {
        var near = places.Near;
        var order = board.Order(near is null ? [.. places.Nodes.Where(node => node != self)] : places.Nodes, self);
        if (order.Length == 0) throw VectorFault.Unavailable("the shard has no replica that can be asked");
        if (order.Length == 1) return await AttemptAsync(order[0], near, question, demand, cancel).ConfigureAwait(false);
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = new List<(Task<ShardAnswer> Task, bool IsHedge)> { (AttemptAsync(order[0], near, question, demand, others.Token), false) };
        var next = 1;
        VectorFault? refused = null;
        while (running.Count > 0)
        {
            if (next < order.Length && running.Count == 1 && next == 1 && !running[0].Task.IsCompleted && board.HedgeAfter(order[0], order.Length) is { } delay)
            {
                if (!await EndsWithinAsync(running[0].Task, delay, cancel).ConfigureAwait(false))
                {
                    board.NoteHedge();
                    running.Add((AttemptAsync(order[next++], near, question, demand, others.Token), true));
                }
            }

            var done = await Task.WhenAny(running.Select(each => each.Task)).ConfigureAwait(false);
            var ended = running.Find(each => each.Task == done);
            running.Remove(ended);
            try
            {
                var answer = await done.ConfigureAwait(false);
                if (ended.IsHedge) board.NoteHedgeWon();
                others.Cancel();
                foreach (var (late, _) in running) _ = late.ContinueWith(static task => _ = task.Exception, TaskScheduler.Default);
                return answer;
            }
            catch (VectorFault fault) when (fault.Status >= 500)
            {
                refused = fault;
                if (running.Count == 0 && next < order.Length) running.Add((AttemptAsync(order[next++], near, question, demand, others.Token), false));
            }
        }

        throw refused ?? VectorFault.Unavailable("no replica of the shard answered");
    }

    private async Task<bool> EndsWithinAsync(Task task, TimeSpan delay, CancellationToken cancel)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var first = await Task.WhenAny(task, Task.Delay(delay, time ?? TimeProvider.System, waiting.Token)).ConfigureAwait(false);
        waiting.Cancel();
        return first == task;
    }

    private Task<ShardAnswer> AttemptAsync(NodeId node, IShard? near, ShardQuestion question, ReadDemand demand, CancellationToken cancel) =>
        board.MeasureAsync(node, () => node == self && near is not null ? near.AskAsync(question, demand, cancel) : FarAsync(node, question, demand, cancel));

    private async ValueTask<ShardAnswer> FarAsync(NodeId node, ShardQuestion question, ReadDemand demand, CancellationToken cancel)
    {
        using var patience = Limited(cancel);
        var reply = await calls.ReadAsync(node, ShardVerb.Encode(places.Group, question, demand), patience.Token).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return reply.IsOk ? ShardVerb.DecodeAnswer(reply.Payload.Span, Volatile.Read(ref known)) : throw VectorFault.Unavailable($"node {node} did not answer: {reply.Fault}");
    }

    private static CancellationTokenSource Limited(CancellationToken cancel)
    {
        var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(Patience);
        return limited;
    }
}
