using System.Text;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>The bytes' way to a client: a socket, or a test.</summary>
internal interface IClientWire
{
    /// <summary>There may be replies to send. Called often; what it does may wait until the turn's end.</summary>
    void OnSendable(ClientSession client);

    /// <summary>Something was written that the client did not ask for, such as a message: one of many, perhaps, that may leave together.</summary>
    void OnTold(ClientSession client);

    /// <summary>The client is to be cut off, after what can be sent is sent.</summary>
    void OnClosed(ClientSession client);
}

/// <summary>
/// A client: what it has sent, how far its commands are, and its replies. Its commands go one after the other, each where it belongs: to the node, or to the convoy of a shard. Pure; the socket is its
/// owner's. For the loop's thread.
/// </summary>
internal sealed class ClientSession : IReadCompletion
{
    private readonly KeyspaceNode node;
    private readonly IClientWire wire;
    private Routed next;
    private AclUser? user;
    private string? userName;
    private long userRevision = -1;
    private Instant giveUpAt;
    private bool isAskingToRead;
    private bool isGrantedAtOnce;
    private bool isReplyingLater;
    private Waiter? ending;

    public ClientSession(KeyspaceNode node, IClientWire wire, Stack<byte[]> pool)
    {
        (this.node, this.wire) = (node, wire);
        Input = new InputBuffer(pool);
        Id = node.NextClientId();
        Durability = node.Options.Durability;
        Subscribed = new ClientSubscriptions(node.Subscriptions);
        ConnectedMicros = node.WallMicros;
        node.Clients.Add(Id, this);
    }

    public long Id { get; }

    public InputBuffer Input { get; }

    public ReplyQueue Replies { get; } = new();

    public Transaction Transaction { get; } = new();

    public ClientTraits Traits { get; } = new();

    /// <summary>What it wants to hear about keys that it caches.</summary>
    public ClientTracking Tracking { get; } = new();

    /// <summary>What it listens to.</summary>
    public ClientSubscriptions Subscribed { get; }

    /// <summary>It listens, and speaks RESP2: then it may do little else.</summary>
    public bool IsOnlyListening => Subscribed.IsAny && Replies.Writer.Protocol < 3;

    /// <summary>When its replies may leave (DESIGN section 6).</summary>
    public Durability Durability { get; set; }

    public long ConnectedMicros { get; }

    /// <summary>When its last command was taken up.</summary>
    public long LastMicros { get; private set; }

    public string LastCommand { get; private set; } = "NULL";

    /// <summary>Whether it may read from replicas (READONLY).</summary>
    public bool IsReadOnly { get; set; }

    /// <summary>The lock that this connection's writes are fenced by (HOLDFAST.FENCE); null for none.</summary>
    public ClientFence? Fence { get; set; }

    /// <summary>False for a command whose read from a replica was refused just now.</summary>
    public bool MayReadReplica { get; private set; } = true;

    /// <summary>The next command may go to a slot that is coming here (ASKING).</summary>
    public bool IsAsking { get; set; }

    public bool IsClosed { get; private set; }

    /// <summary>It is cut off once what may be sent is sent.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>A request is being dealt with: its arguments must stay where they are.</summary>
    public bool HasRequest { get; private set; }

    /// <summary>What it waits for (BLPOP …); null when it does not.</summary>
    public Waiter? Waiter { get; private set; }

    /// <summary>It waits, or its waiting has ended and the reply is on its way through the shard: no further command is taken up.</summary>
    public bool IsBlocked => Waiter is not null || ending is not null || isReplyingLater;

    /// <summary>Its command is answered later (by the cluster's directory): no further command is taken up.</summary>
    public bool IsAside { get; private set; }

    /// <summary>How many led shards a command that visits all of them has visited.</summary>
    public int ShardsVisited { get; private set; }

    /// <summary>Scratch of a command that visits every shard.</summary>
    public Gathering Gathering { get; } = new();

    private bool IsInConvoy { get; set; }

    /// <summary>Its command goes on in another entry.</summary>
    private bool IsResting { get; set; }

    /// <summary>Its command was not executed, because the shard does not serve its slot: its way is looked for again.</summary>
    private bool IsHeldUp { get; set; }

