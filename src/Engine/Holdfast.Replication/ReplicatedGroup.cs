using System.Buffers.Binary;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>How a request to change a group's leadership or membership was taken. Taken is not done: watch <see cref="ReplicatedGroup.Status"/>.</summary>
public enum ChangeVerdict : byte
{
    /// <summary>Under way.</summary>
    Begun = 0,

    /// <summary>This replica does not lead.</summary>
    NotLeader = 1,

    /// <summary>Another change is under way, or this one is not allowed.</summary>
    Refused = 2,
}

/// <summary>
/// A replicated group, as its users on this node see it. The asynchronous calls may be made from any thread; those that take a completion, on the group's loop.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A proposal ends exactly once. <see cref="ProposalStatus.Applied"/>: committed, and applied on this node. <see cref="ProposalStatus.Unknown"/>: it may have been
/// applied, may yet be, or never; nobody here sends it again (S25), and only a session makes repeating it safe (S11). All others: nothing was written.</item>
/// <item>A call of <see cref="ProposeAsync"/> outlives the leader that it was under way to: as soon as the log says that it was not written it is proposed again, within its time.</item>
/// <item>Proposals of one caller, each made after the one before has ended, are applied in that order; those under way at once, in any.</item>
/// <item>A reply is an object of the machine's own making, handed over without a copy: what a machine replies it does not change afterwards.</item>
/// <item>Calls are bounded: a full mailbox or table refuses at once (<see cref="ProposalStatus.Busy"/>, a read that is not granted) and never waits.</item>
/// <item><see cref="Status"/> is a snapshot of this replica's knowledge, at most a turn old; what other replicas know may be newer.</item>
/// </list>
/// </remarks>
public sealed class ReplicatedGroup
{
    private readonly GroupLoop loop;
    private readonly Replica replica;

    internal ReplicatedGroup(GroupLoop loop, Replica replica)
    {
        (this.loop, this.replica) = (loop, replica);
        Barrier = new ReadBarrier(loop, replica);
    }

    /// <summary>The group.</summary>
    public GroupId Id => replica.Group;

    /// <summary>The replica as it stood at the end of its last turn.</summary>
    public GroupStatus Status => replica.Status;

    /// <summary>Whether this replica only votes: it has no state, and nothing to read.</summary>
    public bool IsWitness => replica.State is null;

    /// <summary>What the replica has counted. From any thread.</summary>
    public GroupMeters Meters => replica.Meters;

    /// <summary>
    /// Completes when this replica's state is there for the first time: at once for a new group, after reading the snapshot for one that was here before. Fails with
    /// a <see cref="Storage.SnapshotDamagedException"/> when the snapshot is damaged and there is no other replica to fetch it from.
    /// </summary>
    public Task Restored => replica.Restoring.First;

    /// <summary>What reads pass before they look at the state.</summary>
    public ReadBarrier Barrier { get; }

    /// <summary>The copy on this node; for the group's loop, and for the simulator that looks on.</summary>
    internal Replica Replica => replica;

    /// <summary>
    /// Proposes a command, at whichever replica: a follower hands it to the leader, and this node answers from its own apply. The command's memory must not
    /// change until the call completes. Cancelling before the call is taken up throws; afterwards the fate is decided by the log or the timeout.
    /// </summary>
    public ValueTask<ProposeOutcome> ProposeAsync(ReadOnlyMemory<byte> command, ProposeOptions options = default, CancellationToken cancellation = default)
    {
        cancellation.ThrowIfCancellationRequested();
        return Post(command, options, EnvelopeFlags.None);
    }

    /// <summary>Proposes a command, on the group's loop; the bytes are copied.</summary>
    public void Propose(ReadOnlySpan<byte> command, in ProposeOptions options, IProposalCompletion completion) =>
        replica.Proposals.Propose(loop.Now, command, options, EnvelopeFlags.None, completion);

    /// <summary>Passes the read barrier, on the group's loop.</summary>
    public void ReadIndex(IReadCompletion completion) => Barrier.Pass(ReadConsistency.Strong, completion);

