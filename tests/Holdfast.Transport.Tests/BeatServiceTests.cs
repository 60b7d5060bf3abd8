using System.Buffers;
using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Transport.Tests;

public sealed class BeatServiceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Beats_are_sent_again_and_again_and_answered(bool underTls)
    {
        var authority = underTls ? TestAuthority.Create("cluster") : null;
        using var one = new BeatingNode(1, authority?.Issue("n1"));
        using var two = new BeatingNode(2, authority?.Issue("n2"));
        TestNode.Introduce(one.Node, two.Node);
        await one.Heart.Happened.Until("answer from 2", count: 3);
        await two.Heart.Happened.Until("answer from 1", count: 3);
    }

    [Fact]
    public async Task Beats_go_on_while_the_loop_is_stuck()
    {
        using var one = new BeatingNode(1, null);
        using var two = new BeatingNode(2, null);
        TestNode.Introduce(one.Node, two.Node);
        await one.Heart.Happened.Until("answer from 2");
        using var stuck = new ManualResetEventSlim();
        one.Node.Run(stuck.Wait);
        var before = one.Heart.Answers;
        await one.Heart.Happened.Until("answer from 2", count: before + 5);
        stuck.Set();
    }

    [Fact]
    public async Task A_peer_that_comes_back_is_beaten_again()
    {
        using var one = new BeatingNode(1, null);
        var two = new BeatingNode(2, null);
        var port = two.Node.Listener.Endpoint.Port;
        TestNode.Introduce(one.Node, two.Node);
        await one.Heart.Happened.Until("answer from 2");
        two.Dispose();
        using var again = new BeatingNode(2, null, port);
        await again.Heart.Happened.Until("question from 1");
        await one.Heart.Happened.Until("answer from 2", count: one.Heart.Answers + 1);
    }

    private sealed class BeatingNode : IDisposable
    {
        private readonly BeatService beats;

        public BeatingNode(ulong id, PeerTls? tls, int port = 0)
        {
            BeatService? made = null;
            Node = new TestNode(id, tls, new TransportOptions { BeatInterval = TimeSpan.FromMilliseconds(5) }, port: port, serve: (node, listener) =>
            {
                made = new BeatService(Heart, node.Self, node.Addresses, tls, node.Options, node.Log);
                listener.Serve(made);
                made.Start();
            });
            beats = made!;
        }

        public TestNode Node { get; }

        public Heart Heart { get; } = new();

        public void Dispose()
        {
            Node.Dispose();
            beats.Dispose();
        }
    }

    internal sealed class Heart : IBeatHandler
    {
        private int answers;

        public Events Happened { get; } = new();

        public int Answers => Volatile.Read(ref answers);

        public int WriteBeats(Instant now, NodeId to, IBufferWriter<byte> target)
        {
            BinaryPrimitives.WriteInt64LittleEndian(target.GetSpan(8), 1);
            target.Advance(8);
            return 8;
        }

        public void OnBeatFrame(Instant now, NodeId from, ReadOnlySpan<byte> frame, IBufferWriter<byte> reply)
        {
            if (BinaryPrimitives.ReadInt64LittleEndian(frame) == 2)
            {
                Interlocked.Increment(ref answers);
                Happened.Add($"answer from {from}");
                return;
            }

            Happened.Add($"question from {from}");
            BinaryPrimitives.WriteInt64LittleEndian(reply.GetSpan(8), 2);
            reply.Advance(8);
        }
    }
}
