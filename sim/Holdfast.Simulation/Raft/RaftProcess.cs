using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;
using Holdfast.Wire;

namespace Holdfast.Simulation.Raft;

/// <summary>
/// One process: the production core, driven input by input. Owns what a process forgets when it dies. Every effect is a boundary at which it may die.
/// </summary>
internal sealed class RaftProcess
{
    private const int BacklogMax = 20_000;

    private static readonly Mark DiedAtEffect = new("sim: died between two effects");
    private static readonly Mark TurnGathered = new("sim: several inputs in one turn");

    private readonly RaftWorld world;
    private readonly RaftSite site;
    private readonly SeededRandom dice;
    private readonly Mutation mutation;
    private readonly SupportTable support;
    private readonly Effects effects = new();
    private readonly Applier applier;
    private readonly SnapshotFetch fetch;
    private readonly List<NodeId> withdrawn = [];
    private readonly Queue<Action> backlog = new();
    private readonly Dictionary<ulong, PendingRead> reads = [];
    private readonly ByteBuffer buffer = new();
    private ulong readContexts;
    private long tickAt = long.MaxValue;
    private bool turnIsPlanned;
    private Instant frozenNow = Instant.Zero;
    private RaftRole roleSeen;

    private readonly record struct PendingRead(Operation Operation, Action<AnswerKind, ulong, NodeId> Answer);

    public RaftProcess(RaftWorld world, RaftSite site, StoredLog found, bool isRestart, SeededRandom dice)
    {
        this.world = world;
        this.site = site;
        this.dice = dice;
        mutation = world.Options.Mutation;
        // A different seed after every start: two processes of one node must not draw the same election times for ever.
        support = new SupportTable(site.BootCount);
        var snapshot = found.Snapshot;
        var start = new RaftStart
        {
            Self = site.Node,
            Group = new GroupId(7),
            HardState = found.HardState,
            Snapshot = snapshot?.Position ?? LogPosition.Zero,
            Configuration = snapshot?.Configuration ?? site.FirstConfiguration,
            Entries = EntriesAfter(found),
            DamagedUpTo = found.DamagedUpTo,
            IsRestart = isRestart && mutation != Mutation.RestartedVoterVotesAtOnce,
        };
        var options = new RaftOptions { LeaseReads = world.Options.LeaseReads, AppendBytesMax = world.Options.AppendBytesMax, Bug = PlantedBugOf(mutation) };
        world.Check.OnBoot(site.Node, start.HardState);
        Core = new RaftNode(options, start, support, dice.Fork(), Now);
        site.LastConfiguration = Core.Configuration;
        applier = new Applier(world, site, this, snapshot);
        fetch = new SnapshotFetch(world, site, this);
        for (var index = Core.Log.Base.Index.Next; index <= Core.Log.Last.Index; index = index.Next) NoteEntry(index);
        site.Device.OnDurable = OnDurable;
        site.Device.OnFailed = () => FaultDriver.Crash(world, site, dice, losesPower: false);
        if (world.IsTracing) world.Trace($"{site.Node} starts: term {Core.Term} log {Core.Log.Base}..{Core.Log.Last} whole {Core.IsWhole} {Core.Configuration}");
        owesRepairNote = start.DamagedUpTo != LogIndex.Zero;
        if (owesRepairNote) world.Atlas.Damage(site.Node);
        else world.Atlas.Repair(site.Node);
        Beat();
        Settle();
    }

