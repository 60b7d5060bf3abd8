using System.Text;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>
/// A client: what it has sent, how far its commands are, and its replies. Its commands go one after the other, each where it belongs: to the node, to the convoy of a shard, or to another node. Pure; the
/// socket is its owner's. For the loop's thread.
/// </summary>
internal sealed class ClientSession : ClientState
{
    private readonly KeyspaceNode node;
    private readonly IClientWire wire;
    private readonly ReplicaVisit replica;
    private Routed next;
    private Instant giveUpAt;
    private bool isReplyingLater;

    public ClientSession(KeyspaceNode node, IClientWire wire, Stack<byte[]> pool)
        : base(node, pool)
    {
        (this.node, this.wire) = (node, wire);
        replica = new ReplicaVisit(this, node);
        node.Clients.Add(Id, this);
    }

    /// <summary>When its last command was taken up.</summary>
    public long LastMicros { get; private set; }

    public string LastCommand { get; private set; } = "NULL";

    /// <summary>False for a command whose read from a replica was refused just now.</summary>
    public bool MayReadReplica { get; private set; } = true;

    /// <summary>The next command may go to a slot that is coming here (ASKING).</summary>
    public bool IsAsking { get; set; }

    public bool IsClosed { get; private set; }

    /// <summary>It is cut off once what may be sent is sent.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>A request is being dealt with: its arguments must stay where they are.</summary>
    public bool HasRequest { get; private set; }

    /// <summary>It waits, or its reply comes later: no further command is taken up.</summary>
    public bool IsBlocked => Wait.IsOn || isReplyingLater;

    /// <summary>Its command waits for the end of a pause (CLIENT PAUSE).</summary>
    public bool IsPaused => HasRequest && next is { Road: Road.Wait, Spec: { } spec } && node.Pause.Holds(spec, Input.Request, Transaction, node);

    /// <summary>Its command is answered later (by the cluster's directory, or by another node): no further command is taken up.</summary>
    public bool IsAside { get; private set; }

    /// <summary>It has nothing under way and nothing left to say.</summary>
    public bool IsIdle => !HasRequest && !IsBlocked && !IsAside && Input.Length == 0 && Replies.Length == 0;

    /// <summary>How many led shards a command that visits all of them has visited.</summary>
    public int ShardsVisited { get; private set; }

    /// <summary>What of it is with other nodes; null while nothing ever was.</summary>
    public ClientForwarding? Forwarding { get; private set; }

