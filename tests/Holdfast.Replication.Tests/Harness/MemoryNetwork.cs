using System.Collections.Concurrent;
using System.Diagnostics;
using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Replication.Tests;

/// <summary>A transport of another make: nodes of one process hand each other copies of frames. Those that are in the hub are connected.</summary>
internal sealed class MemoryHub
{
    private readonly Lock gate = new();
    private readonly Dictionary<NodeId, MemoryNetwork> nodes = [];

    public MemoryNetwork? Find(NodeId node)
    {
        lock (gate) return nodes.GetValueOrDefault(node);
    }

    public MemoryNetwork[] Others(NodeId node)
    {
        lock (gate) return [.. nodes.Where(pair => pair.Key != node).Select(pair => pair.Value)];
    }

    public void Enter(MemoryNetwork network)
    {
        lock (gate)
        {
            foreach (var other in nodes.Values)
            {
                other.Tell(network.Self, isUp: true);
                network.Tell(other.Self, isUp: true);
            }

            nodes.Add(network.Self, network);
        }
    }

    public void Leave(MemoryNetwork network)
    {
        lock (gate)
        {
            if (!nodes.Remove(network.Self)) return;
            foreach (var other in nodes.Values) other.Tell(network.Self, isUp: false);
        }
    }
}

internal sealed class MemoryNetwork(MemoryHub hub, NodeId self) : IPeerNetwork
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly List<Mesh> meshes = [];
    private readonly BlockingCollection<(NodeId From, byte[] Frame)> beats = new(1000);
    private Thread? pulse;
    private IBeatHandler? handler;
    private volatile bool isOver;

    public NodeId Self => self;

    public int Frames => meshes.Sum(mesh => mesh.Taken);

    public ILoopMesh MeshOf(int loop)
    {
        var mesh = new Mesh(hub, self, loop);
        meshes.Add(mesh);
        return mesh;
    }

    public void Carry(IBeatHandler beatHandler) => handler = beatHandler;

    public void Start()
    {
        hub.Enter(this);
        pulse = new Thread(Beat) { IsBackground = true, Name = $"beats of {self}" };
        pulse.Start();
    }

    public void Dispose()
    {
        hub.Leave(this);
        isOver = true;
        pulse?.Join();
    }

    public void Tell(NodeId peer, bool isUp)
    {
        foreach (var mesh in meshes) mesh.Take(new Arrival(peer, null, isUp));
    }

    private void Beat()
    {
        var buffer = new ByteBuffer();
        for (var last = Stopwatch.GetTimestamp(); !isOver;)
        {
            if (beats.TryTake(out var beat, Interval))
            {
                buffer.Clear();
                handler!.OnBeatFrame(MonotonicClock.Now, beat.From, beat.Frame, buffer);
                if (buffer.Length > 0) hub.Find(beat.From)?.beats.TryAdd((self, buffer.Written.ToArray()));
            }

            if (Stopwatch.GetElapsedTime(last) < Interval) continue;
            last = Stopwatch.GetTimestamp();
            foreach (var peer in hub.Others(self))
            {
                buffer.Clear();
                if (handler!.WriteBeats(MonotonicClock.Now, peer.Self, buffer) > 0) peer.beats.TryAdd((self, buffer.Written.ToArray()));
            }
        }
    }

    private readonly record struct Arrival(NodeId From, byte[]? Frame, bool IsUp);

    private sealed class Mesh(MemoryHub hub, NodeId self, int number) : ILoopMesh, ILoopPart
    {
        private const int ArrivalsMax = 10_000;

        private readonly ConcurrentQueue<Arrival> arrivals = new();
        private EventLoop? loop;
        private IPeerHandler? handler;

        public int Taken { get; private set; }

        public void Attach(EventLoop home, IPeerHandler frames)
        {
            (loop, handler) = (home, frames);
            home.Attach(this);
        }

        public bool TrySend(NodeId to, ReadOnlySpan<byte> frame) => hub.Find(to)?.meshes[number].Take(new Arrival(self, frame.ToArray(), true)) ?? false;

        public void Flush()
        {
            // A frame is there as soon as it is sent.
        }

        public bool IsConnected(NodeId peer) => hub.Find(peer) is not null;

        public bool Take(in Arrival arrival)
        {
            if (arrival.Frame is not null && arrivals.Count >= ArrivalsMax) return false;
            arrivals.Enqueue(arrival);
            loop!.Wake();
            return true;
        }

        public Instant Turn(Instant now)
        {
            while (arrivals.TryDequeue(out var arrival))
            {
                Taken++;
                if (arrival.Frame is { } frame) handler!.OnFrame(arrival.From, frame);
                else if (arrival.IsUp) handler!.OnPeerUp(arrival.From);
                else handler!.OnPeerDown(arrival.From);
            }

            return Instant.Never;
        }

        public void OnLoopEnded() => arrivals.Clear();
    }
}