    /// <summary>Passes the read barrier.</summary>
    public ValueTask<ReadGrant> ReadBarrierAsync(ReadConsistency consistency = default) => Barrier.PassAsync(consistency);

    /// <summary>Runs a query on the group's loop, in slices, once the barrier is passed.</summary>
    /// <exception cref="ReadRefusedException">No leader could confirm the read in time.</exception>
    public async ValueTask<TResult> QueryAsync<TResult>(Query<TResult> query, ReadConsistency consistency = default, CancellationToken cancellation = default)
    {
        var call = new QueryCall<TResult>(replica, query, consistency, cancellation);
        loop.Post(call);
        return await call.Task.ConfigureAwait(false);
    }

    /// <summary>Reads something short on the group's loop, once the barrier is passed. What takes longer than a slice is a <see cref="Query{TResult}"/>.</summary>
    /// <exception cref="ReadRefusedException">No leader could confirm the read in time.</exception>
    public ValueTask<TResult> ReadAsync<TResult>(Func<TResult> read, ReadConsistency consistency = default) => QueryAsync(new ShortQuery<TResult>(read), consistency);

    /// <summary>Opens a session: within it, a command that is proposed again under the same number is not executed again. The outcome's reply is the session's id (a <see cref="ulong"/>).</summary>
    public ValueTask<ProposeOutcome> OpenSessionAsync() => Control(ControlKind.OpenSession, 0);

    /// <summary>Closes a session.</summary>
    public ValueTask<ProposeOutcome> CloseSessionAsync(ulong session) => Control(ControlKind.CloseSession, session);

    /// <summary>Raises the group's feature level. Only when every member's program is known to know it (S5): that is the caller's to see to.</summary>
    public ValueTask<ProposeOutcome> RaiseFeatureLevelAsync(uint level) => Control(ControlKind.RaiseFeatureLevel, level);

    /// <summary>Hands leadership to a member, or with nobody named to the best caught-up voter. On the leader; begun is not done.</summary>
    public Task<ChangeVerdict> TransferLeadershipAsync(NodeId target) => Ask(now => TransferLeadership(now, target));

    /// <summary>How gladly this node's replica stands for election, 0 to 3 (<see cref="RaftOptions.ElectionPriority"/>). A transfer of leadership to it goes as ever.</summary>
    public Task<ChangeVerdict> SetElectionPriorityAsync(int priority) => Ask(_ =>
    {
        replica.Node.SetElectionPriority(priority);
        return ChangeVerdict.Begun;
    });

    /// <summary>
    /// Changes the members, through joint consensus where the quorum changes. On the leader; begun is not done. A newcomer begins as a learner, in a change of its own, and votes by the next one when it has caught up
    /// (Raft thesis 4.2.1): a dead or empty voter counts against every quorum, and what recovers a group of damaged voters rests on it (docs/decisions/0015).
    /// </summary>
    public Task<ChangeVerdict> ChangeMembershipAsync(Configuration target) => Ask(now => ChangeMembership(now, target));

    /// <summary>
    /// The same, refused when the members are others than the caller knows: a request that was late on its way changes nothing that it does not know of. On the leader; begun is not done.
    /// </summary>
    /// <param name="known">The members that the caller knows.</param>
    /// <param name="target">Who is to belong to the group.</param>
    /// <param name="since">Where the leader said that they stand (<see cref="GroupStatus.ConfigurationIndex"/>): members that were others in between and are the same again are not those that the caller knows. Null does not look.</param>
    public Task<ChangeVerdict> ChangeMembershipAsync(Configuration known, Configuration target, LogIndex? since = null) => Ask(now => ChangeMembership(now, known, target, since));

    /// <summary>The same, on the group's loop.</summary>
    public ChangeVerdict ChangeMembership(Instant now, Configuration known, Configuration target, LogIndex? since = null) =>
        replica.Node.Configuration.Equals(known) && (since is not { } index || index == replica.Node.ConfigurationIndex) ? ChangeMembership(now, target) : ChangeVerdict.Refused;

