using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Simulation.Procedures;

/// <summary>
/// A process's part in its cluster: production are the directory, the rounds with runner, followers and raiser of levels, the desk that admits, and what is kept on disk of who belongs to whom. What the server's timer and
/// sockets do there is done here by events.
/// </summary>
internal sealed class ProcedureSite : INodeSeat
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan JoinMax = TimeSpan.FromSeconds(5);

    private static readonly Mark Joined = new("sim: a machine joined the cluster with a token");
    private static readonly Mark GivenUp = new("sim: a replica's state was given up on its group's proof");
    private static readonly Mark LateChange = new("sim: a change of members came when the group had others");

    private readonly ClusterProcess process;
    private readonly IDisk disk;
    private readonly DirectoryState directory;
    private readonly ClusterRound round;
    private readonly JoinDesk desk;
    private readonly ProcedureCalls calls;
    private readonly AddressBook book;
    private readonly SortedDictionary<NodeId, MemberRecord> addresses = [];
    private Genesis? genesis;
    private long roundBegan;
    private bool isBusy;
    private bool isServing;

    public ProcedureSite(ClusterProcess process, IDisk disk)
    {
        (this.process, this.disk) = (process, disk);
        Member = RecordOf(process.Machine);
        directory = new DirectoryState { Bug = Bug };
        directory.Changed += view => World.ProcedureCheck.OnView(process, view);
        calls = new ProcedureCalls(process);
        book = new AddressBook(disk, Warn);
        round = new ClusterRound(this, () => View);
        desk = new JoinDesk(this, null, () => View, () => genesis, TellAsync);
    }

    public MemberRecord Member { get; }

    public uint FeatureLevelKnown => process.Machine.Version;

    public PlantedProcedureBug Bug => Enum.TryParse<PlantedProcedureBug>(World.Options.Mutation.ToString(), out var bug) ? bug : PlantedProcedureBug.None;

    public Instant Now => process.Machine.Clock.Now;

    public long WallMicros => process.Machine.Clock.Now.Ticks / 10;

    /// <summary>As production lists them: once their state has been there.</summary>
    public IReadOnlyList<ReplicatedGroup> Groups => process.Groups.FindAll(static group => group.Restored.IsCompletedSuccessfully);

    public DirectoryView View => directory.View;

    /// <summary>What a procedure waits for, in the words of the node that leads the directory.</summary>
    public string WaitsFor(ulong procedure) => round.Waiting.GetValueOrDefault(procedure, "");

    /// <summary>Whether it belongs to the cluster, by its own disk.</summary>
    public bool IsMember => genesis is not null;

    private ClusterWorld World => process.World;

    /// <summary>What the cluster is told of a machine.</summary>
    public static MemberRecord RecordOf(ClusterMachine machine) => new()
    {
        Node = machine.Node,
        Name = machine.Name,
        Host = machine.Name,
        Port = 1,
        Zone = $"z{machine.Slot % 3}",
        Roles = NodeRoles.Coordination | NodeRoles.Keyspace,
        FeatureLevelMax = machine.Version,
    };

    /// <summary>Begins what the disk says: a member its groups, a founder the cluster, anybody else waits for a token.</summary>
    public void Begin(Action<TimeSpan, Action> every)
    {
        genesis = GenesisFile.Read(disk);
        if (genesis is null && process.Machine.FirstConfiguration.Contains(process.Node)) Persist(World.Operators.Founding);
        if (genesis is not null) BeginWholeGroups();
        every(Pulse, () => _ = PulseAsync());
    }

    public async ValueTask<ReadOnlyMemory<byte>> AnswerAsync(ControlRequest request)
    {
        switch (request.Verb)
        {
            case ClusterVerbs.Who: return default;
            case ClusterVerbs.Status: return round.Hands.AnswerStatus(request.Payload.Span);
            case ClusterVerbs.Level: return ClusterVerbs.EncodeLevel(FeatureLevelKnown);
            case ClusterVerbs.Join: return await desk.OnJoin(request, CancellationToken.None);
            case ClusterVerbs.Change:
                await ServeChange(request);
                return default;
            default: throw new ControlRefusedException("the verb is not known");
        }
    }

    /// <summary>Proposes a command to the directory at this node.</summary>
    public async Task<DirectoryReply> TellAsync(byte[] command)
    {
        if (round.Hands.Find(GroupId.Directory) is not { } group) return DirectoryReply.Undecided("the directory is not here");
        var outcome = await group.ProposeAsync(command);
        return outcome.Reply as DirectoryReply ?? DirectoryReply.Undecided($"the directory did not decide in time ({outcome.Status})");
    }

    public RecoveredGroup? FindRecovered(GroupId group) => process.Recovery.Find(group);

    public IStateMachine? NewState(GroupRecord group) => new LedgerMachine(process, group.Id, World.ProcedureCheck.LedgerOf(group.Id));

    public Task BeginReplicaAsync(GroupId group, IStateMachine? machine, Configuration initial)
    {
        var begun = new TaskCompletionSource();
        process.SeatOf(group).Loop.Post(new OnLoop(_ =>
        {
            process.Place(group, machine!, initial);
            Soon(() => begun.TrySetResult());
        }));
        return begun.Task;
    }

    public Task DeleteReplicaAsync(GroupId group)
    {
        var deleted = new TaskCompletionSource();
        World.ProcedureCheck.OnDelete(process, group);
        process.SeatOf(group).Loop.Post(new OnLoop(_ =>
        {
            process.Remove(group);
            Soon(() => deleted.TrySetResult());
        }));
        return deleted.Task;
    }

    public Task<bool> GiveUpStateAsync(GroupId group)
    {
        var done = new TaskCompletionSource<bool>();
        World.ProcedureCheck.OnGiveUp(process, group);
        process.SeatOf(group).Loop.Post(new OnLoop(_ =>
        {
            var isGivenUp = process.SeatOf(group).Loop.GiveUp(group);
            if (isGivenUp) GivenUp.Hit();
            Soon(() => done.TrySetResult(isGivenUp));
        }));
        return done.Task;
    }

    public Task<bool> ChangeMembersAsync(ProcedureAction.ChangeMembers change)
    {
        if (!isServing) World.ProcedureCheck.OnAsked(process, change, View, roundBegan);
        var done = new TaskCompletionSource<bool>();
        process.SeatOf(change.Group).Loop.Post(new OnLoop(now =>
        {
            var isBegun = false;
            if (process.GroupOf(change.Group) is { } group)
            {
                var core = group.Replica.Node;
                var isLate = core.Role == RaftRole.Leader && (!core.Configuration.Equals(change.From) || change.Since != core.ConfigurationIndex);
                if (isLate) LateChange.Hit();
                var verdict = Bug == PlantedProcedureBug.LateChangeTaken ? group.ChangeMembership(now, change.To) : group.ChangeMembership(now, change.From, change.To, change.Since);
                isBegun = verdict == ChangeVerdict.Begun;
                if (World.IsTracing) World.Trace($"{process.Node} is asked to change group {change.Group} from {change.From} to {change.To}: {verdict}");
            }

            Soon(() => done.TrySetResult(isBegun));
        }));
        return done.Task;
    }

    public string? AddressOf(NodeId node) => addresses.TryGetValue(node, out var member) ? HostPort.Format(member.Host, member.Port) : null;

    public ValueTask<ControlReply> CallAsync(string target, ushort verb, byte[] question, TimeSpan longest, CancellationToken cancellation)
    {
        if (verb == ClusterVerbs.Change) World.ProcedureCheck.OnAsked(process, ClusterVerbs.DecodeChange(question)!, View, roundBegan);
        return calls.AskAsync(target, verb, question, longest);
    }

    public ValueTask WaitAsync(TimeSpan span, CancellationToken cancellation)
    {
        var waited = new TaskCompletionSource();
        World.Clock.After(process.Machine.Clock.TrueSpan(span), () => process.WhenAwake(() => waited.TrySetResult()));
        return new(waited.Task);
    }

    public void Say(string sentence)
    {
        if (World.IsTracing) World.Trace($"{process.Node}: {sentence}");
    }

    public void Warn(string sentence) => Say(sentence);

    private async Task PulseAsync()
    {
        if (isBusy) return;
        isBusy = true;
        try
        {
            if (genesis is { } known)
            {
                var view = View;
                book.Keep(view.Members);
                foreach (var (_, member) in view.Members) Enter(member);
                foreach (var node in view.Removed) addresses.Remove(node);
                roundBegan = World.Clock.Now;
                await round.StepAsync(view, known, CancellationToken.None);
            }
            else
            {
                await AskToJoinAsync();
            }
        }
        catch (Exception fault)
        {
            process.OnFault(fault);
        }

        isBusy = false;
    }

    /// <summary>What another asked for is not asked for by this node; the seat is told of it before anything is waited for.</summary>
    private ValueTask ServeChange(ControlRequest request)
    {
        isServing = true;
        var served = round.Hands.AnswerChangeAsync(request.Payload);
        isServing = false;
        return served;
    }

    private async Task AskToJoinAsync()
    {
        if (World.Operators.TokenFor(process.Machine) is not { } secret) return;
        var question = ClusterVerbs.Encode(new JoinQuestion(Member, secret, []));
        var reply = await calls.AskAsync($"m{process.Dice.Next(World.Machines.Count)}:1", ClusterVerbs.Join, question, JoinMax);
        if (reply.IsOk && ClusterVerbs.DecodeJoined(reply.Payload.Span) is { } answer)
        {
            Joined.Hit();
            if (World.IsTracing) World.Trace($"{process.Node} has joined");
            Persist(answer.Genesis);
            BeginWholeGroups();
        }
        else if (reply.Status == ControlStatus.Failed)
        {
            if (World.IsTracing) World.Trace($"{process.Node} is not admitted: {reply.Fault}");
            World.Operators.OnRefused(process.Machine);
        }
    }

    private void Persist(Genesis formed)
    {
        GenesisFile.Write(disk, formed);
        genesis = formed;
    }

    private void BeginWholeGroups()
    {
        foreach (var member in genesis!.Members.Concat(AddressBookFile.Read(disk))) Enter(member);
        _ = BeginReplicaAsync(GroupId.Directory, directory, genesis.InitialConfiguration());
        _ = BeginReplicaAsync(GroupId.Coordination, new LedgerMachine(process, GroupId.Coordination, World.ProcedureCheck.LedgerOf(GroupId.Coordination)), genesis.InitialConfiguration());
    }

    private void Enter(MemberRecord member)
    {
        if (member.Node != process.Node) addresses[member.Node] = member;
    }

    private void Soon(Action act) => World.Clock.After(TimeSpan.Zero, () => process.WhenAwake(act));
}
