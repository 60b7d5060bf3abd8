using System.Collections.Concurrent;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// The Redis face on a loop: accepts clients, and once a turn lets the convoys depart, after all sockets were read and before the groups are flushed. So a turn costs a shard one entry, whoever was
/// served in it, and what is executed here is on its way to the disk in the same turn.
/// </summary>
internal sealed class RedisLoop : IFacePart
{
    private const int RoundsMax = 64;
    private static readonly TimeSpan LookAtWaiting = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LookAtShards = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Sweeping = TimeSpan.FromSeconds(1);

    private readonly ConcurrentQueue<Action> calls = new();
    private readonly HashSet<RedisConnection> connections = [];
    private readonly List<ClientSession> retrying = [];
    private readonly ShardChores chores;
    private readonly List<RedisConnection> told = [];
    private bool isCollecting;
    private readonly List<RedisDoor> doors = [];
    private readonly List<RedisConnection> readSoon = [];
    private readonly List<RedisConnection> swept = [];
    private IPeerMesh? mesh;
    private GossipRunner? gossip;
    private Instant shardsAt = Instant.Zero;
    private Instant sweepAt = Instant.Zero;

    public RedisLoop(EventLoop loop, KeyspaceNode node)
    {
        (Loop, Node) = (loop, node);
        chores = new ShardChores(node);
        node.ReadClock = static () => MonotonicClock.Now;
        node.WhileBusy = ListenWhileBusy;
    }

    /// <summary>What other nodes publish reaches this node's subscribers, and the other way round.</summary>
    public void Join(IPeerMesh mesh)
    {
        this.mesh = mesh;
        Node.Subscriptions.Road = new PublicationRoad(Node, mesh);
        Node.Forwards.Road = new ForwardRoad(mesh);
    }

    /// <summary>Takes part in the gossip, once the cluster is known.</summary>
    public void BeginGossip(NodeId self) => Post(() => gossip ??= mesh is null ? null : new GossipRunner(self, Node, mesh));

    public void OnFrame(NodeId from, ReadOnlySpan<byte> body)
    {
        switch (body.IsEmpty ? default : (FaceFrame)body[0])
        {
            case FaceFrame.Publication: PublicationRoad.Deliver(Node, body); break;
            case FaceFrame.Gossip: gossip?.OnFrame(from, body); break;
            default: Node.Forwards.OnFrame(from, body); break;
        }
    }

    public void OnPeerDown(NodeId peer) => Node.Forwards.OnPeerDown(peer);

    public EventLoop Loop { get; }

    public KeyspaceNode Node { get; }

    /// <summary>Buffers of clients that have sent everything we have taken.</summary>
    public Stack<byte[]> Buffers { get; } = new();

    /// <summary>Buffers of plain bytes that no client under TLS holds.</summary>
    public Stack<byte[]> PlainBuffers { get; } = new();

    /// <summary>Clients' sockets.</summary>
    public int Connections => connections.Count;

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

    /// <summary>Begins to accept.</summary>
    public void Open(RedisDoor door) => Post(() =>
    {
        doors.Add(door);
        door.Open();
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

    /// <summary>A client has come in.</summary>
    public void Add(RedisConnection connection) => connections.Add(connection);

    /// <summary>A client under TLS is read from again: what is decrypted already shows at no socket.</summary>
    public void ReadSoon(RedisConnection connection) => readSoon.Add(connection);

    public Instant Turn(Instant now)
    {
        OnTime(now);
        while (calls.TryDequeue(out var call)) call();
        RetryWaiting();
        Node.Forwards.Turn();
        Node.Waits.Look(now);
        ReadAgain(now);
        Continue();
        if (now >= shardsAt)
        {
            shardsAt = now + LookAtShards;
            chores.Look();
        }

        if (now >= sweepAt)
        {
            sweepAt = now + Sweeping;
            Sweep();
        }

        Depart();
        SendTold();
        var gossipAt = gossip?.Turn(now) ?? Instant.Never;
        if (Node.Resting.Count + readSoon.Count > 0) return now;
        var next = Instant.Min(gossipAt, shardsAt);
        next = Instant.Min(next, Node.Waiting.Count > 0 || Node.Forwards.HasStalled ? now + LookAtWaiting : Instant.Never);
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
        if (now == Node.Now) return;
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

    /// <summary>While a script takes too long, within its turn: new clients come in, and those with nothing under way are heard. All but SCRIPT KILL and its like is refused (BUSY), also what waits behind the script.</summary>
    private void ListenWhileBusy()
    {
        foreach (var seat in Node.Topology.Seats)
        {
            seat?.Quorum.SendAway();
            seat?.Async.SendAway();
        }

        foreach (var door in doors) door.OnReady(ReadyEvents.Readable, Node.Now);
        foreach (var connection in connections.ToArray())
            if (!connection.Session.HasRequest) connection.OnReady(ReadyEvents.Readable, Node.Now);
    }

    /// <summary>Once a second: cuts off who has said nothing for longer than `timeout`, or reads too slowly, and takes memory back that large replies took.</summary>
    private void Sweep()
    {
        var oldest = Node.Settings.IdleSecondsMax == 0 ? long.MinValue : Node.WallMicros - (Node.Settings.IdleSecondsMax * 1_000_000);
        foreach (var connection in connections)
        {
            var session = connection.Session;
            session.Replies.Shrink();
            var isSilent = Math.Max(session.LastMicros, session.ConnectedMicros) < oldest && session is { HasRequest: false, IsBlocked: false, IsAside: false, Subscribed.IsAny: false };
            if (isSilent || (session.Replies.Length > 0 && session.Output.IsOver(session, Node))) swept.Add(connection);
        }

        foreach (var connection in swept)
        {
            if (connection.Session.Replies.Length > 0 && connection.Session.Output.IsOver(connection.Session, Node)) connection.Session.Output.CutOff(connection.Session, Node);
            else connection.Session.Close();
        }

        swept.Clear();
    }

    private void ReadAgain(Instant now)
    {
        if (readSoon.Count == 0) return;
        RedisConnection[] again = [.. readSoon];
        readSoon.Clear();
        foreach (var connection in again)
            if (!connection.Session.IsClosed) connection.OnReady(ReadyEvents.Readable, now);
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
        foreach (var door in doors) door.Close();
        doors.Clear();
        foreach (var connection in connections.ToArray()) connection.Session.Close();
    }
}
