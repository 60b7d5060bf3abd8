using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;
using Holdfast.Wire;

namespace Holdfast.Simulation.Raft;

/// <summary>Carries out what the production core has asked for, shows it to the check before anybody else, and may die after any of it.</summary>
internal sealed class RaftOutbox(RaftWorld world, RaftSite site, RaftProcess process, Applier applier, ToyServer server, SnapshotFetch fetch, SeededRandom dice)
{
    private static readonly Mark DiedAtEffect = new("sim: died between two effects");

    private readonly Mutation mutation = world.Options.Mutation;
    private readonly Effects effects = new();
    private readonly ByteBuffer buffer = new();
    private RaftRole roleSeen;
    private PersistToken? earlyToken;

    private RaftNode Core => process.Core;

    /// <summary>The last entry that the newest installed snapshot covers.</summary>
    public LogIndex Installed { get; set; }

    /// <summary>One flush of the core, carried out; false when the process died on the way.</summary>
    public bool TrySettle()
    {
        Core.Flush(process.Now, effects);
        if (!CarryOut()) return false;
        effects.Clear();
        if (mutation == Mutation.LeaderCountsBeforeSync && Core.Role == RaftRole.Leader && earlyToken is { } early)
        {
            earlyToken = null;
            Core.OnDurable(process.Now, early);
        }

        return true;
    }

    /// <summary>An entry has come into this process's log.</summary>
    public void NoteEntry(LogIndex index)
    {
        var entry = Core.Log[index];
        world.Check.OnEntry(site.Node, entry, Core.Log.TermAt(index.Previous) ?? Term.Zero, Core.Configuration.IsWitness(site.Node) || site.IsWitness);
    }

    /// <summary>Everything may be carried out in any order: it begins with another kind each time. False when the process died on the way.</summary>
    private bool CarryOut()
    {
        const int kinds = 14;
        var begin = dice.Next(kinds);
        // A snapshot or role is looked at before anything else only because the check wants to know it first.
        if (effects.Role is { } role) OnRole(role);
        if (effects.Persist is { Count: > 0 } persist)
            for (var i = 0; i < persist.Count; i++) NoteEntry(persist.First + (ulong)i);
        for (var i = 0; i < kinds; i++)
        {
            if (!CarryOut((begin + i) % kinds)) continue;
            if (!FaultDriver.DiesHere(world, dice) && !(effects.CommittedTo != LogIndex.Zero && world.Pressures.DiesAtCommit(site))) continue;
            DiedAtEffect.Hit();
            FaultDriver.Crash(world, site, dice, losesPower: dice.Chance(0.5));
            return false;
        }

        return true;
    }

    private bool CarryOut(int kind)
    {
        switch (kind)
        {
            case 0:
                foreach (var (to, request) in effects.RequestVotes.Items)
                {
                    if (!request.IsPreVote) world.Check.OnVote(site.Node, request.Term, site.Node);
                    process.Send(to, request);
                }

                return effects.RequestVotes.Count > 0;
            case 1:
                foreach (var (to, reply) in effects.VoteReplies.Items)
                {
                    if (reply is { Granted: true, IsPreVote: false }) world.Check.OnVote(site.Node, reply.Term, to);
                    if (!reply.IsPreVote) world.Check.OnTermShown(site.Node, reply.Term);
                    process.Send(to, reply);
                }

                return effects.VoteReplies.Count > 0;
            case 2:
                foreach (var (to, append) in effects.Appends.Items) SendAppend(to, append);
                return effects.Appends.Count > 0;
            case 3:
                foreach (var (to, reply) in effects.AppendReplies.Items)
                {
                    world.Check.OnTermShown(site.Node, reply.Term);
                    if (reply is { Accepted: true, IsWhole: true }) world.Check.OnAcknowledged(site.Node, reply.Match, Core.Log);
                    process.Send(to, reply);
                }

                return effects.AppendReplies.Count > 0;
            case 4:
                return SendAll(effects.SnapshotOffers);
            case 5:
                return SendAll(effects.TimeoutNows);
            case 6:
                return SendAll(effects.ReadIndexRequests);
            case 7:
                return SendAll(effects.ReadIndexReplies);
            case 10:
                return SendAll(effects.VoteReleases);
            case 12:
                foreach (var (to, call) in effects.RollCalls.Items)
                {
                    if (!call.IsTrial) world.Check.OnVote(site.Node, call.Term, site.Node);
                    process.Send(to, call);
                }

                return effects.RollCalls.Count > 0;
            case 13:
                foreach (var (to, answer) in effects.RollAnswers.Items)
                {
                    if (answer is { Granted: true, IsTrial: false }) world.Check.OnVote(site.Node, answer.Term, to);
                    if (!answer.IsTrial) world.Check.OnTermShown(site.Node, answer.Term);
                    process.Send(to, answer);
                }

                return effects.RollAnswers.Count > 0;
            case 8:
                if (effects.Persist is not { } persist) return false;
                Persist(persist);
                return true;
            case 9:
                if (effects.Configuration is { } configuration) site.LastConfiguration = configuration;
                if (effects.CommittedTo != LogIndex.Zero)
                {
                    world.Check.OnCommit(site, Core, effects.CommittedTo);
                    applier.OnCommitted(effects.CommittedTo);
                }

                foreach (var ready in effects.Reads.Items) server.OnReadReady(ready);
                return effects.CommittedTo != LogIndex.Zero;
            default:
                if (effects.SnapshotWanted is not { } wanted) return false;
                fetch.Want(wanted.To, wanted.Message);
                return true;
        }
    }

