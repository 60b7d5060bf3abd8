namespace Holdfast.Transport;

/// <summary>The real <see cref="IPeerNetwork"/>: connections over TCP to the peers of an address book, and from them through the node's listener, which must not have started.</summary>
public sealed class PeerNetwork(LocalNode self, PeerAddresses addresses, PeerListener listener, PeerTls? tls, TransportOptions options, TransportLog log, Action<Exception>? onFatal = null) : IPeerNetwork
{
    private BeatService? service;

    /// <inheritdoc/>
    public ILoopMesh MeshOf(int loop)
    {
        var mesh = new PeerMesh(loop, self, addresses, tls, options, log);
        listener.Serve(mesh);
        return mesh;
    }

    /// <inheritdoc/>
    public void Carry(IBeatHandler beats)
    {
        service = new BeatService(beats, self, addresses, tls, options, log, onFatal);
        listener.Serve(service);
    }

    /// <inheritdoc/>
    public void Start() => service!.Start();

    /// <inheritdoc/>
    public void Dispose() => service?.Dispose();
}