    /// <summary>Bytes came: goes on as far as it can.</summary>
    public void GoOn()
    {
        IsInConvoy = false;
        if (IsHeldUp)
        {
            IsHeldUp = false;
            Wait();
            return;
        }

        if (IsResting)
        {
            IsResting = false;
            node.Resting.Add(this);
            return;
        }

        while (!IsAside && !IsClosed && !IsLeaving && !IsBlocked && Replies.Length <= node.Options.UnreadBytesMax && TryNext())
        {
            if (next.Road == Road.Shard)
            {
                IsInConvoy = true;
                next.Convoy!.Join(this);
                return;
            }

            if (next.Road == Road.Wait)
            {
                Wait();
                return;
            }

            if (next.Road == Road.Replica)
            {
                // The grant may come at once, and then we go on here: a long pipeline must not call itself.
                (isAskingToRead, isGrantedAtOnce) = (true, false);
                next.Seat!.Log.ReadReplica(node.Options.ReplicaAgeMax, this);
                isAskingToRead = false;
                if (isGrantedAtOnce) continue;
                return;
            }

            Answer();
        }

        if (IsAside) return;
        if (!HasRequest) Input.Shrink();
        wire.OnSendable(this);
    }

    /// <summary>Whether its next command is for this convoy too; executes nothing.</summary>
    public bool IsNextFor(Convoy convoy) => !IsResting && !IsHeldUp && !IsClosed && !IsLeaving && !IsBlocked && Replies.Length <= node.Options.UnreadBytesMax && TryNext() && next.Road == Road.Shard && next.Convoy == convoy;

    /// <summary>Executes its present command on a shard, in the shard's present entry.</summary>
    public void ExecuteOn(ShardSeat seat, CommandCall call)
    {
        if (ending is not null)
        {
            // Its wait has run out. That nothing came is a read like any other: it is said once the entry's barrier holds.
            ending.WriteTimeout(Replies.Writer);
            ending = null;
            return;
        }

        var (spec, slot) = (next.Spec!, next.Slot);
        var writer = Replies.Writer;
        Replies.Mark();
        if (slot >= 0 && !seat.Machine.State.Slots.Owned[slot] && !(node.Bug == PlantedShardBug.SourceReadsSealed && spec.Has(CommandFlags.ReadOnly)))
        {
            // Its slot is sealed or gone, since it was routed: not executed, so it may be sent elsewhere (S19).
            IsHeldUp = true;
            return;
        }

        if (spec.Has(CommandFlags.DenyOom) || spec.Place != CommandPlace.Shard) node.Eviction.MakeRoom(call);
        if (Fence is { } fence && !FenceCommands.TryPass(fence, call, spec, Transaction)) FenceCommands.Refuse(this, fence, call);
        else if ((spec.Has(CommandFlags.DenyOom) || (spec.Place == CommandPlace.Connection && Transaction.DeniesOom)) && node.IsOutOfMemory)
        {
            writer.Error(CommandErrors.OutOfMemory);
            if (spec.Place == CommandPlace.Connection) Transaction.End(this);
        }
        else if (spec.Place == CommandPlace.Connection) TransactionCommands.ExecuteQueued(this, call, slot);
        else call.Run(this, spec, Input.Request, slot);
        seat.Machine.Waits.ServeReady(call);
        if (Waiter is { Seat: null } fresh) fresh.Seat = seat;
        if (Gathering.IsUnfinished)
        {
            Gathering.IsUnfinished = false;
            IsResting = true;
            return;
        }

        if (spec.Place == CommandPlace.EveryShard && ++ShardsVisited < Gathering.Shards)
        {
            next = RequestRouter.NextShard(node, this, spec);
            return;
        }

        node.Meter.Lap(this, spec, seat.Machine);
        Done();
    }

    /// <summary>It was not executed: its way is looked for again, a moment later.</summary>
    public void Reroute(ProposalStatus status)
    {
        IsInConvoy = false;
        if (status == ProposalStatus.Stopped) Close();
        else if (ending is not null)
        {
            ending = null;
            Refuse(WaitTable.Moved);
        }
        else Wait();
    }

