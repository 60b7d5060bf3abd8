using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>A shard whose replicas are on other nodes: who is asked when one is slow, gone or refuses, and what is never asked twice.</summary>
public sealed class RoutedShardTests
{
    private static readonly NodeId Self = new(1);
    private static readonly NodeId[] Others = [new NodeId(2), new NodeId(3)];

    [Fact]
    public async Task A_read_whose_replica_is_silent_is_asked_of_another_and_answered()
    {
        var calls = new Calls();
        calls.Read = async (node, cancel) => node == calls.Asked[0] ? await Silence(cancel) : Answer(7);
        var board = new ReplicaBoard();
        var shard = Shard(calls, board);
        var answer = await shard.AskAsync(new CountQuestion(), ReadDemand.Strong, TestContext.Current.CancellationToken);
        Assert.Equal(7, answer.Count);
        Assert.Equal(2, calls.Asked.Count);
        Assert.Equal(1, board.Hedged);
        Assert.Equal(1, board.HedgesWon);
    }

    [Fact]
    public async Task A_read_whose_replica_is_gone_goes_to_another_at_once()
    {
        var calls = new Calls();
        calls.Read = (node, _) => new(node == calls.Asked[0] ? new ControlReply(ControlStatus.Unreachable, default, "gone", node, default) : Answer(5));
        Assert.Equal(5, (await Shard(calls, new ReplicaBoard()).AskAsync(new CountQuestion(), ReadDemand.Eventual, TestContext.Current.CancellationToken)).Count);
        Assert.Equal(2, calls.Asked.Distinct().Count());
    }

    [Fact]
    public async Task What_is_wrong_with_a_question_is_said_by_the_first_and_not_asked_again()
    {
        var calls = new Calls { Read = static (node, _) => new(new ControlReply(ControlStatus.Ok, ShardVerb.Refusal(VectorFault.BadInput("no")), "", node, default)) };
        var fault = await Assert.ThrowsAsync<VectorFault>(async () => await Shard(calls, new ReplicaBoard()).AskAsync(new CountQuestion(), ReadDemand.Strong, TestContext.Current.CancellationToken));
        Assert.Equal((400, "Wrong input: no"), (fault.Status, fault.Message));
        Assert.Single(calls.Asked);
    }

    [Fact]
    public async Task A_read_that_nobody_answers_says_so()
    {
        var calls = new Calls { Read = static (node, _) => new(new ControlReply(ControlStatus.Unreachable, default, "gone", node, default)) };
        var fault = await Assert.ThrowsAsync<VectorFault>(async () => await Shard(calls, new ReplicaBoard()).AskAsync(new CountQuestion(), ReadDemand.Strong, TestContext.Current.CancellationToken));
        Assert.Equal(503, fault.Status);
        Assert.Equal(2, calls.Asked.Count);
    }

    [Fact]
    public async Task A_write_that_was_not_heard_is_sent_to_another_and_one_of_unknown_fate_is_not()
    {
        var calls = new Calls();
        calls.Write = (node, _) => new(node == calls.Asked[0] ? new ControlReply(ControlStatus.Busy, default, "refused", node, default) : new ControlReply(ControlStatus.Ok, ShardVerb.Answer(new ShardReply(new LogIndex(9), null, 1)), "", node, default));
        Assert.Equal(new LogIndex(9), (await Shard(calls, new ReplicaBoard()).ProposeAsync([1], TestContext.Current.CancellationToken)).Index);
        Assert.Equal(2, calls.Asked.Count);

        calls = new Calls { Write = static (node, _) => new(new ControlReply(ControlStatus.Unreachable, default, "cut off", node, default)) };
        var fault = await Assert.ThrowsAsync<VectorFault>(async () => await Shard(calls, new ReplicaBoard()).ProposeAsync([1], TestContext.Current.CancellationToken));
        Assert.Equal(500, fault.Status);
        Assert.Single(calls.Asked);
    }

    [Fact]
    public void What_a_write_missed_is_told_between_nodes_too()
    {
        foreach (var missed in new PointId?[] { null, PointId.Of(0), PointId.Of(ulong.MaxValue), PointId.Of(Guid.Parse("5c56c793-69f3-4fbf-87e6-c4bf54c28c26")) })
        {
            var reply = new ShardReply(new LogIndex(9), null, 3) { Missed = missed };
            Assert.Equal(reply, ShardVerb.DecodeReply(ShardVerb.Answer(reply)));
        }
    }

