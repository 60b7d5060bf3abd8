using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport.Tests;

/// <summary>A peer made by hand, which may break every rule.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };

    /// <summary>One that has not dialled yet.</summary>
    public RawPeer()
    {
    }

    public RawPeer(IPEndPoint target) => Connect(target);

    public static PeerPreamble PreambleTo(TestNode node, ulong sender, uint bootCount = 1) =>
        new(PeerConnectionKind.Mesh, TestNode.Cluster, new NodeId(sender), bootCount, 1, 0, node.Self.Id);

    public void Connect(IPEndPoint target) => socket.Connect(target);

    public void Send(ReadOnlySpan<byte> bytes) => socket.Send(bytes);

    public PeerVerdict Introduce(in PeerPreamble preamble)
    {
        var bytes = new byte[PeerPreamble.Size];
        preamble.Write(bytes);
        Send(bytes);
        return ReadVerdict();
    }

    public PeerVerdict ReadVerdict()
    {
        var bytes = new byte[PeerAnswer.Size];
        for (var count = 0; count < bytes.Length;)
        {
            var read = socket.Receive(bytes.AsSpan(count));
            Assert.NotEqual(0, read);
            count += read;
        }

        Assert.True(PeerAnswer.TryRead(bytes, out var answer));
        return answer.Verdict;
    }

    public void SendFrame(ReadOnlySpan<byte> body)
    {
        var bytes = new byte[PeerFrameHeader.Size + body.Length];
        PeerFrameHeader.Of(body).Write(bytes);
        body.CopyTo(bytes.AsSpan(PeerFrameHeader.Size));
        Send(bytes);
    }

    /// <summary>Waits until the other side has closed, whatever it says before.</summary>
    public void AwaitClosed()
    {
        var bytes = new byte[4096];
        try
        {
            while (socket.Receive(bytes) > 0)
            {
            }
        }
        catch (SocketException fault) when (fault.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted)
        {
            // Closed with bytes of ours unread.
        }
    }

    public void Dispose() => socket.Dispose();
}