    /// <summary>Its command has nothing to give it yet: it waits.</summary>
    public void Park(Waiter waiter)
    {
        Waiter = waiter;
        node.Waits.Add(waiter);
    }

    /// <summary>It was served by another's command: its reply is written, and it goes on once that is held back with the entry.</summary>
    public void OnServed()
    {
        node.Waits.Remove(Waiter!);
        Waiter = null;
    }

    /// <summary>It waits no longer: its time is up.</summary>
    public void EndWait()
    {
        if (Waiter is not { } waiter) return;
        Leave(waiter);
        ending = waiter;
        waiter.Seat!.ConvoyOf(Durability).Join(this);
    }

    /// <summary>It waits no longer, for a reason that is said at once: nothing of its command was executed.</summary>
    public void EndWait(ReadOnlySpan<byte> error)
    {
        if (Waiter is not { } waiter) return;
        Leave(waiter);
        Refuse(error);
    }

    /// <summary>Looks again whether a leader is known; to be called now and then for clients that wait. False when it waits no more.</summary>
    public bool Retry()
    {
        if (IsClosed) return false;
        next = RequestRouter.Route(node, this, Input.Request);
        if (next.Road == Road.Wait && (node.Now < giveUpAt || (next.Spec is { } spec && node.Pause.Holds(spec, node.Now)))) return true;
        if (next.Road == Road.Wait) next = Routed.Refuse(next.Text ?? RequestRouter.Text(CommandErrors.ClusterDown));
        giveUpAt = default;
        GoOn();
        return false;
    }

    /// <summary>The replica may be read, or may not: then the client is sent to the leader.</summary>
    void IReadCompletion.OnGrant(in ReadGrant grant)
    {
        if (IsClosed) return;
        if (grant.IsGranted && next.Seat!.Machine.State.Slots.Owned[next.Slot])
        {
            var call = next.Seat!.Machine.ReadCall;
            call.TimeMicros = node.WallMicros;
            call.Run(this, next.Spec!, Input.Request, next.Slot);
            Done();
            Replies.Pass();
        }
        else
        {
            MayReadReplica = false;
            next = RequestRouter.Route(node, this, Input.Request);
        }

        isGrantedAtOnce = isAskingToRead;
        if (!isAskingToRead) GoOn();
    }

    /// <summary>The present command replies later: nothing more is read until then. For commands of the node, not within a transaction.</summary>
    public Action<Action<Wire.Resp.RespWriter>> ReplyLater()
    {
        isReplyingLater = true;
        return write =>
        {
            isReplyingLater = false;
            if (IsClosed) return;
            write(Replies.Writer);
            Replies.Pass();
            GoOn();
        };
    }

    /// <summary>Something was written for it that it did not ask for.</summary>
    public void Tell() => wire.OnTold(this);

    public void OnReleased(long ticket)
    {
        Replies.Release(ticket);
        wire.OnSendable(this);
    }

    /// <summary>Something was pushed to it that may leave at once.</summary>
    public void OnPushed()
    {
        if (IsClosed) return;
        Replies.Pass();
        wire.OnSendable(this);
    }

    /// <summary>The reply of its present command will come by <see cref="ComeBack"/>.</summary>
    public void StepAside() => IsAside = true;

    /// <summary>Replies to the command that it stepped aside for, and goes on.</summary>
    public void ComeBack(Action<RespWriter> reply)
    {
        if (IsClosed) return;
        IsAside = false;
        reply(Replies.Writer);
        Done();
        Replies.Pass();
        GoOn();
    }

    /// <summary>Cuts the client off: what it waited for is not said any more.</summary>
    public void Close()
    {
        if (IsClosed) return;
        IsClosed = true;
        node.Clients.Remove(Id);
        Transaction.End(this);
        node.Tracking.Remove(this);
        node.Meter.Monitors.Remove(this);
        if (Waiter is not null) Leave(Waiter);
        Subscribed.End(this);
        wire.OnClosed(this);
    }

