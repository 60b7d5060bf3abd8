using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Wire;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>What beats say. The transport carries them and does not look inside. Called on the beat thread; must not block or allocate.</summary>
public interface IBeatHandler
{
    /// <summary>Writes what to say to a peer now.</summary>
    /// <returns>The bytes written; 0 sends nothing.</returns>
    int WriteBeats(Instant now, NodeId to, IBufferWriter<byte> target);

    /// <summary>A peer's beat, or its answer to ours, has come in. What is written to <paramref name="reply"/> goes back at once.</summary>
    void OnBeatFrame(Instant now, NodeId from, ReadOnlySpan<byte> frame, IBufferWriter<byte> reply);
}

/// <summary>
/// The node's pulse (S2): a thread of its own, of raised priority where that is allowed, with connections of its own, on which every 50 ms each connected peer is sent a beat. It shares
/// nothing with the loops but what its handler shares, so a burst of frames, a slow apply or a starved thread pool delays no beat; under TLS too, which runs on this thread.
/// </summary>
public sealed class BeatService : IDisposable
{
    private readonly EventLoop loop;
    private readonly PeerMesh mesh;

    /// <summary>A service that beats after <see cref="Start"/>.</summary>
    public BeatService(IBeatHandler handler, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions options, TransportLog log, Action<Exception>? onFatal = null)
    {
        mesh = new PeerMesh(PeerConnectionKind.Beat, 0, self, addresses, tls, options, log);
        var pulse = new Pulse(handler, mesh, options.BeatInterval);
        loop = new EventLoop("beats", pulse, onFatal, isPulse: true);
        mesh.Attach(loop, pulse);
    }

    /// <summary>Begins to beat.</summary>
    public void Start() => loop.Start();

    /// <summary>Ends the thread and closes the connections: peers withdraw their support when it lapses.</summary>
    public void Dispose() => loop.Dispose();

    internal bool TryAdopt(ByteChannel channel, in PeerPreamble preamble) => mesh.TryAdopt(channel, preamble);

    private sealed class Pulse(IBeatHandler handler, PeerMesh mesh, TimeSpan interval) : ILoopBody, IPeerHandler
    {
        private readonly ByteBuffer buffer = new();
        private readonly List<NodeId> peers = [];
        private Instant next = Instant.Zero;

        public Instant Turn(Instant now)
        {
            if (now >= next)
            {
                BeatAll(now);

                // After a pause the missed beats are not made up for: only the newest is worth anything.
                next = next + interval > now ? next + interval : now + interval;
            }

            mesh.Flush();
            return next;
        }

        public void OnFrame(NodeId from, ReadOnlySpan<byte> frame)
        {
            buffer.Clear();
            handler.OnBeatFrame(MonotonicClock.Now, from, frame, buffer);
            if (buffer.Length > 0) mesh.TrySend(from, buffer.Written);
        }

        public void OnPeerUp(NodeId peer)
        {
            buffer.Clear();
            if (handler.WriteBeats(MonotonicClock.Now, peer, buffer) > 0) mesh.TrySend(peer, buffer.Written);
        }

        public void OnPeerDown(NodeId peer)
        {
            // Nothing: support lapses by time, not by a closed connection.
        }

        private void BeatAll(Instant now)
        {
            peers.Clear();
            mesh.ListConnected(peers);
            foreach (var peer in peers)
            {
                buffer.Clear();
                if (handler.WriteBeats(now, peer, buffer) > 0) mesh.TrySend(peer, buffer.Written);
            }
        }
    }
}