    public RaftNode Core { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    public LogIndex Applied => applier.Applied;

    public ulong StateHash => applier.StateHash;

    /// <summary>This process's clock; under one mutation it is a reading taken before a pause.</summary>
    public override string ToString() =>
        $"{site.Node} {Core.Role} term {Core.Term} vote {Core.Vote} leader {Core.Leader} log {Core.Log.Base}..{Core.Log.Last} commit {Core.Commit} durable {Core.Durable} applied {Applied} whole {Core.IsWhole} deadline {Core.Deadline} now {Now} {Core.Configuration}";

    public Instant Now => frozenNow == Instant.Zero ? site.Clock.Now : frozenNow;

    public void Die() => IsAlive = false;

    public void Pause()
    {
        IsPaused = true;
        if (mutation == Mutation.LeaseReadAfterPause) frozenNow = site.Clock.Now;
    }

    public void Resume()
    {
        if (!IsPaused || !IsAlive) return;
        IsPaused = false;
        while (!IsPaused && IsAlive && backlog.TryDequeue(out var waiting)) waiting();
        frozenNow = Instant.Zero;
        if (IsAlive) Settle();
    }

    /// <summary>Something happens to this process: at once, when it wakes up, or never if it is dead by then.</summary>
    public void Input(Action happening)
    {
        if (!IsAlive) return;
        if (IsPaused)
        {
            if (backlog.Count < BacklogMax) backlog.Enqueue(happening);
            return;
        }

        happening();
        EndTurn();
    }

    public void After(TimeSpan delay, Action happening) => world.Clock.After(site.Clock.TrueSpan(delay), () => Input(happening));

    public void Receive(Packet packet) => Input(() =>
    {
        world.Note(packet.From.Value << 32 ^ (ulong)world.Clock.Now);
        Step(packet.From, packet.Message);
    });

    public void OnPeerReset(NodeId peer) => Input(() => Core.OnPeerReset(Now, peer));

    public void Transfer(NodeId target) => Input(() =>
    {
        if (Core.TransferLeadership(Now, target)) world.Counts.Transfers++;
    });

    public void ChangeMembers(Configuration target) => Input(() =>
    {
        var result = Core.ProposeConfiguration(Now, target);
        if (world.IsTracing) world.Trace($"{site.Node} is asked for members {target}: {result.Status}");
    });

    public void OnClient(Operation operation, Action<AnswerKind, ulong, NodeId> answer) => Input(() =>
    {
        if (site.IsWitness) answer(AnswerKind.Refused, 0, Core.Leader); // It keeps no state to read.
        else if (operation.Kind == OperationKind.Get) Read(operation, answer);
        else Write(operation, answer);
    });

    public void Burst(int count) => Input(() =>
    {
        if (Core.Role != RaftRole.Leader) return;
        for (var i = 0; i < count; i++)
        {
            var value = dice.NextUInt64();
            Core.Propose(Now, ToyRegisters.Encode(new Operation { Id = 0, Key = applier.BurstKey, Kind = OperationKind.Put, Value = value, CalledAt = 0 }, padding: 0));
        }
    });

    public void Send(NodeId to, object message) => world.Send(site, to, message);

    public void Installed(StoredSnapshot snapshot) => Input(() =>
    {
        if (snapshot.Position.Index <= Core.Commit) return;
        world.Counts.SnapshotInstalls++;
        if (world.IsTracing) world.Trace($"{site.Node} installs snapshot {snapshot.Position}");
        site.Device.Write(new LogRecord.Reset(snapshot.Position, KeepSuffix: mutation == Mutation.SnapshotKeepsMismatchingSuffix));
        applier.Restore(snapshot);
        installed = snapshot.Position.Index;
        Core.OnSnapshotInstalled(Now, snapshot.Position, snapshot.Configuration);
        world.Pressures.OnInstalled(site);
    });

    private static PlantedBug PlantedBugOf(Mutation mutation) => Enum.TryParse<PlantedBug>(mutation.ToString(), out var bug) ? bug : PlantedBug.None;

    private static List<Entry> EntriesAfter(StoredLog found)
    {
        var entries = new List<Entry>();
        var first = LogIndex.Max(found.Base.Index, found.Snapshot?.Position.Index ?? LogIndex.Zero).Next;
        for (var index = first; index <= found.Last; index = index.Next)
            entries.Add(new Entry(new LogPosition(found[index].Term, index), found[index].Kind, found[index].Payload));
        return entries;
    }

    private void Step(NodeId from, object message)
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
                Send(from, support.OnBeat(Now, from, kept) with { Lease = beat.Lease });
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

    private void Beat()
    {
        if (!IsAlive) return;
        foreach (var other in world.Sites)
            if (other != site) Send(other.Node, new SupportBeat(Now, TimeSpan.FromMilliseconds(300)));
        support.WithdrawLapsed(Now, withdrawn);
        foreach (var node in withdrawn) Core.OnSupportWithdrawn(Now, node);
        After(TimeSpan.FromMilliseconds(50), Beat);
    }

    private void Read(Operation operation, Action<AnswerKind, ulong, NodeId> answer)
    {
        if (mutation == Mutation.FollowerReadsWithoutAsking)
        {
            answer(AnswerKind.Done, applier.Read(operation.Key), NodeId.None);
            return;
        }

        var context = mutation == Mutation.ReusedReadContext ? 1 + (readContexts++ & 1) : ++readContexts;
        reads[context] = new PendingRead(operation, answer);
        if (Core.Role == RaftRole.Leader) world.Counts.LeaseReads++;
        else world.Counts.FollowerReads++;
        Core.ReadIndex(Now, context);
    }

    private void Write(Operation operation, Action<AnswerKind, ulong, NodeId> answer)
    {
        var result = Core.Propose(Now, ToyRegisters.Encode(operation, padding: dice.Chance(0.1) ? dice.Next(400) : 0));
        if (result.Status != ProposeStatus.Accepted) answer(AnswerKind.Refused, 0, result.Leader);
        else if (mutation == Mutation.AcknowledgedAtAppend) answer(AnswerKind.Done, applier.Read(operation.Key), NodeId.None);
        else applier.Await(result.Position, answer);
    }

    private void OnDurable(LogRecord record)
    {
        if (record is LogRecord.Persist persist)
            Input(() => Core.OnDurable(Now, persist.Token));
        else if (record is LogRecord.Repaired)
            world.Atlas.Repair(site.Node);
        else if (record is LogRecord.Snapshot snapshot)
            Input(() => applier.OnSnapshotDurable(snapshot.Content));
    }

    /// <summary>Inputs may be gathered for a moment before one flush speaks for all of them.</summary>
    private void EndTurn()
    {
        if (!IsAlive) return;
        if (world.Options.GatherTurns > 0 && dice.Chance(world.Options.GatherTurns))
        {
            if (turnIsPlanned)
            {
                TurnGathered.Hit();
                return;
            }

            turnIsPlanned = true;
            world.Clock.After(TimeSpan.FromMicroseconds(dice.Next(1, 300)), () =>
            {
                turnIsPlanned = false;
                if (IsAlive && !IsPaused) Settle();
            });
            return;
        }

        Settle();
    }

    private void Settle()
    {
        Core.Flush(Now, effects);
        if (!CarryOut()) return;
        effects.Clear();
        if (mutation == Mutation.LeaderCountsBeforeSync && Core.Role == RaftRole.Leader && earlyToken is { } early)
        {
            earlyToken = null;
            Core.OnDurable(Now, early);
        }

        CheckLease();
        PlanTick();
        world.Note(Core.Term.Value << 40 ^ Core.Log.Last.Index.Value << 20 ^ Core.Commit.Value << 4 ^ (ulong)Core.Role);
        if (owesRepairNote && Core.IsWhole)
        {
            owesRepairNote = false;
            site.Device.Write(new LogRecord.Repaired());
        }
    }

    private readonly HashSet<(NodeId Voter, Term Term)> votesSeen = [];
    private PersistToken? earlyToken;
    private bool owesRepairNote;
    private LogIndex installed;

    private void CheckLease()
    {
        if (Core.Role == RaftRole.Leader && Core.HoldsLease(Now)) world.Check.OnLease(site, Core);
        if (Core.Role == RaftRole.Leader)
            foreach (var other in world.Sites)
                if (other != site && other.Process is { IsAlive: true } process && process.Core.Role == RaftRole.Leader && process.Core.HoldsLease(process.Now))
                    world.Check.OnLease(other, process.Core);
    }

    private void PlanTick()
    {
        var deadline = Core.Deadline;
        if (deadline == Instant.Never) return;
        var at = Math.Max(site.Clock.TrueTimeOf(deadline), world.Clock.Now + 1);
        if (at >= tickAt) return;
        tickAt = at;
        world.Clock.At(at, () =>
        {
            if (tickAt != at) return;
            tickAt = long.MaxValue;
            Input(() => Core.Tick(Now));
        });
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
                    Send(to, request);
                }

                return effects.RequestVotes.Count > 0;
            case 1:
                foreach (var (to, reply) in effects.VoteReplies.Items)
                {
                    if (reply is { Granted: true, IsPreVote: false }) world.Check.OnVote(site.Node, reply.Term, to);
                    if (!reply.IsPreVote) world.Check.OnTermShown(site.Node, reply.Term);
                    Send(to, reply);
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
                    Send(to, reply);
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
                    Send(to, call);
                }

                return effects.RollCalls.Count > 0;
            case 13:
                foreach (var (to, answer) in effects.RollAnswers.Items)
                {
                    if (answer is { Granted: true, IsTrial: false }) world.Check.OnVote(site.Node, answer.Term, to);
                    if (!answer.IsTrial) world.Check.OnTermShown(site.Node, answer.Term);
                    Send(to, answer);
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

                foreach (var ready in effects.Reads.Items) OnReadReady(ready);
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
        foreach (var (to, message) in messages.Items) Send(to, message);
        return messages.Count > 0;
    }

    private void SendAppend(NodeId to, in AppendOutbound append)
    {
        buffer.Clear();
        EntryBatch.Encode(new SpanWriter(buffer), Core.Log, append.First, append.Count, append.StripPayload);
        Send(to, new AppendPacket(append.Header, buffer.Written.ToArray()));
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

    private void OnReadReady(ReadReady ready)
    {
        if (!reads.Remove(ready.Context, out var pending)) return;
        if (!ready.Granted) pending.Answer(AnswerKind.Refused, 0, Core.Leader);
        else if (mutation == Mutation.ReadServedBeforeApplied) pending.Answer(AnswerKind.Done, applier.Read(pending.Operation.Key), NodeId.None);
        else applier.AwaitRead(ready.Index, pending.Operation.Key, pending.Answer);
    }

    private void Persist(in PersistRequest request)
    {
        if (request.TruncateFrom != LogIndex.Zero) world.Counts.Truncations++;
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
        var forgetsSuffix = mutation == Mutation.SnapshotKeepsMismatchingSuffix && request.TruncateFrom == installed.Next;
        var truncateFrom = forgetsSuffix || mutation == Mutation.TruncationNotPersisted ? LogIndex.Zero : request.TruncateFrom;
        site.Device.Write(new LogRecord.Persist(request.Token, hardState, truncateFrom, request.First, entries));
        if (mutation == Mutation.LeaderCountsBeforeSync && Core.Role == RaftRole.Leader) earlyToken = request.Token;
        if (mutation == Mutation.FollowerAcknowledgesBeforeSync && Core.Role == RaftRole.Follower)
        {
            var token = request.Token;
            world.Clock.After(TimeSpan.FromMicroseconds(1), () => Input(() => Core.OnDurable(Now, token)));
        }
    }

    private void NoteEntry(LogIndex index)
    {
        var entry = Core.Log[index];
        world.Check.OnEntry(site.Node, entry, Core.Log.TermAt(index.Previous) ?? Term.Zero, Core.Configuration.IsWitness(site.Node) || site.IsWitness);
    }
}
