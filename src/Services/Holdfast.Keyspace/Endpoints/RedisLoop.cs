using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// The Redis face on a loop: accepts clients, and once a turn lets the convoys depart, after all sockets were read and before the groups are flushed. So a turn costs a shard one entry, whoever was
/// served in it, and what is executed here is on its way to the disk in the same turn.
/// </summary>
internal sealed class RedisLoop : IFacePart, IReadyHandler
{
    private const int RoundsMax = 64;
    private const int AcceptsPerTurn = 64;
    private static readonly TimeSpan LookAtWaiting = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LookAtShards = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<Action> calls = new();
    private readonly HashSet<RedisConnection> connections = [];
    private readonly List<ClientSession> retrying = [];
    private readonly ShardChores chores;
    private readonly List<RedisConnection> told = [];
    private bool isCollecting;
    private Socket? listener;
    private LoopRegistration listening = LoopRegistration.None;
    private Instant shardsAt = Instant.Zero;

    public RedisLoop(EventLoop loop, KeyspaceNode node)
    {
        (Loop, Node) = (loop, node);
        chores = new ShardChores(node);
        node.ReadClock = static () => Instant.Zero + System.Diagnostics.Stopwatch.GetElapsedTime(0);
        node.WhileBusy = ListenWhileBusy;
    }

    /// <summary>What other nodes publish reaches this node's subscribers, and the other way round.</summary>
    public void Join(IPeerMesh mesh) => Node.Subscriptions.Road = new PublicationRoad(Node, mesh);

    public void OnFrame(NodeId from, ReadOnlySpan<byte> body) => PublicationRoad.Deliver(Node, body);

    public EventLoop Loop { get; }

    public KeyspaceNode Node { get; }

    /// <summary>Buffers of clients that have sent everything we have taken.</summary>
    public Stack<byte[]> Buffers { get; } = new();

    /// <summary>Has something done on the loop. From any thread.</summary>
    public void Post(Action call)
    {
        calls.Enqueue(call);
        Loop.Wake();
    }

    /// <summary>Something that is found out on the loop.</summary>
    public Task<T> AskAsync<T>(Func<T> ask)
    {
        var found = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => found.SetResult(ask()));
        return found.Task;
    }

    /// <summary>Something that is begun on the loop, and ends there later.</summary>
    public Task<T> CompleteAsync<T>(Action<Action<T>> begin)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => begin(result => ended.TrySetResult(result)));
        return ended.Task;
    }

    /// <summary>Begins to accept. The socket is bound already.</summary>
    public void Open(Socket bound) => Post(() =>
    {
        listener = bound;
        listening = Loop.Register((int)bound.Handle, this, ReadyEvents.Readable);
    });

    /// <summary>Accepts no more and cuts everybody off; completes when that is done.</summary>
    public Task CloseAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            EndAll();
            done.SetResult();
        });
        return done.Task;
    }

    public void OnReady(ReadyEvents events, Instant now)
    {
        OnTime(now);
        for (var left = AcceptsPerTurn; left > 0; left--)
        {
            var descriptor = SocketCalls.Accept((int)listener!.Handle, out var remote);
            if (descriptor < 0) return;
            if (connections.Count >= Math.Min(Node.Options.ClientsMax, Node.Settings.ClientsMax))
            {
                Node.Counters.RejectedClients++;
                SocketCalls.Send(descriptor, "-ERR max number of clients reached\r\n"u8);
                SocketCalls.Close(descriptor);
                continue;
            }

            SocketCalls.SetNoDelay(descriptor);
            connections.Add(new RedisConnection(this, descriptor, remote));
        }
    }

    public Instant Turn(Instant now)
    {
        OnTime(now);
        while (calls.TryDequeue(out var call)) call();
        RetryWaiting();
        Node.Waits.Look(now);
        Continue();
        if (now >= shardsAt)
        {
            shardsAt = now + LookAtShards;
            chores.Look();
            EndIdle();
        }

        Depart();
        SendTold();
        if (Node.Resting.Count > 0) return now;
        var next = Instant.Min(shardsAt, Node.Waiting.Count > 0 ? now + LookAtWaiting : Instant.Never);
        next = Instant.Min(next, Node.Waits.Next);
        return calls.IsEmpty ? next : now;
    }

    public void OnLoopEnded() => EndAll();

    /// <summary>Takes a connection along that was told something while sockets are read: what a turn tells it leaves in one call. False when the turn is over: then it is sent at once.</summary>
    public bool TryCollect(RedisConnection connection)
    {
        if (isCollecting) told.Add(connection);
        return isCollecting;
    }

    public void OnTime(Instant now)
    {
        isCollecting = true;
        Node.Now = now;
        Node.WallMicros = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;
    }

    public void OnGone(RedisConnection connection) => connections.Remove(connection);

    /// <summary>Executing may bring a client on to another shard's convoy, or to the same again: so until nobody wants to go, or it is the others' turn.</summary>
    private void Depart()
    {
        var seats = Node.Topology.Seats;
        for (var round = 0; round < RoundsMax; round++)
        {
            var hasDeparted = false;
            foreach (var seat in seats)
            {
                if (seat is null) continue;
                if (seat.Quorum.WantsTurn)
                {
                    seat.Quorum.Depart();
                    hasDeparted = true;
                }

                if (!seat.Async.WantsTurn) continue;
                seat.Async.Depart();
                hasDeparted = true;
            }

            if (!hasDeparted) return;
        }

        Loop.Wake();
    }

    private void SendTold()
    {
        isCollecting = false;
        foreach (var connection in told) connection.SendTold();
        told.Clear();
    }

    /// <summary>Those whose command goes on.</summary>
    private void Continue()
    {
        if (Node.Resting.Count == 0) return;
        retrying.AddRange(Node.Resting);
        Node.Resting.Clear();
        foreach (var client in retrying) client.GoOn();
        retrying.Clear();
    }

    /// <summary>While a script takes too long, within its turn: new clients come in, and those with nothing under way are heard. All but SCRIPT KILL and its like is refused (BUSY).</summary>
    private void ListenWhileBusy()
    {
        if (listener is not null) OnReady(ReadyEvents.Readable, Node.Now);
        foreach (var connection in connections.ToArray())
            if (!connection.Session.HasRequest) connection.OnReady(ReadyEvents.Readable, Node.Now);
    }

    /// <summary>Cuts off who has said nothing for longer than `timeout`.</summary>
    private void EndIdle()
    {
        if (Node.Settings.IdleSecondsMax == 0) return;
        var oldest = Node.WallMicros - (Node.Settings.IdleSecondsMax * 1_000_000);
        foreach (var connection in connections.ToArray())
            if (connection.Session is { HasRequest: false, IsBlocked: false, Subscribed.IsAny: false } session && Math.Max(session.LastMicros, session.ConnectedMicros) < oldest) session.Close();
    }

    private void RetryWaiting()
    {
        if (Node.Waiting.Count == 0) return;
        retrying.AddRange(Node.Waiting);
        Node.Waiting.Clear();
        foreach (var client in retrying)
            if (client.Retry()) Node.Waiting.Add(client);
        retrying.Clear();
    }

    private void EndAll()
    {
        if (listener is not null)
        {
            Loop.Unregister(listening);
            listener.Dispose();
            listener = null;
        }

        foreach (var connection in connections.ToArray()) connection.Session.Close();
    }
}
