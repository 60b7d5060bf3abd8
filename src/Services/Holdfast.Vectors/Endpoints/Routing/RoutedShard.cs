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

    /// <summary>The nodes with a replica, or which shall get one.</summary>
    IReadOnlyList<NodeId> Nodes { get; }

    /// <summary>Nodes that may have one still, to be asked when none of those answers: while a replica moves, where it comes from.</summary>
    IReadOnlyList<NodeId> Others { get; }

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
    private readonly LongCalls calls = new(calls);

    /// <summary>The collection may have got columns since; what has a number keeps it.</summary>
    public void Know(IReadOnlyList<VectorParams> all)
    {
        if (all.Count > Volatile.Read(ref known).Count) Volatile.Write(ref known, all);
    }

    /// <inheritdoc/>
    public async ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        if (places.Near is { } near) return await near.ProposeAsync(command, cancel).ConfigureAwait(false);
        var message = (ReadOnlyMemory<byte>)ShardVerb.Encode(places.Group, command);
        var why = "it has no replicas";
        foreach (var node in (NodeId[])[.. board.Order(places.Nodes, self), .. places.Others])
        {
            if (node == self) continue;
            var reply = await calls.WriteAsync(node, message, cancel).ConfigureAwait(false);
            if (reply.IsOk) return ShardVerb.DecodeReply(reply.Payload.Span);
            why = reply.Fault;
            if (reply.Status is ControlStatus.Busy or ControlStatus.UnknownVerb) continue; // It was not asked, or does nothing with it.
            throw VectorFault.Unknown($"it is not known whether the write was done: {why}");
        }

        throw VectorFault.Unavailable($"no replica of the shard could be reached, and nothing was written: {why}");
    }

    /// <inheritdoc/>
    public ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => places.Near is { } near ? near.ForeseeAsync(command, cancel) : default;

    /// <inheritdoc/>
    public async ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel)
    {
        var near = places.Near;
        var nodes = near is null ? [.. places.Nodes.Where(node => node != self)] : places.Nodes;
        if (near is not null && nodes.Count == 1 && nodes[0] == self) return await AttemptAsync(self, near, default, question, demand, cancel).ConfigureAwait(false);
        var message = ShardVerb.Encode(places.Group, question, demand);
        var replicas = board.Order(nodes, self, question is NearestQuestion or ExampleQuestion ? Likeness(message) : null);

        // While a replica moves, those that it is to be on may not have it yet: where it comes from is asked last.
        NodeId[] order = near is null || !replicas.Contains(self) ? [.. replicas, .. near is null ? [] : (NodeId[])[self], .. places.Others.Where(node => node != self)] : replicas;
        if (order.Length == 0) throw VectorFault.Unavailable("the shard has no replica that can be asked");
        if (order.Length == 1) return await AttemptAsync(order[0], near, message, question, demand, cancel).ConfigureAwait(false);
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var running = new List<(Task<ShardAnswer> Task, bool IsHedge)> { (AttemptAsync(order[0], near, message, question, demand, others.Token), false) };
        var next = 1;
        VectorFault? refused = null;
        while (running.Count > 0)
        {
            if (next < replicas.Length && running.Count == 1 && next == 1 && !running[0].Task.IsCompleted && board.HedgeAfter(order[0], replicas.Length) is { } delay)
            {
                if (!await EndsWithinAsync(running[0].Task, delay, cancel).ConfigureAwait(false))
                {
                    board.NoteHedge();
                    running.Add((AttemptAsync(order[next++], near, message, question, demand, others.Token), true));
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
                if (running.Count == 0 && next < order.Length) running.Add((AttemptAsync(order[next++], near, message, question, demand, others.Token), false));
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

    private Task<ShardAnswer> AttemptAsync(NodeId node, IShard? near, ReadOnlyMemory<byte> message, ShardQuestion question, ReadDemand demand, CancellationToken cancel) =>
        board.MeasureAsync(node, () => node == self && near is not null ? near.AskAsync(question, demand, cancel) : FarAsync(node, message, cancel));

    /// <summary>Equal questions have equal likenesses, on whichever node they are asked.</summary>
    private static ulong Likeness(ReadOnlySpan<byte> message)
    {
        var hash = new ContentHash(5);
        hash.Add(message);
        return hash.Value;
    }

    private async ValueTask<ShardAnswer> FarAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
    {
        var reply = await calls.ReadAsync(node, message, cancel).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        return reply.IsOk ? ShardVerb.DecodeAnswer(reply.Payload.Span, Volatile.Read(ref known)) : throw VectorFault.Unavailable($"node {node} did not answer: {reply.Fault}");
    }
}
