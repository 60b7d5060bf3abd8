using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// What an event loop's thread is to a <see cref="GroupLoop"/>: it hands in what the wires brought and turns the loop when it is woken or its time has come.
/// It may be stuck for a while, as a thread is that the system does not run.
/// </summary>
internal sealed class LoopSeat : IPeerMesh
{
    private readonly ClusterProcess process;
    private readonly Queue<Arrival> inbox = new();
    private long turnAt = long.MaxValue;
    private ulong turns;
    private bool isStuck;

    public LoopSeat(ClusterProcess process, int index) => (this.process, Index) = (process, index);

    private readonly record struct Arrival(NodeId From, byte[]? Frame, bool IsUp);

    public int Index { get; }

    public GroupLoop Loop { get; private set; } = null!;

    public List<ReplicatedGroup> Groups { get; } = [];

    public void Seat(GroupLoop loop)
    {
        Loop = loop;
        loop.WakeBy(Wake);
    }

    public void OnFrame(NodeId from, byte[] frame) => Arrive(new Arrival(from, frame, false));

    public void OnPeer(NodeId peer, bool isUp) => Arrive(new Arrival(peer, null, isUp));

    public void Wake() => TurnAt(process.World.Clock.Now + process.Dice.Next(10, 400));

    public void Stick(TimeSpan span)
    {
        isStuck = true;
        process.World.Clock.After(span, () =>
        {
            isStuck = false;
            Wake();
        });
    }

    public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
    {
        process.Pass("send");
        return process.World.Mesh.TrySend(process, Index, to, frame);
    }

    public void Flush()
    {
    }

    public bool IsConnected(NodeId peer) => process.World.Mesh.IsConnected(process, Index, peer);

    /// <summary>Turns the loop at a time, unless it turns earlier anyway.</summary>
    private void TurnAt(long at)
    {
        if (at >= turnAt) return;
        turnAt = at;
        var number = ++turns;
        process.World.Clock.At(at, () =>
        {
            if (number == turns) process.WhenAwake(Turn);
        });
    }

    private void Arrive(in Arrival arrival)
    {
        inbox.Enqueue(arrival);
        Wake();
    }

    private void Turn()
    {
        turnAt = long.MaxValue;
        if (isStuck) return;
        var next = Instant.Never;
        process.Guard(() =>
        {
            while (inbox.TryDequeue(out var arrival))
            {
                if (arrival.Frame is { } frame) Loop.OnFrame(arrival.From, frame);
                else if (arrival.IsUp) Loop.OnPeerUp(arrival.From);
                else Loop.OnPeerDown(arrival.From);
            }

            next = Loop.Turn(process.Look());
            process.World.Check.AfterTurn(process, this);
        });
        if (!process.IsAlive || next == Instant.Never) return;
        TurnAt(Math.Max(process.Machine.Clock.TrueTimeOf(next), process.World.Clock.Now + process.TakeWork() + 1));
    }
}