    /// <summary>Changes the members, on the group's loop.</summary>
    public ChangeVerdict ChangeMembership(Instant now, Configuration target)
    {
        replica.MarkDirty();
        return replica.Node.ProposeConfiguration(now, target).Status switch
        {
            ProposeStatus.Accepted => ChangeVerdict.Begun,
            ProposeStatus.NotLeader => ChangeVerdict.NotLeader,
            _ => ChangeVerdict.Refused,
        };
    }

    /// <summary>Hands leadership over, on the group's loop.</summary>
    public ChangeVerdict TransferLeadership(Instant now, NodeId target)
    {
        if (replica.Node.Role != RaftRole.Leader) return ChangeVerdict.NotLeader;
        replica.MarkDirty();
        return replica.Node.TransferLeadership(now, target) ? ChangeVerdict.Begun : ChangeVerdict.Refused;
    }

    /// <summary>Opens a session, on the group's loop.</summary>
    public void OpenSession(IProposalCompletion completion) =>
        replica.Proposals.Propose(loop.Now, ControlBytes(ControlKind.OpenSession, 0), default, EnvelopeFlags.Control, completion);

    /// <summary>Has a snapshot taken soon, whatever the log's length. From any thread; <see cref="GroupStatus.Snapshot"/> tells when it is done.</summary>
    public void TakeSnapshot() => loop.Post(new AskCall<bool>(_ => TakeSnapshotHere(), false));

    /// <summary>
    /// Copies committed entries out of the log, with where the state stands: for whoever keeps them elsewhere. At most about <paramref name="bytesMax"/> bytes, so that the loop is
    /// not held up; ask on from the last one. From any thread.
    /// </summary>
    public async Task<LogReading> ReadLogAsync(LogIndex after, int bytesMax = 256 * 1024)
    {
        var call = new AskCall<LogReading>(_ => LogReading.Of(replica, after, bytesMax), LogReading.Refused);
        loop.Post(call);
        return await call.Task.ConfigureAwait(false);
    }

    /// <summary>How far every other member is, as this leader sees it; empty when this replica does not lead. From any thread.</summary>
    public async Task<IReadOnlyList<FollowerPlace>> FollowersAsync()
    {
        var call = new AskCall<IReadOnlyList<FollowerPlace>>(_ => FollowersHere(), []);
        loop.Post(call);
        return await call.Task.ConfigureAwait(false);
    }

    private List<FollowerPlace> FollowersHere()
    {
        var places = new List<FollowerPlace>();
        if (replica.Node.Role != RaftRole.Leader) return places;
        foreach (var member in replica.Node.Configuration.Members)
            if (member.Node != replica.Node.Self) places.Add(new FollowerPlace(member.Node, replica.Node.MatchOf(member.Node)));
        return places;
    }

    private bool TakeSnapshotHere()
    {
        replica.Taking.Force();
        replica.MarkDirty();
        return true;
    }

    private async Task<ChangeVerdict> Ask(Func<Instant, ChangeVerdict> ask)
    {
        var call = new AskCall<ChangeVerdict>(ask, ChangeVerdict.Refused);
        loop.Post(call);
        return await call.Task.ConfigureAwait(false);
    }

    private ValueTask<ProposeOutcome> Control(ControlKind kind, ulong argument) => Post(ControlBytes(kind, argument), default, EnvelopeFlags.Control);

    private static byte[] ControlBytes(ControlKind kind, ulong argument)
    {
        var command = new byte[9];
        command[0] = (byte)kind;
        BinaryPrimitives.WriteUInt64LittleEndian(command.AsSpan(1), argument);
        return command;
    }

    private ValueTask<ProposeOutcome> Post(ReadOnlyMemory<byte> command, in ProposeOptions options, EnvelopeFlags flags)
    {
        var call = ProposeCall.Rent(replica, command, options, flags);
        var task = call.Task;
        loop.Post(call);
        return task;
    }
}
