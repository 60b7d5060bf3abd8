using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport.Tests;

public sealed class PeerListenerTests
{
    [Fact]
    public void What_is_not_a_preamble_is_closed_without_an_answer()
    {
        using var node = new TestNode(9);
        using var http = new RawPeer(node.Listener.Endpoint);
        http.Send("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: somebody who is lost\r\n\r\n"u8);
        http.AwaitClosed();
        Assert.False(node.Fatal.IsCompleted);
    }

    [Fact]
    public void Another_protocol_version_is_told_so()
    {
        using var node = new TestNode(9);
        using var future = new RawPeer(node.Listener.Endpoint);
        var bytes = new byte[PeerPreamble.Size];
        RawPeer.PreambleTo(node, 5).Write(bytes);
        bytes[4]++;
        future.Send(bytes);
        Assert.Equal(PeerVerdict.OtherVersion, future.ReadVerdict());
        future.AwaitClosed();
    }

    [Fact]
    public void Each_row_of_the_gate_refuses_with_its_reason()
    {
        using var node = new TestNode(9);
        var right = RawPeer.PreambleTo(node, 5);
        node.Addresses.Remove(new NodeId(4));
        foreach (var (preamble, verdict) in new[]
        {
            (right, PeerVerdict.Accepted),
            (right with { Wanted = new NodeId(8) }, PeerVerdict.OtherNode),
            (right with { Wanted = NodeId.None }, PeerVerdict.OtherNode),
            (right with { Sender = NodeId.None }, PeerVerdict.OtherNode),
            (right with { Cluster = new ClusterId(1) }, PeerVerdict.OtherCluster),
            (right with { Cluster = ClusterId.None }, PeerVerdict.OtherCluster),
            (right with { Sender = new NodeId(4) }, PeerVerdict.Removed),
            (right with { Sender = new NodeId(10) }, PeerVerdict.WrongDirection),
            (right with { Sender = node.Self.Id }, PeerVerdict.WrongDirection),
            (right with { Loop = 1 }, PeerVerdict.NoSuchDoor),
            (right with { Kind = PeerConnectionKind.Beat }, PeerVerdict.NoSuchDoor),
            (right with { Kind = PeerConnectionKind.Control }, PeerVerdict.NoSuchDoor),
        })
        {
            using var peer = new RawPeer(node.Listener.Endpoint);
            Assert.Equal(verdict, peer.Introduce(preamble));
        }
    }

    [Fact]
    public void A_preamble_in_single_bytes_is_accepted()
    {
        using var node = new TestNode(9);
        using var slow = new RawPeer(node.Listener.Endpoint);
        var bytes = new byte[PeerPreamble.Size];
        RawPeer.PreambleTo(node, 5).Write(bytes);
        foreach (var one in bytes) slow.Send([one]);
        Assert.Equal(PeerVerdict.Accepted, slow.ReadVerdict());
    }

    [Fact]
    public void A_silent_connection_is_closed_at_its_deadline()
    {
        using var node = new TestNode(9, options: new TransportOptions { HandshakeMax = TimeSpan.FromMilliseconds(50) });
        using var silent = new RawPeer(node.Listener.Endpoint);
        silent.Send([1, 2, 3]);
        silent.AwaitClosed();
    }

    [Fact]
    public async Task A_flood_of_half_open_connections_keeps_no_peer_out()
    {
        // The allowance is long, so that only the bound can be what helps.
        var options = new TransportOptions { HalfOpenMax = 100, HandshakeMax = TimeSpan.FromMinutes(5) };
        using var node = new TestNode(9, options: options);
        var flood = new List<RawPeer>();
        try
        {
            for (var i = 0; i < 1000; i++) flood.Add(new RawPeer(node.Listener.Endpoint));
            using var good = new RawPeer(node.Listener.Endpoint);
            Assert.Equal(PeerVerdict.Accepted, good.Introduce(RawPeer.PreambleTo(node, 5)));
            good.SendFrame("through"u8);
            await node.Happened.Until("frame 5 through");
            flood[0].AwaitClosed();
            Assert.InRange(node.Listener.HalfOpenCount, 0, options.HalfOpenMax);
        }
        finally
        {
            foreach (var one in flood) one.Dispose();
        }
    }
}
