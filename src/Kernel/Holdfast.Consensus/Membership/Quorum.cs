using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What a set of votes amounts to.</summary>
public enum VoteOutcome : byte
{
    /// <summary>Neither won nor lost yet.</summary>
    Pending = 0,

    /// <summary>A majority (of both sets, if joint) said yes.</summary>
    Won = 1,

    /// <summary>A majority can no longer be reached.</summary>
    Lost = 2,
}

/// <summary>Arithmetic of majorities. In a joint configuration every answer needs both sets (Raft paper 6); learners never count.</summary>
public static class Quorum
{
    /// <summary>The largest value that a majority has reached.</summary>
    /// <param name="configuration">Who counts.</param>
    /// <param name="state">Handed to <paramref name="valueOf"/>.</param>
    /// <param name="valueOf">A member's value.</param>
    public static ulong Reached<TState>(Configuration configuration, TState state, Func<TState, NodeId, ulong> valueOf)
    {
        var incoming = Reached(configuration.Members, state, valueOf);
        return configuration.IsJoint ? Math.Min(incoming, Reached(configuration.Outgoing, state, valueOf)) : incoming;
    }

    /// <summary>What the votes amount to; <paramref name="voteOf"/> gives null for a member that has not answered.</summary>
    public static VoteOutcome Outcome<TState>(Configuration configuration, TState state, Func<TState, NodeId, bool?> voteOf)
    {
        var incoming = Outcome(configuration.Members, state, voteOf);
        if (!configuration.IsJoint) return incoming;
        var outgoing = Outcome(configuration.Outgoing, state, voteOf);
        if (incoming == VoteOutcome.Lost || outgoing == VoteOutcome.Lost) return VoteOutcome.Lost;
        return incoming == VoteOutcome.Won && outgoing == VoteOutcome.Won ? VoteOutcome.Won : VoteOutcome.Pending;
    }

    /// <summary>
    /// The largest value that some voter will still have, of those that are in reach now, whichever minority of the set is lost next; in a joint configuration of each set that has witnesses. With nobody in reach, or without witnesses, the largest there is.
    /// </summary>
    /// <param name="configuration">Who counts.</param>
    /// <param name="state">Handed to <paramref name="valueInReach"/>.</param>
    /// <param name="valueInReach">What a voter has; null when it is out of reach. Asked of voters only, for a witness cannot lead with what it has.</param>
    public static ulong Outlives<TState>(Configuration configuration, TState state, Func<TState, NodeId, ulong?> valueInReach)
    {
        var incoming = Outlives(configuration.Members, state, valueInReach);
        return configuration.IsJoint ? Math.Min(incoming, Outlives(configuration.Outgoing, state, valueInReach)) : incoming;
    }

    private static ulong Outlives<TState>(ReadOnlySpan<Member> members, TState state, Func<TState, NodeId, ulong?> valueInReach)
    {
        Span<ulong> values = stackalloc ulong[Configuration.MembersMax];
        int counted = 0, inReach = 0;
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            counted++;
            if (member.Role == MemberRole.Voter && valueInReach(state, member.Node) is { } value) values[inReach++] = value;
        }

        if (inReach == 0 || !HasWitness(members)) return ulong.MaxValue;
        values = values[..inReach];
        values.Sort();
        var holders = Math.Min((counted - 1) / 2 + 1, inReach); // One more than may be lost.
        return values[inReach - holders];
    }

    private static bool HasWitness(ReadOnlySpan<Member> members)
    {
        foreach (var member in members)
            if (member.Role == MemberRole.Witness) return true;
        return false;
    }

    private static ulong Reached<TState>(ReadOnlySpan<Member> members, TState state, Func<TState, NodeId, ulong> valueOf)
    {
        Span<ulong> values = stackalloc ulong[Configuration.MembersMax];
        var counted = 0;
        foreach (var member in members)
            if (member.CountsForQuorum) values[counted++] = valueOf(state, member.Node);
        if (counted == 0) return 0;
        values = values[..counted];
        values.Sort();
        // Ascending: the values from this place to the end are a majority, and this is the least of them.
        return values[counted - (counted / 2 + 1)];
    }

    private static VoteOutcome Outcome<TState>(ReadOnlySpan<Member> members, TState state, Func<TState, NodeId, bool?> voteOf)
    {
        int counted = 0, granted = 0, refused = 0;
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            counted++;
            if (voteOf(state, member.Node) is { } vote)
            {
                if (vote) granted++;
                else refused++;
            }
        }

        var majority = counted / 2 + 1;
        if (counted > 0 && granted >= majority) return VoteOutcome.Won;
        return counted - refused < majority ? VoteOutcome.Lost : VoteOutcome.Pending;
    }
}
