namespace Holdfast.Transport;

/// <summary>
/// How a node speaks with its peers: a mesh for each of its loops, and the beats on a road of their own (S2). <see cref="PeerNetwork"/> over TCP, or whatever an embedder brings (R1.7). Frames may be lost, and those that arrive come
/// whole; between two nodes they keep their order while <see cref="IPeerMesh.IsConnected"/> holds. Both ends of a connection are told of its beginning and its end.
/// </summary>
public interface IPeerNetwork : IDisposable
{
    /// <summary>The peers as one loop sees them; the peers' loops of the same number are the other ends. Asked once for each loop, from 0, before anything starts.</summary>
    ILoopMesh MeshOf(int loop);

    /// <summary>Says whose beats are carried: every 50 ms to each peer that is connected, on one thread that nothing else holds up. Once, before <see cref="Start"/>.</summary>
    void Carry(IBeatHandler beats);

    /// <summary>The node's log is open: its beats begin. Disposing ends them, before the loops end.</summary>
    void Start();
}

/// <summary>A mesh that lives on an event loop.</summary>
public interface ILoopMesh : IPeerMesh
{
    /// <summary>Puts the mesh on its loop: from there on frames and news of peers go to <paramref name="frames"/>, on the loop's thread. Before the loop starts, once.</summary>
    void Attach(EventLoop home, IPeerHandler frames);
}