    [Fact]
    public async Task While_a_replica_moves_the_node_that_it_comes_from_is_asked_when_the_other_does_not_have_it_yet()
    {
        var calls = new Calls();
        var places = new Places { Nodes = [Others[0]], Others = [Others[1]] };
        calls.Read = (node, _) => new(node == Others[0] ? new ControlReply(ControlStatus.Ok, ShardVerb.Refusal(VectorFault.Unavailable("no replica")), "", node, default) : Answer(3));
        calls.Write = (node, _) => new(node == Others[0] ? new ControlReply(ControlStatus.Busy, default, "no replica", node, default) : new ControlReply(ControlStatus.Ok, ShardVerb.Answer(new ShardReply(new LogIndex(4), null, 1)), "", node, default));
        var shard = new RoutedShard(places, Self, calls, new ReplicaBoard(), []);
        Assert.Equal(3, (await shard.AskAsync(new CountQuestion(), ReadDemand.Strong, TestContext.Current.CancellationToken)).Count);
        Assert.Equal(new LogIndex(4), (await shard.ProposeAsync([1], TestContext.Current.CancellationToken)).Index);
        Assert.Equal([Others[0], Others[1], Others[0], Others[1]], calls.Asked);
    }

    [Fact]
    public async Task A_shard_that_was_split_says_so_at_once_and_no_other_replica_is_asked()
    {
        var calls = new Calls { Read = static (node, _) => new(new ControlReply(ControlStatus.Ok, ShardVerb.Refusal(VectorFault.Misdirected("split")), "", node, default)) };
        var fault = await Assert.ThrowsAsync<VectorFault>(async () => await Shard(calls, new ReplicaBoard()).AskAsync(new CountQuestion(), ReadDemand.Strong, TestContext.Current.CancellationToken));
        Assert.True(fault.IsMisdirected);
        Assert.Single(calls.Asked);
    }

    [Fact]
    public async Task Questions_and_answers_longer_than_a_control_call_go_and_come_in_pieces()
    {
        var other = new FarEnd();
        var shard = new RoutedShard(new Places { Nodes = [Others[0]] }, Self, other, new ReplicaBoard(), []);
        var ids = Enumerable.Range(0, 400_000).Select(id => PointId.Of((ulong)id)).ToArray();
        var answer = await shard.AskAsync(new RetrieveQuestion(ids), ReadDemand.Strong, TestContext.Current.CancellationToken);
        Assert.Equal(ids, answer.Points.Select(point => point.Id));
        Assert.InRange(other.Longest, 1, LongMessages.PieceBytes + 1024);
        var command = new byte[5_000_000];
        Random.Shared.NextBytes(command);
        await shard.ProposeAsync(command, TestContext.Current.CancellationToken);
        Assert.Equal(command, other.Proposed);
        Assert.InRange(other.Longest, 1, LongMessages.PieceBytes + 1024);

        // A node that forgot what it was to be fetched from, or got a piece twice, says so or takes it.
        var messages = new LongMessages();
        Assert.Equal(503, Assert.Throws<VectorFault>(() => messages.PieceOf(7, 0)).Status);
        messages.Add(1, 4, 0, new byte[] { 1, 2 });
        messages.Add(1, 4, 0, new byte[] { 1, 2 });
        Assert.Equal(503, Assert.Throws<VectorFault>(() => messages.Add(1, 4, 3, new byte[] { 4 })).Status);
        messages.Add(1, 4, 2, new byte[] { 3, 4 });
        Assert.Equal([1, 2, 3, 4], messages.Take(1).ToArray());
        Assert.Equal(413, Assert.Throws<VectorFault>(() => messages.Add(2, int.MaxValue, 0, new byte[] { 1 })).Status);
    }

