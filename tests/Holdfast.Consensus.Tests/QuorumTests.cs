using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Majority arithmetic against a slow oracle that enumerates every subset (Raft paper 5, 6).</summary>
public sealed class QuorumTests
{
    [Fact]
    public void Reached_value_is_the_largest_that_some_majority_of_each_set_has()
    {
        var dice = new SeededRandom(1);
        for (var round = 0; round < 3000; round++)
        {
            var configuration = Draw(dice);
            var values = new Dictionary<NodeId, ulong>();
            for (ulong id = 1; id <= 9; id++) values[new NodeId(id)] = (ulong)dice.Next(6);
            var expected = Math.Min(Slow(configuration.Members, values), configuration.IsJoint ? Slow(configuration.Outgoing, values) : ulong.MaxValue);
            Assert.Equal(expected, Quorum.Reached(configuration, values, static (values, node) => values[node]));
        }
    }

    [Fact]
    public void Votes_are_won_exactly_when_a_majority_of_each_set_granted_and_lost_when_that_has_become_impossible()
    {
        var dice = new SeededRandom(2);
        for (var round = 0; round < 3000; round++)
        {
            var configuration = Draw(dice);
            var votes = new Dictionary<NodeId, bool?>();
            for (ulong id = 1; id <= 9; id++) votes[new NodeId(id)] = dice.Next(3) switch { 0 => null, 1 => true, _ => false };
            var won = Wins(configuration, votes, silentAs: false);
            var winnable = Wins(configuration, votes, silentAs: true);
            var expected = won ? VoteOutcome.Won : winnable ? VoteOutcome.Pending : VoteOutcome.Lost;
            Assert.Equal(expected, Quorum.Outcome(configuration, votes, static (votes, node) => votes[node]));
        }
    }

    [Fact]
    public void Learners_count_for_nothing_and_witnesses_count_in_full()
    {
        var configuration = Configuration.Of(new(new NodeId(1), MemberRole.Voter), new(new NodeId(2), MemberRole.Witness), new(new NodeId(3), MemberRole.Learner));
        var values = new Dictionary<NodeId, ulong> { [new(1)] = 5, [new(2)] = 3, [new(3)] = 9 };
        Assert.Equal(3UL, Quorum.Reached(configuration, values, static (values, node) => values[node]));
    }

    /// <summary>The oracle loses each minority in turn and asks whether some voter that is left, of those in reach, has the value.</summary>
    [Fact]
    public void A_value_outlives_exactly_when_every_minority_may_be_lost_and_a_voter_in_reach_still_has_it()
    {
        var dice = new SeededRandom(4);
        for (var round = 0; round < 3000; round++)
        {
            var configuration = Draw(dice);
            var values = new Dictionary<NodeId, ulong?>();
            for (ulong id = 1; id <= 9; id++) values[new NodeId(id)] = dice.Chance(0.3) ? null : (ulong)dice.Next(6);
            var expected = Math.Min(SlowOutlives(configuration.Members, values), configuration.IsJoint ? SlowOutlives(configuration.Outgoing, values) : ulong.MaxValue);
            Assert.Equal(expected, Quorum.Outlives(configuration, values, static (values, node) => values[node]));
        }
    }

    [Fact]
    public void A_configuration_survives_its_encoding_and_damage_is_refused()
    {
        var dice = new SeededRandom(3);
        for (var round = 0; round < 200; round++)
        {
            var configuration = Draw(dice);
            var buffer = new Wire.ByteBuffer();
            configuration.Encode(buffer);
            var reader = new Wire.SpanReader(buffer.Written);
            Assert.True(Configuration.TryDecode(ref reader, out var decoded));
            Assert.Equal(configuration, decoded);
            var cut = new Wire.SpanReader(buffer.Written[..dice.Next(buffer.Length)]);
            Assert.False(Configuration.TryDecode(ref cut, out _));
        }
    }

    private static Configuration Draw(SeededRandom dice)
    {
        var first = DrawSet(dice);
        return dice.Chance(0.5) ? first : first.JoinTowards(DrawSet(dice));
    }

    private static Configuration DrawSet(SeededRandom dice)
    {
        var members = new List<Member> { new(new NodeId((ulong)dice.Next(1, 10)), MemberRole.Voter) };
        for (ulong id = 1; id <= 9; id++)
            if (id != members[0].Node.Value && dice.Chance(0.4)) members.Add(new(new NodeId(id), (MemberRole)dice.Next(3)));
        return Configuration.Of([.. members]);
    }

    private static ulong Slow(ReadOnlySpan<Member> members, Dictionary<NodeId, ulong> values)
    {
        var counted = members.ToArray().Where(member => member.Role != MemberRole.Learner).Select(member => values[member.Node]).ToArray();
        return Enumerable.Range(0, 6).Select(value => (ulong)value).Where(value => counted.Count(each => each >= value) * 2 > counted.Length).DefaultIfEmpty(0UL).Max();
    }

    /// <summary>Where fewer voters are in reach than could be lost, all of them must have it: then it is left as long as one of them is.</summary>
    private static ulong SlowOutlives(ReadOnlySpan<Member> members, Dictionary<NodeId, ulong?> values)
    {
        var all = members.ToArray();
        var counted = all.Count(member => member.Role != MemberRole.Learner);
        var inReach = all.Where(member => member.Role == MemberRole.Voter && values[member.Node] is not null).Select(member => values[member.Node]!.Value).ToArray();
        if (inReach.Length == 0 || !Array.Exists(all, member => member.Role == MemberRole.Witness)) return ulong.MaxValue;
        var lost = Enumerable.Range(0, counted + 1).Last(few => few * 2 < counted);
        return Enumerable.Range(0, 6).Select(value => (ulong)value).Where(Stays).DefaultIfEmpty(0UL).Max();

        bool Stays(ulong value) => Enumerable.Range(1, (1 << inReach.Length) - 1)
            .Where(left => inReach.Length - System.Numerics.BitOperations.PopCount((uint)left) <= lost)
            .All(left => Enumerable.Range(0, inReach.Length).Any(at => (left >> at & 1) == 1 && inReach[at] >= value));
    }

    private static bool Wins(Configuration configuration, Dictionary<NodeId, bool?> votes, bool silentAs) =>
        Majority(configuration.Members.ToArray(), votes, silentAs) && (!configuration.IsJoint || Majority(configuration.Outgoing.ToArray(), votes, silentAs));

    private static bool Majority(Member[] members, Dictionary<NodeId, bool?> votes, bool silentAs)
    {
        var counted = members.Where(member => member.Role != MemberRole.Learner).ToArray();
        return counted.Count(member => votes[member.Node] ?? silentAs) * 2 > counted.Length;
    }
}
