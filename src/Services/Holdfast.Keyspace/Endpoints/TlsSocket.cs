using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>A client's socket below TLS. The descriptor is its owner's.</summary>
internal sealed class TlsSocket(int descriptor) : LoopStream(keptBytesMax: 1024)
{
    protected override int Receive(Span<byte> target) => SocketCalls.Receive(descriptor, target);

    protected override int Send(ReadOnlySpan<byte> bytes) => SocketCalls.Send(descriptor, bytes);
}
