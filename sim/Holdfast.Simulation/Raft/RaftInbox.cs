using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Faults;
using Holdfast.Wire;

namespace Holdfast.Simulation.Raft;

/// <summary>Hands what has arrived to the production core, or to what stands beside it. Bugs that lie in how a word is taken are planted here.</summary>
internal sealed class RaftInbox(RaftWorld world, RaftSite site, RaftProcess process, SupportTable support, SnapshotFetch fetch)
{
    private readonly Mutation mutation = world.Options.Mutation;
    private readonly HashSet<(NodeId Voter, Term Term)> votesSeen = [];

    private RaftNode Core => process.Core;

    private Instant Now => process.Now;

    public void Step(NodeId from, object message)
    {
        switch (message)
        {
            case RequestVote request:
                if (mutation == Mutation.VoteWithoutLogCheck) request = request with { Last = new LogPosition(new Term(ulong.MaxValue), new LogIndex(ulong.MaxValue)) };
                Core.Step(Now, from, request);
                break;
            case VoteReply reply:
                Core.Step(Now, from, reply);
                if (mutation == Mutation.DuplicateVotesCounted && reply is { Granted: true, IsPreVote: false } && !votesSeen.Add((from, reply.Term))) CountOnceMore(from, reply);
                break;
            case AppendPacket append:
                var reader = new SpanReader(append.Entries);
                RaftCheck.Require(EntryBatch.TryDecode(ref reader, out var batch), "an append's entries cannot be read");
                Core.Step(Now, from, append.Header, batch);
                break;
            case AppendReply reply:
                Core.Step(Now, from, reply);
                if (mutation == Mutation.LearnerConfirmsReads && Core.Role == RaftRole.Leader && !Core.Configuration.CountsForQuorum(from)) ConfirmForOthers(reply);
                if (mutation == Mutation.WitnessCountedTwice && reply.Accepted && Core.Role == RaftRole.Leader && Core.Configuration.IsWitness(from)) CountForAnother(from, reply);
                if (mutation == Mutation.LearnerCounted && reply.Accepted && Core.Role == RaftRole.Leader && !Core.Configuration.CountsForQuorum(from))
                    foreach (var member in Core.Configuration.Members)
                        if (member.CountsForQuorum && member.Node != site.Node) Core.Step(Now, member.Node, reply);
                break;
            case OfferSnapshot offer:
                Core.Step(Now, from, offer);
                break;
            case TimeoutNow timeout:
                Core.Step(Now, from, timeout);
                break;
            case ReleaseVote release:
                if (mutation != Mutation.VoteReleaseLost) Core.Step(Now, from, release);
                break;
            case CallRoll call:
                Core.Step(Now, from, call);
                break;
            case RollAnswer answer:
                Core.Step(Now, from, answer);
                break;
            case ReadIndexRequest request:
                Core.Step(Now, from, request);
                break;
            case ReadIndexReply reply:
                if (mutation == Mutation.ReusedReadContext) reply = reply with { Term = Core.Term };
                Core.Step(Now, from, reply);
                break;
            case SupportBeat beat:
                var kept = mutation == Mutation.SupporterForgetsEarly ? beat with { Lease = beat.Lease / 3 } : beat;
                process.Send(from, support.OnBeat(Now, from, kept) with { Lease = beat.Lease });
                break;
            case SupportReply reply:
                if (mutation == Mutation.LeaseCountedFromReceipt) reply = reply with { SentAt = Now };
                support.OnReply(from, reply);
                break;
            case SnapshotPull pull:
                fetch.OnPull(from, pull);
                break;
            case SnapshotChunk chunk:
                fetch.OnChunk(from, chunk);
                break;
            default:
                RaftCheck.Fail("an unknown message");
                break;
        }
    }

    /// <summary>For a planted bug: answers are counted, not who gave them.</summary>
    private void CountOnceMore(NodeId from, in VoteReply reply)
    {
        foreach (var member in Core.Configuration.Members)
        {
            if (member.Node == from || member.Node == site.Node || !votesSeen.Add((member.Node, reply.Term))) continue;
            Core.Step(Now, member.Node, reply);
            return;
        }
    }

    /// <summary>For a planted bug: one member's word on what it holds is taken for another's as well.</summary>
    private void CountForAnother(NodeId from, in AppendReply reply)
    {
        foreach (var member in Core.Configuration.Members)
        {
            if (!member.CountsForQuorum || member.Node == from || member.Node == site.Node) continue;
            Core.Step(Now, member.Node, reply);
            return;
        }
    }

    /// <summary>For a planted bug: a learner's answer to a round of reads counts in its quorum.</summary>
    private void ConfirmForOthers(in AppendReply reply)
    {
        foreach (var member in Core.Configuration.Members)
            if (member.CountsForQuorum && member.Node != site.Node) Core.Step(Now, member.Node, reply with { Accepted = true, Match = LogIndex.Zero });
    }
}
