using System.Net.Security;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>A port at which Redis clients come in. For the loop's thread.</summary>
/// <param name="owner">Whose clients they become.</param>
/// <param name="listener">The socket, bound and listening; the door's from now on.</param>
internal sealed class RedisDoor(RedisLoop owner, Socket listener) : IReadyHandler
{
    private const int AcceptsPerTurn = 64;

    private LoopRegistration registration = LoopRegistration.None;

    /// <summary>What a handshake needs, as of now; null in the clear.</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

    /// <summary>Whether commands of those who come in here are forwarded.</summary>
    public bool Forwards { get; init; }

    /// <summary>Begins to accept.</summary>
    public void Open() => registration = owner.Loop.Register((int)listener.Handle, this, ReadyEvents.Readable);

    public void OnReady(ReadyEvents events, Instant now)
    {
        var node = owner.Node;
        owner.OnTime(now);
        for (var left = AcceptsPerTurn; left > 0; left--)
        {
            var descriptor = SocketCalls.Accept((int)listener.Handle, out var remote);
            if (descriptor < 0) return;
            if (owner.Connections >= Math.Min(node.Options.ClientsMax, node.Settings.ClientsMax))
            {
                node.Counters.RejectedClients++;
                if (Tls is null) SocketCalls.Send(descriptor, "-ERR max number of clients reached\r\n"u8);
                SocketCalls.Close(descriptor);
                continue;
            }

            SocketCalls.SetNoDelay(descriptor);
            owner.Add(new RedisConnection(owner, descriptor, remote, Tls is null ? null : new TlsLink(owner, descriptor, Tls()), Forwards));
        }
    }

    /// <summary>Accepts no more.</summary>
    public void Close()
    {
        owner.Loop.Unregister(registration);
        listener.Dispose();
    }
}