    /// <summary>It waits for a shard, and nothing of its command is done yet, nor may it be done beside a script that takes too long.</summary>
    public bool MayBeSentAway => IsInConvoy && HasRequest && !IsClosed && !Wait.IsOn && ShardsVisited == 0 && Gathering.Run is null && next.Spec is { } spec && !spec.Has(CommandFlags.AllowBusy);

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
            AwaitLeader();
            return;
        }

        if (IsResting)
        {
            IsResting = false;
            node.Resting.Add(this);
            return;
        }

        while (MayGoOn && TryNext())
        {
            switch (next.Road)
            {
                case Road.Shard:
                    IsInConvoy = true;
                    next.Convoy!.Join(this);
                    return;
                case Road.Wait:
                    AwaitLeader();
                    return;
                case Road.Replica:
                    if (replica.Begin(next.Seat!)) continue;
                    return;
                case Road.Forward or Road.FanOut:
                    Forward();
                    return;
            }

            Answer();
        }

        if (IsAside) return;
        if (!HasRequest) Input.Shrink();
        Send();
    }

    /// <summary>Whether its next command is for this convoy too; executes nothing.</summary>
    public bool IsNextFor(Convoy convoy) => !IsResting && !IsHeldUp && MayGoOn && TryNext() && next.Road == Road.Shard && next.Convoy == convoy;

    /// <summary>Executes its present command on a shard, in the shard's present entry.</summary>
    public void ExecuteOn(ShardSeat seat, CommandCall call)
    {
        if (Wait.TryReplyRunOut()) return;
        var (spec, slot) = (next.Spec!, next.Slot);
        var writer = Replies.Writer;
        Replies.Mark();
        if (slot >= 0 && !seat.Machine.State.Slots.Owned[slot] && !(node.Bug == PlantedShardBug.SourceReadsSealed && spec.Has(CommandFlags.ReadOnly)))
        {
            // Its slot is sealed or gone, since it was routed: not executed, so it may be sent elsewhere (S19).
            IsHeldUp = true;
            return;
        }

        if (spec.Has(CommandFlags.DenyOom) || spec.Place != CommandPlace.Shard)
        {
            call.ActForNobody();
            node.Eviction.MakeRoom(call);
        }

        if (Fence is { } fence && !FenceCommands.TryPass(fence, call, spec, Transaction)) FenceCommands.Refuse(this, fence, call);
        else if ((spec.Has(CommandFlags.DenyOom) || (spec.Place == CommandPlace.Connection && Transaction.DeniesOom)) && node.IsOutOfMemory)
        {
            RefuseForMemory(spec);
            return;
        }
        else if (spec.Place == CommandPlace.Connection) TransactionCommands.ExecuteQueued(this, call, slot);
        else call.Run(this, spec, Input.Request, slot);
        seat.Machine.Waits.ServeReady(call);
        Wait.OnParked(seat);
        if (Gathering.IsUnfinished)
        {
            Gathering.IsUnfinished = false;
            IsResting = true;
            return;
        }

        Gathering.EndRun();
        if (spec.Place == CommandPlace.EveryShard && ++ShardsVisited < Gathering.Shards)
        {
            next = RequestRouter.NextShard(node, this, spec);
            return;
        }

        node.Meter.Lap(this, spec, seat.Machine);
        Done();
    }

    private void RefuseForMemory(CommandSpec spec)
    {
        var refusal = RequestRouter.Aborting(spec, RequestRouter.Text(CommandErrors.OutOfMemory));
        Replies.Writer.Error(refusal);
        if (spec.Place == CommandPlace.Connection) Transaction.End(this);
        node.Meter.Reject(spec, refusal);
        Done();
    }

    /// <summary>It was not executed: its way is looked for again, a moment later.</summary>
    public void Reroute(ProposalStatus status)
    {
        IsInConvoy = false;
        if (status == ProposalStatus.Stopped) Close();
        else if (!Wait.TryRefuseRunOut()) AwaitLeader();
    }

    /// <summary>It is told that a script takes too long, and so are the commands behind; it waits for no shard any more.</summary>
    public void SendAway()
    {
        next = RequestRouter.Route(node, this, Input.Request);
        GoOn();
    }

    /// <summary>Looks again whether a leader is known; to be called now and then for clients that wait. False when it waits no more.</summary>
    public bool Retry()
    {
        if (IsClosed) return false;
        next = RequestRouter.Route(node, this, Input.Request);
        if (next.Road == Road.Wait && (node.Now < giveUpAt || (next.Spec is { } spec && node.Pause.Holds(spec, Input.Request, Transaction, node)))) return true;
        if (next.Road == Road.Wait) next = Routed.Refuse(next.Text ?? RequestRouter.Text(CommandErrors.ClusterDown));
        giveUpAt = default;
        GoOn();
        return false;
    }

    /// <summary>Its present command may be read from a replica, or may not.</summary>
    public void OnReplica(bool isGranted)
    {
        if (isGranted && next.Seat!.Machine.State.Slots.Owned[next.Slot])
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
    }

    /// <summary>Other nodes, or this one for several slots, have replied to what it had forwarded.</summary>
    public void OnForwarded(ReadOnlySpan<byte> replies)
    {
        IsAside = false;
        Replies.Writer.Raw(replies);
        Replies.Pass();
        node.Resting.Add(this);
    }

    /// <summary>The present command replies later: nothing more is read until then. For commands of the node, not within a transaction.</summary>
    public Action<Action<RespWriter>> ReplyLater()
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

    /// <summary>Replies an error and goes on, in a later turn: whoever tells us may be in the midst of something.</summary>
    public void ReplyInLaterTurn(ReadOnlySpan<byte> error)
    {
        Replies.Writer.Error(error);
        Replies.Pass();
        node.Resting.Add(this);
    }

    /// <summary>Something was written for it that it did not ask for.</summary>
    public void Tell() => wire.OnTold(this);

    public void OnReleased(long ticket)
    {
        Replies.Release(ticket);
        Send();
    }

    /// <summary>Something was pushed to it that may leave at once.</summary>
    public void OnPushed()
    {
        if (IsClosed) return;
        Replies.Pass();
        Send();
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
        Forwarding?.End();
        node.Tracking.Remove(this);
        node.Meter.Monitors.Remove(this);
        Wait.Leave();
        Gathering.EndRun();
        Subscribed.End(this);
        wire.OnClosed(this);
    }

    private bool MayGoOn => !IsAside && !IsClosed && !IsLeaving && !IsBlocked && Replies.Length <= node.Options.UnreadBytesMax;

    /// <summary>Lets leave what may, unless it leaves too much unread: then it is cut off, as in Redis.</summary>
    private void Send()
    {
        if (Output.IsOver(this, node)) Output.CutOff(this, node);
        else wire.OnSendable(this);
    }

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

            if (IsOfBrowser(Input.Request[0]))
            {
                node.Say?.Invoke(true, $"a client at {Traits.Address} speaks HTTP and was cut off: somebody may have a browser send commands here");
                Close();
                return false;
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

    /// <summary>The first words of HTTP's lines: a page that somebody looks at may have his browser send commands in the body of a request, which are not to be executed.</summary>
    private static bool IsOfBrowser(ReadOnlySpan<byte> word) => word.Length is 4 or 5 && (Ascii.EqualsIgnoreCase(word, "POST"u8) || Ascii.EqualsIgnoreCase(word, "Host:"u8));

    /// <summary>Its present command goes to another node, with those behind it that go there too; or in parts to the nodes of its slots.</summary>
    private void Forward()
    {
        var forwarding = Forwarding ??= new ClientForwarding(this, node);
        if (next.Road == Road.FanOut)
        {
            forwarding.BeginParts(next.Spec!, Input.Request);
            PassForwarded(next.Spec!);
        }
        else
        {
            forwarding.Begin(next.Target, next.Slot);
            do
            {
                forwarding.Add(next.Spec!, Input.Request, Transaction);
                PassForwarded(next.Spec!);
            }
            while (forwarding.TakesMore && TryNext() && next.Road == Road.Forward && next.Target == forwarding.Target);
        }

        IsAside = true;
        forwarding.Send();
    }

    private void PassForwarded(CommandSpec spec)
    {
        if (spec.Name == "exec") Transaction.End(this);
        Replies.Mark();
        Done();
    }

    private void Answer()
    {
        var writer = Replies.Writer;
        Replies.Mark();
        switch (next.Road)
        {
            case Road.Refuse:
                if (next.Spec is { Name: "exec" }) Transaction.End(this);
                else if (Transaction.IsOpen) Transaction.IsSpoilt = true;
                node.Meter.Reject(next.Spec, next.Text!);
                if (next.Text!.StartsWith("MOVED ", StringComparison.Ordinal)) node.Counters.Redirects++;
                writer.Error(next.Text!);
                break;
            case Road.Queue:
                Transaction.Queue(next.Spec!, Input.Request, next.Slot, next.IsQuorum);
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

    private void AwaitLeader()
    {
        Gathering.EndRun();
        if (giveUpAt == default) giveUpAt = node.Now + node.Options.LeaderPatience;
        node.Waiting.Add(this);
    }
}
