using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport.Tests;

public sealed class PeerMeshTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Three_meshes_connect_and_frames_flow_both_ways()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        using var three = new TestNode(3);
        TestNode.Introduce(one, two, three);
        foreach (var (node, peers) in new[] { (one, new[] { two, three }), (two, [one, three]), (three, [one, two]) })
            foreach (var peer in peers) await node.Happened.Until($"up {peer.Self.Id}");

        Assert.True(await one.Send(two, "hello"u8.ToArray()));
        Assert.True(await two.Send(one, "well met"u8.ToArray()));
        Assert.True(await three.Send(one, "me too"u8.ToArray()));
        await two.Happened.Until("frame 1 hello");
        await one.Happened.Until("frame 2 well met");
        await one.Happened.Until("frame 3 me too");
        Assert.True(await one.Ask(() => one.Mesh.IsConnected(three.Self.Id)));
        Assert.False(await one.Ask(() => one.Mesh.IsConnected(new NodeId(9))));
        Assert.Equal(1, one.Happened.Count("up 2"));
    }

    [Fact]
    public async Task Large_and_empty_frames_arrive_whole_and_in_order()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        var sizes = new[] { 0, 1, 65_528, 65_529, 3_000_000, two.Options.FrameBytesMax, 7 };
        var received = new List<byte[]>();
        two.Frames = (_, frame) =>
        {
            received.Add(frame);
            if (received.Count == sizes.Length) two.Happened.Add("all");
        };
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");

        var random = new SeededRandom(7);
        var sent = sizes.Select(size => Enumerable.Range(0, size).Select(_ => (byte)random.NextUInt64()).ToArray()).ToArray();
        foreach (var frame in sent) Assert.True(await one.Send(two, frame));
        await two.Happened.Until("all");
        for (var i = 0; i < sent.Length; i++) Assert.True(sent[i].AsSpan().SequenceEqual(received[i]));
    }

    [Fact]
    public async Task Frames_beyond_the_outbound_bound_are_refused_and_room_comes_back()
    {
        var options = new TransportOptions { OutboundBytesMax = 4 << 20, FrameBytesMax = 1 << 20 };
        using var one = new TestNode(1, options: options);
        using var two = new TestNode(2, options: options);
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");

        // The other loop stands still, so nothing is read there.
        using var stuck = new ManualResetEventSlim();
        two.Run(stuck.Wait);
        var frame = new byte[1 << 19];
        var accepted = 0;
        while (await one.Send(two, frame)) accepted++;
        Assert.InRange(accepted, 7, 200);
        stuck.Set();
        while (!await one.Send(two, frame))
        {
        }
    }

    [Fact]
    public async Task A_restarted_peer_is_dialled_again()
    {
        using var one = new TestNode(1);
        var two = new TestNode(2);
        var port = two.Listener.Endpoint.Port;
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        two.Dispose();
        await one.Happened.Until("down 2");
        Assert.False(await one.Ask(() => one.Mesh.TrySend(new NodeId(2), [1])));

        using var again = new TestNode(2, bootCount: 2, port: port);
        await one.Happened.Until("up 2", count: 2);
        await again.Happened.Until("up 1");
        Assert.True(await one.Send(again, "still there"u8.ToArray()));
        await again.Happened.Until("frame 1 still there");
    }

    [Fact]
    public async Task A_restarted_dialler_comes_back()
    {
        var one = new TestNode(1);
        using var two = new TestNode(2);
        TestNode.Introduce(one, two);
        await two.Happened.Until("up 1");
        one.Dispose();
        await two.Happened.Until("down 1");
        using var again = new TestNode(1, bootCount: 2);
        TestNode.Introduce(again, two);
        await two.Happened.Until("up 1", count: 2);
    }

    [Fact]
    public async Task Another_incarnation_under_the_address_is_not_spoken_to()
    {
        using var one = new TestNode(1);
        using var wiped = new TestNode(22);
        one.Addresses.Set(wiped.Address with { Node = new NodeId(2) });
        await one.Happened.Until("log mesh 0 cannot reach n16 (2)");
        Assert.Contains(one.Lines, line => line.Contains("it is 16, not 2", StringComparison.Ordinal));
        Assert.Equal(0, one.Happened.Count("up 2"));
        Assert.Equal(0, wiped.Happened.Count("up 1"));
    }

    [Fact]
    public async Task Another_cluster_is_refused()
    {
        using var one = new TestNode(1);
        using var stranger = new TestNode(2, cluster: new ClusterId(0xBAD));
        TestNode.Introduce(one, stranger);
        await one.Happened.Until("log mesh 0 cannot reach n2 (2)");
        Assert.Contains(one.Lines, line => line.Contains("it belongs to cluster bad, we to c0ffee", StringComparison.Ordinal));
        Assert.Equal(0, stranger.Happened.Count("up 1"));
    }

    [Fact]
    public async Task A_node_connects_once_its_cluster_is_known()
    {
        using var one = new TestNode(1, cluster: ClusterId.None);
        using var two = new TestNode(2);
        TestNode.Introduce(one, two);
        Assert.False(await one.Ask(() => one.Mesh.IsConnected(two.Self.Id)));
        one.Self.BecomeMemberOf(TestNode.Cluster);
        await one.Happened.Until("up 2");
    }

    /// <summary>Where the process may not raise a thread's rank it is the same all along.</summary>
    [Fact]
    public async Task A_loop_goes_first_while_its_mesh_has_peers()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        var alone = await one.Ask(ThreadNice.OfThis);
        Assert.Equal(ThreadNice.OfThis(), alone);
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        Assert.Contains(await one.Ask(ThreadNice.OfThis), (int[])[alone, ThreadNice.OfFirst]);
        one.Addresses.Remove(two.Self.Id);
        await one.Happened.Until("down 2");
        Assert.Equal(alone, await one.Ask(ThreadNice.OfThis));
    }

    [Fact]
    public async Task A_removed_node_is_dropped_and_refused()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        TestNode.Introduce(one, two);
        await two.Happened.Until("up 1");
        two.Addresses.Remove(one.Self.Id);
        await two.Happened.Until("down 1");
        await one.Happened.Until("log mesh 0 cannot reach n2 (2)");
        Assert.Contains(one.Lines, line => line.Contains("was removed from the cluster", StringComparison.Ordinal));
        two.Addresses.Set(one.Address);
        Assert.False(two.Addresses.TryGet(one.Self.Id, out _));
    }

    [Fact]
    public async Task A_connection_of_an_earlier_start_is_superseded_and_one_of_a_later_start_replaces()
    {
        using var node = new TestNode(9);
        using var present = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, present.Introduce(RawPeer.PreambleTo(node, 5, bootCount: 3)));
        using var earlier = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Superseded, earlier.Introduce(RawPeer.PreambleTo(node, 5, bootCount: 2)));
        earlier.AwaitClosed();
        using var later = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, later.Introduce(RawPeer.PreambleTo(node, 5, bootCount: 4)));
        present.AwaitClosed();
        later.SendFrame("new"u8);
        await node.Happened.Until("frame 5 new");
        Assert.Equal(1, node.Happened.Count("down 5"));

        // The book does not know it: what is known of it goes with its first connection, and its second must be known again.
        Assert.True(await node.Ask(() => node.Mesh.IsConnected(new NodeId(5))));
        Assert.True(await node.Ask(() => node.Mesh.TrySend(new NodeId(5), "well met"u8)));
    }

    [Theory]
    [InlineData(uint.MaxValue)]
    [InlineData((16u << 20) + 1)]
    public async Task An_absurd_length_closes_the_connection_and_nobody_else_notices(uint length)
    {
        using var node = new TestNode(9);
        using var good = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, good.Introduce(RawPeer.PreambleTo(node, 4)));
        using var bad = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, bad.Introduce(RawPeer.PreambleTo(node, 5)));
        var header = new byte[PeerFrameHeader.Size];
        new PeerFrameHeader(length, 0).Write(header);
        bad.Send(header);
        bad.AwaitClosed();
        await node.Happened.Until("down 5");
        good.SendFrame("fine"u8);
        await node.Happened.Until("frame 4 fine");
        Assert.False(node.Fatal.IsCompleted);
    }

    [Fact]
    public async Task A_damaged_frame_closes_the_connection_and_is_not_handed_on()
    {
        using var node = new TestNode(9);
        using var bad = new RawPeer(node.Listener.Endpoint);
        Assert.Equal(PeerVerdict.Accepted, bad.Introduce(RawPeer.PreambleTo(node, 5)));
        bad.SendFrame("good"u8);
        bad.Send([3, 0, 0, 0, 1, 2, 3, 4, (byte)'b', (byte)'a', (byte)'d']);
        bad.AwaitClosed();
        await node.Happened.Until("down 5");
        Assert.Equal(1, node.Happened.Count("frame 5 good"));
        Assert.Equal(0, node.Happened.Count("frame 5 bad"));
    }

    [Fact]
    public async Task Random_bytes_after_the_preamble_harm_nobody()
    {
        using var node = new TestNode(9);
        var random = new SeededRandom(11);
        for (var round = 0; round < 50; round++)
        {
            using var bad = new RawPeer(node.Listener.Endpoint);
            Assert.Equal(PeerVerdict.Accepted, bad.Introduce(RawPeer.PreambleTo(node, 5)));
            var garbage = new byte[random.Next(1, 3000)];
            for (var i = 0; i < garbage.Length; i++) garbage[i] = (byte)random.NextUInt64();
            bad.Send(garbage);
        }

        await node.Happened.Until("down 5", count: 50);
        Assert.False(node.Fatal.IsCompleted);
    }

    [Fact]
    public async Task A_thousand_round_trips_between_two_loops_are_measured()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        const int Rounds = 1000;
        var left = Rounds;
        var watch = new Stopwatch();
        two.Frames = (from, frame) => two.Mesh.TrySend(from, frame);
        one.Frames = (from, frame) =>
        {
            if (--left > 0)
            {
                one.Mesh.TrySend(from, frame);
                return;
            }

            watch.Stop();
            one.Happened.Add("done");
        };
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        await two.Happened.Until("up 1");
        watch.Start();
        Assert.True(await one.Send(two, new byte[256]));
        await one.Happened.Until("done");
        output.WriteLine($"ping-pong of 256 bytes between two loops: {watch.Elapsed.TotalMicroseconds / Rounds:F1} us a round trip");
    }

    [Fact]
    public async Task A_hundred_thousand_frames_in_batches_are_measured()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        const int Batches = 400;
        const int PerBatch = 250;
        var left = Batches * PerBatch;
        two.Frames = (_, _) =>
        {
            if (--left == 0) two.Happened.Add("done");
        };
        TestNode.Introduce(one, two);
        await one.Happened.Until("up 2");
        var frame = new byte[256];
        var watch = Stopwatch.StartNew();
        for (var batch = 0; batch < Batches; batch++)
        {
            var sent = await one.Ask(() =>
            {
                var count = 0;
                while (count < PerBatch && one.Mesh.TrySend(two.Self.Id, frame)) count++;
                return count;
            });
            Assert.Equal(PerBatch, sent);
        }

        await two.Happened.Until("done");
        output.WriteLine($"{Batches * PerBatch / watch.Elapsed.TotalSeconds:N0} frames of 256 bytes a second in batches of {PerBatch}");
    }

    [Fact]
    public void A_taken_port_is_known_at_once()
    {
        using var one = new TestNode(1);
        var fault = Assert.Throws<SocketException>(() => new PeerListener(
            new IPEndPoint(IPAddress.Loopback, one.Listener.Endpoint.Port), one.Self, one.Addresses, null, one.Options, one.Log));
        Assert.Equal(SocketError.AddressAlreadyInUse, fault.SocketErrorCode);
    }
}
