using Holdfast.Primitives;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>Who is asked, when somebody else is asked too, and what a session remembers: decisions, without clock or network.</summary>
public sealed class ReplicaChoiceTests
{
    [Fact]
    public void Of_two_that_the_dice_name_the_cheaper_is_asked_first()
    {
        ReplicaFacts[] replicas = [Far(0, 900), Far(1, 300), Far(2, 600)];
        // The dice name 0 and, among the two others, the second: 2.
        Assert.Equal([2, 1, 0], ReplicaChoice.Order(replicas, 0, 1));
        Assert.Equal([1, 2, 0], ReplicaChoice.Order(replicas, 0, 0));
    }

    [Fact]
    public void The_replica_in_this_process_is_always_one_of_the_two()
    {
        ReplicaFacts[] replicas = [Far(0, 900), Far(1, 300), new ReplicaFacts(2, true, false, 200, 0)];
        for (var die = 0u; die < 6; die++) Assert.Equal(2, ReplicaChoice.Order(replicas, die, die)[0]);
    }

    [Fact]
    public void Equal_questions_go_to_the_same_replica_unless_it_is_slow_or_just_failed()
    {
        ReplicaFacts Replica(int place, double micros, bool isSuspect = false) => new(place, place == 0, isSuspect, micros, 0) { Node = 0xABCD_0000_0001UL * (ulong)(place + 7) };
        var counts = new int[3];
        for (ulong likeness = 0; likeness < 3000; likeness++)
        {
            var first = ReplicaChoice.Order([Replica(0, 300), Replica(1, 400), Replica(2, 500)], (uint)likeness, 1, likeness)[0];
            Assert.Equal(first, ReplicaChoice.Order([Replica(0, 500), Replica(1, 300), Replica(2, 200)], 77, (uint)likeness, likeness)[0]);
            counts[first]++;

            // Only the questions of one that is gone go elsewhere.
            var without = ReplicaChoice.Order([Replica(0, 300), Replica(1, 400, isSuspect: true), Replica(2, 500)], 0, 0, likeness)[0];
            Assert.True(first == 1 ? without != 1 : without == first);
            Assert.NotEqual(1, ReplicaChoice.Order([Replica(0, 300), Replica(1, 40_000), Replica(2, 500)], 0, 0, likeness)[0]);
        }

        foreach (var count in counts) Assert.InRange(count, 850, 1150);
    }

    [Fact]
    public void A_replica_with_a_queue_is_passed_by()
    {
        ReplicaFacts[] replicas = [new ReplicaFacts(0, true, false, 200, 4), Far(1, 300)];
        Assert.Equal([1, 0], ReplicaChoice.Order(replicas, 0, 0));
    }

    [Fact]
    public void One_that_failed_a_moment_ago_is_asked_last_unless_all_have()
    {
        ReplicaFacts[] replicas = [new ReplicaFacts(0, true, true, 1, 0), Far(1, 300), Far(2, 400)];
        Assert.Equal(0, ReplicaChoice.Order(replicas, 3, 4)[^1]);
        Assert.Equal([0, 1], ReplicaChoice.Order([new ReplicaFacts(0, true, true, 1, 0), new ReplicaFacts(1, false, true, 300, 0)], 0, 0));
        Assert.Empty(ReplicaChoice.Order([], 1, 2));
    }

    [Fact]
    public void The_load_spreads_over_replicas_that_are_equally_fast()
    {
        var (dice, firsts) = (new SeededRandom(7), new int[3]);
        for (var turn = 0; turn < 3000; turn++)
        {
            // Those that were asked more often have more under way.
            ReplicaFacts[] replicas = [.. firsts.Select((asked, place) => new ReplicaFacts(place, false, false, 100, asked / 10))];
            firsts[ReplicaChoice.Order(replicas, (uint)dice.NextUInt64(), (uint)dice.NextUInt64())[0]]++;
        }

        Assert.All(firsts, asked => Assert.InRange(asked, 900, 1100));
    }

    [Fact]
    public void Another_is_asked_after_the_p95_within_bounds_and_never_when_there_is_nobody()
    {
        Assert.Null(HedgeDelay.After(5000, 1));
        Assert.Equal(HedgeDelay.UnknownMicros, HedgeDelay.After(0, 2));
        Assert.Equal(5000, HedgeDelay.After(5000, 3));
        Assert.Equal(HedgeDelay.LeastMicros, HedgeDelay.After(10, 2));
        Assert.Equal(HedgeDelay.MostMicros, HedgeDelay.After(10_000_000, 2));
    }

    [Fact]
    public void The_p95_is_of_the_last_answers_and_unknown_before_there_are_enough()
    {
        var track = new LatencyTrack();
        for (var at = 1; at < LatencyTrack.SamplesMin; at++) track.Add(at);
        Assert.Equal(0, track.P95Micros);
        track.Add(LatencyTrack.SamplesMin);
        Assert.Equal(20, track.P95Micros);
        for (var at = 0; at < LatencyTrack.Window; at++) track.Add(at % 100 < 90 ? 1000 : 50_000);
        Assert.Equal(50_000, track.P95Micros);
        for (var at = 0; at < LatencyTrack.Window; at++) track.Add(100);
        Assert.Equal(100, track.P95Micros);
        Assert.InRange(track.MeanMicros, 99.9, 100.1);
    }

    [Fact]
    public void A_session_asks_for_what_it_wrote_and_for_everything_where_it_knows_nothing()
    {
        var token = SessionToken.Parse("abc/0=17, abc/1=9,abc/0=12");
        Assert.Equal("abc/0=17,abc/1=9", token.ToString());
        Assert.Equal(new ReadDemand(ReadLevel.Session, new LogIndex(17)), token.DemandOf("abc/0"));
        Assert.Equal(ReadDemand.Strong, token.DemandOf("abc/2"));
        Assert.Throws<VectorFault>(() => SessionToken.Parse("abc/0"));
        Assert.Throws<VectorFault>(() => SessionToken.Parse("abc/0=x"));
    }

    private static ReplicaFacts Far(int place, double micros) => new(place, false, false, micros, 0);
}