    /// <summary>As RESET does: everything but the connection begins anew.</summary>
    public void Reset()
    {
        Transaction.End(this);
        Subscribed.End(this);
        Traits.Reset();
        node.Meter.Monitors.Remove(this);
        node.Tracking.Remove(this);
        Tracking.TurnOff();
        SignOut();
        (IsReadOnly, IsAsking, Fence) = (false, false, null);
        Replies.Writer.Protocol = 2;
        Durability = node.Options.Durability;
    }

    /// <summary>As whom it is signed in; null when it has to sign in first.</summary>
    public AclUser? User
    {
        get
        {
            if (userRevision == node.Users.Revision) return user;
            userRevision = node.Users.Revision;
            if (userName is null && node.Users.Default is { IsOn: true, HasNoPassword: true }) userName = AclUser.Default;
            user = userName is null ? null : node.Users.Find(userName);
            if (userName is not null && user is null) IsLeaving = true; // He is no longer: ACL DELUSER cuts him off.
            return user;
        }
    }

    /// <summary>It has said who it is, and it is true.</summary>
    public void SignIn(AclUser signedIn) => (userName, user, userRevision) = (signedIn.Name, signedIn, node.Users.Revision);

    /// <summary>As at its beginning.</summary>
    private void SignOut() => (userName, user, userRevision) = (null, null, -1);

    /// <summary>Whether its user may execute this.</summary>
    public bool Allows(CommandSpec spec, RespArguments arguments) => User is { } signedIn && signedIn.Check(spec, arguments, node.Places, out _) == AclVerdict.Allowed;

    /// <summary>Has the next request at hand, routed; false when there is none.</summary>
    private bool TryNext()
    {
        while (!HasRequest)
        {
            switch (Input.Read(node.Settings.Limits))
            {
                case RespProgress.NeedMore: return false;
                case RespProgress.Failed:
                    next = Routed.Refuse("ERR Protocol error: " + Input.Fault);
                    IsLeaving = HasRequest = true;
                    Answer();
                    return false;
            }

            if (Input.Request.Count == 0)
            {
                Input.Pass();
                continue;
            }

            HasRequest = true;
            LastMicros = node.WallMicros;
            node.Counters.Commands++;
            ShardsVisited = 0;
            next = RequestRouter.Route(node, this, Input.Request);
            LastCommand = next.Spec?.Name ?? LastCommand;
        }

        return true;
    }

    private void Answer()
    {
        var writer = Replies.Writer;
        Replies.Mark();
        switch (next.Road)
        {
            case Road.Refuse:
                if (Transaction.IsOpen) Transaction.IsSpoilt = true;
                node.Meter.Reject(next.Spec, next.Text!);
                if (next.Text!.StartsWith("MOVED ", StringComparison.Ordinal)) node.Counters.Redirects++;
                writer.Error(next.Text!);
                break;
            case Road.Queue:
                Transaction.Queue(next.Spec!, Input.Request, next.Slot);
                writer.Simple("QUEUED"u8);
                break;
            default:
                var call = node.Scripts.Running is null ? node.Call : node.BusyCall;
                call.TimeMicros = node.WallMicros;
                node.Meter.Start();
                call.Run(this, next.Spec!, Input.Request, -1);
                node.Meter.Lap(this, next.Spec!, null);
                if (IsAside) return;
                break;
        }

        Done();
        Replies.Pass();
    }

    private void Done()
    {
        HasRequest = false;
        MayReadReplica = true;
        IsAsking = next.Spec is { Name: "asking" };
        node.Tracking.TellOwn(this);
        if (next.Spec is not { Name: "client|caching" } && !Transaction.IsOpen) Tracking.IsCachingSaid = false;
        Traits.OnReplied(this);
        Input.Pass();
    }

    private void Leave(Waiter waiter)
    {
        waiter.Shard.Waits.Remove(waiter);
        node.Waits.Remove(waiter);
        Waiter = null;
    }

    /// <summary>Replies an error and goes on, in a later turn: whoever tells us may be in the midst of something.</summary>
    private void Refuse(ReadOnlySpan<byte> error)
    {
        Replies.Writer.Error(error);
        Replies.Pass();
        node.Resting.Add(this);
    }

    private void Wait()
    {
        if (giveUpAt == default) giveUpAt = node.Now + node.Options.LeaderPatience;
        node.Waiting.Add(this);
    }
}
