using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Tests;

/// <summary>Bytes that this program did not write, and messages that do not reach everybody: answered or passed over, and never more.</summary>
public sealed class ForeignBytesTests
{
    private static readonly SlotRanges Some = SlotRanges.Parse("100-101")!;

    private readonly ShardMachine machine = new LocalShards().Replica;
    private const ulong Last = 1_000;

    [Theory]
    [InlineData(0xFF, 1, 2)] // Of another version.
    [InlineData((int)EffectsWriter.Version, 1, 200)] // Ends in the middle.
    [InlineData((int)EffectsWriter.Version, 1, 0)] // A command without a name.
    public void Effects_that_cannot_be_read_are_passed_over_by_every_replica_alike(int version, int words, int length)
    {
        var before = LocalShards.ContentOf(machine);
        Apply([(byte)version, (byte)words, (byte)length]);
        Assert.Equal(before, LocalShards.ContentOf(machine));
    }

    [Fact]
    public void A_move_is_refused_whose_keys_this_program_cannot_read()
    {
        var shard = new ShardMachine(new GroupId(9), machine.Call.Node.Table, machine.Call.Node);
        shard.State.ChangeSlots().TryClaim([]);
        Assert.True(shard.State.Slots.TryPrepare(new MoveId(1), new GroupId(2), Some, 5, isEmpty: true, isSealed: false));
        var stage = Effects("hf.move.stage"u8.ToArray(), "1"u8.ToArray(), "5"u8.ToArray(), "0"u8.ToArray(), [1, 0, 0, 0, 0xEE]);
        while (!shard.Apply(EntryOf(stage)).IsDone)
        {
        }

        Assert.Equal(ArrivalPhase.Refused, Assert.Single(shard.State.Slots.Incoming.Values).Phase);
        Assert.Equal(0, shard.State.CountIn(Some));
    }

    [Fact]
    public void A_published_message_goes_to_those_who_are_connected_and_to_nobody_when_it_is_too_large_for_a_frame()
    {
        var (self, up, down) = (new NodeId(1), new NodeId(2), new NodeId(3));
        var node = new KeyspaceNode(CommandTable.Build(), new KeyspaceOptions());
        node.Topology = new Topology(self, [new ClusterPeer(self, "127.0.0.1", 1, 2), new ClusterPeer(up, "127.0.0.1", 3, 4), new ClusterPeer(down, "127.0.0.1", 5, 6)], [], []);
        var mesh = new Mesh(up);
        var road = new Endpoints.PublicationRoad(node, mesh);
        road.Tell("news"u8, "hello"u8);
        Assert.Equal([up], mesh.Sent);
        Assert.Equal([up, down], mesh.Asked);
        road.Tell("news"u8, new byte[Endpoints.PublicationRoad.BytesMax]);
        Assert.Equal(2, mesh.Asked.Count);
    }

    private static byte[] Effects(params byte[][] words)
    {
        var bytes = new ByteBuffer();
        var writer = new EffectsWriter();
        writer.Begin(bytes);
        writer.Open(words.Length);
        foreach (var word in words) writer.Argument(word);
        return bytes.Written.ToArray();
    }

    private void Apply(byte[] effects)
    {
        while (!machine.Apply(EntryOf(effects)).IsDone)
        {
        }
    }

    private static CommittedEntry EntryOf(byte[] effects) =>
        new() { Position = new LogPosition(new Term(1), new LogIndex(Last)), TimeMicros = 1_700_000_000_000_000, FeatureLevel = 1, Command = effects, ReplyWanted = false };

    private sealed class Mesh(NodeId connected) : IPeerMesh
    {
        public List<NodeId> Asked { get; } = [];

        public List<NodeId> Sent { get; } = [];

        public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
        {
            Asked.Add(to);
            if (to != connected) return false;
            Sent.Add(to);
            return true;
        }

        public void Flush()
        {
        }

        public bool IsConnected(NodeId peer) => peer == connected;
    }
}