    private bool SendAll<T>(EffectList<Outbound<T>> messages)
        where T : struct
    {
        foreach (var (to, message) in messages.Items) process.Send(to, message);
        return messages.Count > 0;
    }

    private void SendAppend(NodeId to, in AppendOutbound append)
    {
        buffer.Clear();
        EntryBatch.Encode(new SpanWriter(buffer), Core.Log, append.First, append.Count, append.StripPayload);
        process.Send(to, new AppendPacket(append.Header, buffer.Written.ToArray()));
    }

    private void OnRole(RoleChange role)
    {
        if (role.Role == RaftRole.Leader && roleSeen != RaftRole.Leader)
        {
            world.Counts.Elections++;
            if (world.IsTracing) world.Trace($"{site.Node} leads term {role.Term}, log {Core.Log.Last}");
            world.Check.OnLeader(site.Node, role.Term, Core.Log);
            world.Pressures.OnLeader(site, role.Term);
        }

        roleSeen = role.Role;
    }

    private void Persist(in PersistRequest request)
    {
        if (request.TruncateFrom != LogIndex.Zero) world.Counts.Truncations++;
        RaftCheck.Require(request.TruncateFrom == LogIndex.Zero || request.TruncateFrom > Installed, $"{site.Node} is to truncate its log from {request.TruncateFrom} on, below its snapshot of {Installed}");
        var entries = new StoredEntry[request.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = Core.Log[request.First + (ulong)i];
            entries[i] = new StoredEntry(entry.Position.Term, entry.Kind, entry.Payload.ToArray(), false);
        }

        var hardState = mutation switch
        {
            Mutation.TermNotPersisted => null,
            Mutation.VoteNotPersisted when request.HardState is { } state => state with { Vote = NodeId.None },
            _ => request.HardState,
        };
        var forgetsSuffix = mutation == Mutation.SnapshotKeepsMismatchingSuffix && request.TruncateFrom == Installed.Next;
        var truncateFrom = forgetsSuffix || mutation == Mutation.TruncationNotPersisted ? LogIndex.Zero : request.TruncateFrom;
        site.Device.Write(new LogRecord.Persist(request.Token, hardState, truncateFrom, request.First, entries));
        if (mutation == Mutation.LeaderCountsBeforeSync && Core.Role == RaftRole.Leader) earlyToken = request.Token;
        if (mutation == Mutation.FollowerAcknowledgesBeforeSync && Core.Role == RaftRole.Follower)
        {
            var token = request.Token;
            world.Clock.After(TimeSpan.FromMicroseconds(1), () => process.Input(() => Core.OnDurable(process.Now, token)));
        }
    }
}