    [Fact]
    public void Programs_before_the_late_commands_are_not_given_any()
    {
        // The version is the first byte: an older program knows one, and refuses what has another.
        var late = ShardCommand.UpsertWhere([], _ => 0, new UpsertRule(UpsertMode.InsertOnly, ""));
        Assert.Equal(2, ShardVerb.Encode(new GroupId(4), late)[0]);
        Assert.Equal(1, ShardVerb.Encode(new GroupId(4), ShardCommand.Delete([]))[0]);
        Assert.Equal(late, ShardVerb.Decode(ShardVerb.Encode(new GroupId(4), late))!.Value.Command);
        Assert.Equal(2u, ShardCommand.LevelOf(late));
        Assert.Equal(2u, ShardCommand.LevelOf(SplitCommand.Unseal(new LogIndex(1))));
        Assert.Equal(1u, ShardCommand.LevelOf(ShardCommand.Delete([])));

        // Where keys were only names, a path would stand in the payload as it is written.
        Assert.Equal((1u, 2u), (ShardCommand.LevelOf(ShardCommand.SetPayload([PointId.Of(1)], Payload.Empty, "a.b")), ShardCommand.LevelOf(ShardCommand.SetPayload([PointId.Of(1)], Payload.Empty, "a[0].b"))));
        Assert.Equal((1u, 2u), (ShardCommand.LevelOf(ShardCommand.DeletePayload([PointId.Of(1)], ["a", "b.c"])), ShardCommand.LevelOf(ShardCommand.DeletePayload([PointId.Of(1)], ["a", "b[]"]))));
    }

    [Fact]
    public void Questions_and_answers_come_over_the_wire_as_they_were()
    {
        var filter = FilterParser.Parse("""{"must":[{"key":"a","match":{"value":1}}]}""");
        ShardQuestion[] questions =
        [
            new NearestQuestion(new NearestQuery { Column = 1, Vector = [1, 2], Limit = 3, ScoreThreshold = 0.5f, Ef = 77, IsExact = true }) { Filter = filter, Wanted = ContentWanted.Everything },
            new ExampleQuestion(0, ExampleRule.Discover, [new NamedVector("", [1f, 2f])], [new NamedVector("", [3f, 4f])], new NamedVector("", [5f], [6]), 9, null),
            new RetrieveQuestion([PointId.Of(1), PointId.Of(Guid.Parse("5c56c793-69f3-4fbf-87e6-c4bf54c28c26"))]),
            new PageQuestion(PointId.Of(7), 12) { Filter = filter },
            new PageQuestion(null, 999_999_999),
            new OrderedQuestion(new ValueOrder("k", true, 4.5), 3),
            new SampleQuestion(5, 99) { Column = 2 },
            new CountQuestion { Filter = filter },
            new NamesQuestion(),
            new FacetQuestion("key"),
            new FactsQuestion(),
            new PartQuestion(new HashPart(3, 5), new LogIndex(77), PointId.Of(9), 100) { Wanted = ContentWanted.Everything },
            new PartQuestion(HashPart.All, default, null, int.MaxValue),
            new SplitQuestion(null),
            new SplitQuestion(new HashPart(2, 3)) { Part = new HashPart(1, 1) },
            new CountQuestion { Part = new HashPart(7, 99) },
        ];
        foreach (var question in questions)
        {
            var call = ShardVerb.Decode(ShardVerb.Encode(new GroupId(4), question, new ReadDemand(ReadLevel.Session, new LogIndex(8))))!.Value;
            Assert.Equal(new GroupId(4), call.Group);
            Assert.Equal(new ReadDemand(ReadLevel.Session, new LogIndex(8)), call.Demand);
            Assert.Equal(question.GetType(), call.Question!.GetType());
            Assert.Equal(question.Wanted, call.Question.Wanted);
            Assert.Equal(question.Part, call.Question.Part);
            Assert.True(call.TakesPieces);
            Assert.Equal(question.Filter?.Json, call.Question.Filter?.Json);
            Assert.Equal(ShardVerb.Encode(new GroupId(4), question, default), ShardVerb.Encode(new GroupId(4), call.Question, default));
        }

        VectorParams[] columns = [new VectorParams { Name = "v", Size = 2, Distance = Holdfast.Vectors.Kernels.Distance.Dot }];
        var sent = new ShardAnswer
        {
            Applied = 3, Committed = 4, Node = 5, Count = 6, Next = PointId.Of(8), Values = [new("\"x\"", 2)],
            Facts = new ShardFacts(1, 2, 3, true, [new("k", "\"keyword\"")]), Traces = [new SegmentTrace(1, "graph", 10, 5, 2) { Levels = 3, Filter = "payload index", Admitted = 4, SearchMicros = 5 }],
            Points = [new FoundPoint(PointId.Of(1)) { Score = 0.25f, Version = 9, Order = new OrderValue(7, true), Vectors = [new NamedVector("v", [1, 2])] }],
        };
        var got = ShardVerb.DecodeAnswer(ShardVerb.Answer(sent, false, _ => 0).Span, columns);
        Assert.Equal((3UL, 4UL, 5UL, 6L, PointId.Of(8)), (got.Applied, got.Committed, got.Node, got.Count, got.Next));
        Assert.Equal((sent.Values[0], sent.Traces[0], sent.Facts.Indexes[0]), (got.Values[0], got.Traces[0], got.Facts!.Indexes[0]));
        Assert.Equal((0.25f, 9UL, new OrderValue(7, true)), (got.Points[0].Score, got.Points[0].Version, got.Points[0].Order));
        Assert.Equal([1f, 2f], got.Points[0].Vectors[0].Values);
        Assert.Null(ShardVerb.Decode([9, 9]));
        for (var length = 0; length < 40; length++) Assert.Null(ShardVerb.Decode(ShardVerb.Encode(new GroupId(4), questions[0], default).AsSpan(0, length)));
    }

