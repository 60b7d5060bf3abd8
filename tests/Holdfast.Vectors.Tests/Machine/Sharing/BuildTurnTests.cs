using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;

namespace Holdfast.Vectors.Tests.Machine.Sharing;

/// <summary>Who builds a graph and who waits for it: the rules one by one, and a model of whole clusters in which planted bugs are found.</summary>
public sealed class BuildTurnTests
{
    private const ulong First = 7;
    private const ulong Second = 8;
    private const ulong Third = 9;

    private static readonly ulong[] Order = [First, Second, Third];

    private readonly BuildTurnOptions options = new();

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 60).Select(seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Nobody_waits_for_long_and_where_nothing_goes_wrong_each_row_is_inserted_once(ulong seed) => new TurnWorld(seed, PlantedSharingBug.None).Run();

    [Theory]
    [InlineData("WaitsWithoutBound")]
    [InlineData("AsksOnce")]
    [InlineData("WaitsForPieces")]
    [InlineData("FetchesAgain")]
    [InlineData("WaitsInACircle")]
    [InlineData("EverybodyBuilds")]
    [InlineData("ForgivesNobody")]
    public void A_planted_bug_is_found(string name)
    {
        var bug = Enum.Parse<PlantedSharingBug>(name);
        for (ulong seed = 1; seed <= 200; seed++)
            if (Record.Exception(() => new TurnWorld(seed, bug).Run()) is not null) return;
        Assert.Fail($"{name} was not found in 200 seeds");
    }

    [Fact]
    public void The_first_in_the_order_builds_at_once_and_so_does_whoever_is_alone()
    {
        Assert.Equal(TurnStep.Build, new BuildTurn(options).Next(0, 5000, Order, First).Step);
        Assert.Equal(TurnStep.Build, new BuildTurn(options).Next(0, 5000, [Third], Third).Step);
        Assert.Equal(TurnStep.Build, new BuildTurn(options).Next(0, 5000, [], Third).Step);
        Assert.Equal(TurnStep.Nothing, new BuildTurn(options).Next(0, 0, Order, Third).Step);
    }

    [Fact]
    public void Few_rows_are_waited_for_a_moment_and_nobody_is_asked()
    {
        var turn = new BuildTurn(options);
        Assert.Equal(TurnStep.Wait, turn.Next(0, 100, Order, Second).Step);
        Assert.Equal(TurnStep.Wait, turn.Next(options.FewRowsWait, 100, Order, Second).Step);
        Assert.Equal(TurnStep.Build, turn.Next(options.FewRowsWait + 1, 100, Order, Second).Step);
        Assert.Equal(0, turn.WaitsEnded);
    }

    [Fact]
    public void Who_has_no_such_shard_is_passed_over_and_the_next_is_asked()
    {
        var turn = new BuildTurn(options);
        Assert.Equal(new TurnMove(TurnStep.Ask, First), turn.Next(0, 5000, Order, Third));
        Assert.Equal(TurnStep.Wait, turn.Next(10, 5000, Order, Third).Step);
        turn.OnTold(20, First, null);
        Assert.Equal(new TurnMove(TurnStep.Ask, Second), turn.Next(20, 5000, Order, Third));
        turn.OnTold(30, Second, null);
        Assert.Equal(TurnStep.Build, turn.Next(30, 5000, Order, Third).Step);
        Assert.Equal(1, turn.WaitsEnded);
    }

    [Fact]
    public void A_builder_that_gets_on_is_waited_for_and_one_that_stands_still_is_not()
    {
        var turn = new BuildTurn(options);
        var now = 0L;
        for (var progress = 1UL; progress < 30; progress++, now += 1000)
        {
            Assert.Equal(new TurnMove(TurnStep.Ask, First), turn.Next(now, 50_000, Order, Second));
            turn.OnTold(now, First, new GraphTold(true, progress, []));
            Assert.Equal(TurnStep.Wait, turn.Next(now, 50_000, Order, Second).Step);
        }

        now -= 1000;
        Assert.NotEqual(TurnStep.Build, turn.Next(now + options.StandstillAtWork, 50_000, Order, Second).Step);
        Assert.Equal(TurnStep.Build, turn.Next(now + options.StandstillAtWork + 1, 50_000, Order, Second).Step);

        // It has nothing to do, and no such graph: it will not build one.
        turn = new BuildTurn(options);
        turn.Next(0, 5000, Order, Second);
        turn.OnTold(0, First, new GraphTold(false, 1, []));
        Assert.Equal(TurnStep.Build, turn.Next(options.StandstillAtRest + 1, 5000, Order, Second).Step);
    }

    [Fact]
    public void What_holds_most_of_the_rows_is_fetched_and_never_again_once_it_was_used_or_refused()
    {
        var turn = new BuildTurn(options);
        turn.Next(0, 5000, Order, Second);
        turn.OnAsked(64);
        turn.OnTold(10, First, new GraphTold(true, 1, [Offer(1, hits: 20)]));
        Assert.Equal(TurnStep.Wait, turn.Next(10, 5000, Order, Second).Step);
        Answer(1000, Offer(2, hits: 60));
        Assert.Equal(new TurnMove(TurnStep.Fetch, First, Offer(2, hits: 60)).Offer!.Name, turn.Next(1000, 5000, Order, Second).Offer!.Name);
        turn.OnRefused();
        Answer(2000, Offer(2, hits: 60));
        Assert.Equal(TurnStep.Wait, turn.Next(2000, 5000, Order, Second).Step);
        Answer(3000, Offer(3, hits: 60));
        Assert.Equal(TurnStep.Fetch, turn.Next(3000, 5000, Order, Second).Step);
        turn.OnFetched();
        turn.OnUsed();
        Answer(4000, Offer(3, hits: 60));
        Assert.Equal(TurnStep.Wait, turn.Next(4000, 5000, Order, Second).Step);

        void Answer(long now, GraphOffer offer)
        {
            Assert.Equal(TurnStep.Ask, turn.Next(now, 5000, Order, Second).Step);
            turn.OnTold(now, First, new GraphTold(true, (ulong)now, [offer]));
        }
    }

    [Fact]
    public void A_file_that_stops_coming_is_given_up()
    {
        var turn = new BuildTurn(options);
        turn.Next(0, 5000, Order, Second);
        turn.OnAsked(64);
        turn.OnTold(0, First, new GraphTold(true, 1, [Offer(1, hits: 64)]));
        for (var now = 0L; now <= options.PieceWithin * 2; now += options.PieceWithin)
        {
            Assert.Equal(TurnStep.Fetch, turn.Next(now, 5000, Order, Second).Step);
            turn.OnCame(now);
        }

        Assert.Equal(TurnStep.Build, turn.Next((options.PieceWithin * 3) + 1, 5000, Order, Second).Step);
    }

    [Fact]
    public void Late_answers_and_answers_of_others_count_for_nothing()
    {
        var turn = new BuildTurn(options);
        turn.Next(0, 5000, Order, Third);
        turn.OnAsked(64);
        turn.OnTold(0, Second, new GraphTold(true, 1, [Offer(1, hits: 64)]));
        Assert.Equal(TurnStep.Wait, turn.Next(0, 5000, Order, Third).Step);
        turn.Next(options.AnswerWithin + 1, 5000, Order, Third); // Asked again.
        turn.OnTold(options.AnswerWithin + 2, First, new GraphTold(true, 1, []));
        turn.OnTold(options.AnswerWithin + 2, First, new GraphTold(true, 1, [Offer(1, hits: 64)])); // The first answer, at last.
        Assert.Equal(TurnStep.Wait, turn.Next(options.AnswerWithin + 2, 5000, Order, Third).Step);
    }

    [Fact]
    public void Shards_of_the_same_nodes_have_their_builders_spread_over_them()
    {
        ulong[] nodes = [11, 12, 13];
        var firsts = Enumerable.Range(1, 300).Select(shard => BuildOrder.Of((ulong)shard, nodes)[0]).ToArray();
        foreach (var node in nodes) Assert.InRange(firsts.Count(first => first == node), 60, 140);

        // The order of those that stay does not change when another goes.
        for (var shard = 1UL; shard < 100; shard++) Assert.Equal(BuildOrder.Of(shard, nodes).Where(node => node != 12), BuildOrder.Of(shard, [13, 11]));
    }

    private static GraphOffer Offer(byte name, int hits)
    {
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        bytes[0] = name;
        return new GraphOffer(5000, hits, [new OfferedGraph(0, new FileHash(bytes), 1000)]);
    }
}