    private static RoutedShard Shard(Calls calls, ReplicaBoard board) => new(new Places(), Self, calls, board, []);

    private static ControlReply Answer(long count) => new(ControlStatus.Ok, ShardVerb.Answer(new ShardAnswer { Count = count }, false, _ => 0), "", default, default);

    private static async ValueTask<ControlReply> Silence(CancellationToken cancel)
    {
        await Task.Delay(Timeout.Infinite, cancel).ContinueWith(static _ => { }, TaskScheduler.Default);
        return new ControlReply(ControlStatus.Unreachable, default, "cancelled", default, default);
    }

    private sealed class Places : IReplicaPlaces
    {
        public GroupId Group => new(4);

        public IReadOnlyList<NodeId> Nodes { get; init; } = RoutedShardTests.Others;

        public IReadOnlyList<NodeId> Others { get; init; } = [];

        public IShard? Near => null;
    }

    /// <summary>Another node that answers every id with a point, and bounds what a call carries.</summary>
    private sealed class FarEnd : INodeCalls
    {
        private readonly LongMessages messages = new();

        public int Longest { get; private set; }

        public byte[] Proposed { get; private set; } = [];

        public ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
        {
            Longest = Math.Max(Longest, message.Length);
            var answer = Answered(message);
            Longest = Math.Max(Longest, answer.Length);
            return new(new ControlReply(ControlStatus.Ok, answer, "", node, default));
        }

        public ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel) => ReadAsync(node, message, cancel);

        private ReadOnlyMemory<byte> Answered(ReadOnlyMemory<byte> message)
        {
            if (ShardVerb.Serve(messages, ref message) is { } served) return served;
            var call = ShardVerb.Decode(message.Span)!.Value;
            if (call.Question is not RetrieveQuestion retrieve)
            {
                Proposed = call.Command;
                return ShardVerb.Answer(new ShardReply(new LogIndex(1), null, 1));
            }

            return ShardVerb.Shortened(ShardVerb.Answer(new ShardAnswer { Points = [.. retrieve.Ids.Select(id => new FoundPoint(id))] }, false, _ => 0), call.TakesPieces, messages);
        }
    }

    private sealed class Calls : INodeCalls
    {
        public List<NodeId> Asked { get; } = [];

        public Func<NodeId, CancellationToken, ValueTask<ControlReply>>? Read { get; set; }

        public Func<NodeId, CancellationToken, ValueTask<ControlReply>>? Write { get; set; }

        public ValueTask<ControlReply> ReadAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
        {
            lock (Asked) Asked.Add(node);
            return Read!(node, cancel);
        }

        public ValueTask<ControlReply> WriteAsync(NodeId node, ReadOnlyMemory<byte> message, CancellationToken cancel)
        {
            lock (Asked) Asked.Add(node);
            return Write!(node, cancel);
        }
    }
}
