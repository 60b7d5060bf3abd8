using System.Buffers;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Something that is executed on a shard, at append, as one entry: the commands of those connections that wait for it, an expiry round, a step of a move.</summary>
internal interface IShardWork
{
    /// <summary>Runs on the shard's loop, on its leader. What it changes goes through <see cref="ShardMachine.Call"/>, and with it into the entry's effects.</summary>
    void Run(ShardMachine shard);
}

/// <summary>
/// A shard as a group replicates it (DESIGN section 6): commands execute once, on the leader, at append; their effects are the entry; the others apply them at commit (S15). A proposal's bytes are only
/// the number of a registered <see cref="IShardWork"/>: what is executed is what waits there when its turn comes.
/// </summary>
internal sealed class ShardMachine : IAppendExecutor
{
    private const int EffectsPerSlice = 256;
    private const int DisposalsPerEntry = 64;

    private static readonly Mark ForeignEffects = new("keyspace: effects that cannot be read were passed over", elsewhere: "ForeignBytesTests: simulated nodes run one program");

    private readonly List<IShardWork> works = [];
    private readonly CommandTable table;
    private readonly KeyspaceNode node;
    private readonly RespArguments replayed = new();
    private readonly CommandCall replay;
    private List<ClientSession> touched = [];
    private List<ClientSession> touchedBefore = [];
    private readonly Queue<Keyspace> retired = new();
    private byte[] replayBuffer = new byte[4096];
    private EffectsReader reader;
    private LogPosition replaying;
    private ulong replayDigest;
    private bool isReplayResting;

    public ShardMachine(GroupId group, CommandTable table, KeyspaceNode node)
    {
        Group = group;
        (this.table, this.node) = (table, node);
        Call = new CommandCall(this, node) { Mode = CallMode.Execute };
        ReadCall = new CommandCall(this, node) { Mode = CallMode.ReadOnly };
        replay = new CommandCall(this, node) { Mode = CallMode.Replay, Reply = new RespWriter(new ByteBuffer()) };
        Watches = new WatchTable();
        Outbox = new Outbox(node);
    }

    /// <summary>The group that it is the state of.</summary>
    public GroupId Group { get; }

    public ShardState State { get; private set; } = new();

    public Keyspace Keyspace => State.Keyspace;

    /// <summary>The call that commands execute in: one at a time.</summary>
    public CommandCall Call { get; }

    /// <summary>The call in which a follower answers reads.</summary>
    public CommandCall ReadCall { get; }

    /// <summary>Who watches which keys (WATCH).</summary>
    public WatchTable Watches { get; }

    /// <summary>The place of the entry that is being executed.</summary>
    public LogPosition Position { get; private set; }

    /// <summary>Who waits for which keys to have something (BLPOP …).</summary>
    public WaitTable Waits { get; } = new();

    /// <summary>What entries that are not committed yet will publish.</summary>
    public Outbox Outbox { get; }

    /// <summary>The role as it was last told.</summary>
    public GroupRole Role { get; private set; }

    public ulong StateHash => EffectsWriter.Mix(State.Hash ^ (ulong)State.Keyspace.KeyCount ^ (State.Slots.Epoch << 48));

    /// <summary>Makes work known; the bytes that propose it.</summary>
    public byte[] Register(IShardWork work)
    {
        works.Add(work);
        return BitConverter.GetBytes(works.Count - 1);
    }

    /// <summary>Clients to whom something was pushed in the present entry: it leaves with the entry.</summary>
    public List<ClientSession> Pushed { get; } = [];

    /// <summary>A client that got a reply in the present entry without having asked in it: what it waited for has come.</summary>
    public void Touch(ClientSession client) => touched.Add(client);

    /// <summary>Those clients, each once taken.</summary>
    public List<ClientSession> TakeTouched()
    {
        if (touched.Count == 0) return touched;
        (touched, touchedBefore) = (touchedBefore, touched);
        touched.Clear();
        return touchedBefore;
    }

    public ExecuteResult Execute(in AppendCommand command, IBufferWriter<byte> effects)
    {
        Call.Effects.Begin(effects);
        Call.TimeMicros = command.TimeMicros;
        Keyspace.Seconds = (uint)(command.TimeMicros / 1_000_000);
        Position = command.Position;
        State.Undo.Begin(command.Position.Index, State.Hash);
        State.IsUndoOn = true;
        works[BitConverter.ToInt32(command.Command)].Run(this);
        State.IsUndoOn = false;
        var hasEffects = Call.Effects.Length > 0;
        if (hasEffects) State.Hash = EffectsWriter.Mix(State.Hash ^ Call.Effects.Digest);
        else State.Undo.Cancel();
        Outbox.OnExecuted(command.Position.Index, hasEffects);
        FreeSome();
        return new ExecuteResult(hasEffects, null);
    }

    /// <summary>Removes every key, in no time: the old keys die later, when nobody needs them for undoing or for a snapshot.</summary>
    public void Flush()
    {
        Watches.BreakAll();
        if (State.IsUndoOn) Call.Node.Tracking.OnFlushed(this);
        if (Role.IsLeader) Waits.OnFlushed();
        State.Flush();
    }

    public bool OnTruncated(LogIndex from)
    {
        Watches.BreakAll();
        Outbox.OnTruncated(from);
        var hash = State.Hash;
        State.KeepsLostOwnership = Call.Node.Bug == PlantedShardBug.OwnershipNotUndone;
        if (!State.Undo.TryUndo(from, ref hash)) return false;
        State.Hash = hash;
        return true;
    }

    public void OnCommitted(LogIndex through)
    {
        State.Undo.Confirm(through);
        Outbox.OnCommitted(through);
    }

    public ApplyResult Apply(in CommittedEntry entry)
    {
        if (replaying != entry.Position && !BeginReplay(entry)) return ApplyResult.Done();
        replay.TimeMicros = node.Bug == PlantedShardBug.ExpiryByLocalClock ? node.WallMicros : entry.TimeMicros;
        Keyspace.Seconds = (uint)(entry.TimeMicros / 1_000_000);
        for (var left = EffectsPerSlice; left > 0; left--)
        {
            if (!isReplayResting && !reader.TryRead(replayBuffer, replayed, ref replayDigest)) return EndReplay();
            isReplayResting = !TryReplay();
            if (isReplayResting) break;
        }

        return ApplyResult.Yield;
    }

    public ISnapshotView CaptureSnapshot() => new SnapshotWalk(State, hasMoves: Call.Node.Bug != PlantedShardBug.MovesLeftOutOfSnapshot);

    public ISnapshotBuilder BeginRestore() => new Builder(this);

    public void OnRole(in GroupRole role)
    {
        if ((!role.IsLeader || role.Term != Role.Term) && Call.Node.Bug != PlantedShardBug.CopyOutlivesTerm) State.Tracker = null;
        if (!role.IsLeader)
        {
            Watches.BreakAll();
            Waits.EndAll();
            if (Role.IsLeader) Call.Node.Tracking.ForgetAll();
        }

        Role = role;
        if (!role.IsLeader) node.Subscriptions.EndLost(this);
    }

    private bool BeginReplay(in CommittedEntry entry)
    {
        if (replayBuffer.Length < entry.Command.Length) replayBuffer = new byte[Math.Max(entry.Command.Length, replayBuffer.Length * 2)];
        entry.Command.CopyTo(replayBuffer);
        reader = new EffectsReader(entry.Command.Length);
        replayDigest = 0;
        replaying = entry.Position;
        if (reader.Begin(replayBuffer)) return true;
        ForeignEffects.Hit();
        return false;
    }

    /// <summary>Does a command again; false when it goes on in another turn.</summary>
    private bool TryReplay()
    {
        if (replayed.Count == 0 || table.Find(replayed[0]) is not { } spec)
        {
            // Commands that need a newer program are logged only when every member knows them (S5).
            ForeignEffects.Hit();
            return true;
        }

        if (spec.Subcommands is { } subcommands && replayed.Count > 1 && subcommands.TryGetValue(Encoding.ASCII.GetString(replayed[1]).ToLowerInvariant(), out var sub)) spec = sub;
        replay.Begin(spec, replayed, spec.SlotOf(replayed));
        spec.Handler(replay);
        replay.Reply.Target.Clear();
        if (!replay.Gathering.IsUnfinished) return true;
        replay.Gathering.IsUnfinished = false;
        return false;
    }

    private ApplyResult EndReplay()
    {
        if (!reader.IsWhole) ForeignEffects.Hit();
        State.Hash = EffectsWriter.Mix(State.Hash ^ replayDigest);
        replaying = default;
        FreeSome();
        return ApplyResult.Done();
    }

    private void Become(ShardState built)
    {
        var old = State;
        State = built;
        replaying = default;
        isReplayResting = false;
        replay.Gathering.EndRun();
        Watches.BreakAll();
        Waits.EndAll();
        Outbox.Clear();
        old.Undo.Clear();
        old.Retire(old.Keyspace);
        old.TakeRetired(retired);
    }

    /// <summary>Memory of what is gone is given back a little at a time, whatever its size.</summary>
    private void FreeSome()
    {
        Keyspace.FreeSome(EffectsPerSlice);
        State.TakeRetired(retired);
        if (retired.TryPeek(out var oldest) && !oldest.IsHeld && oldest.DisposeSome(DisposalsPerEntry)) retired.Dequeue();
    }

    private sealed class Builder(ShardMachine owner) : ISnapshotBuilder
    {
        private readonly ByteBuffer unread = new();
        private ShardState? state = new();
        private bool isHeadRead;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            new SpanWriter(unread).WriteBytes(chunk);
            var bytes = new SpanReader(unread.Written);
            if (!isHeadRead && SnapshotCodec.HasHead(bytes.Rest))
            {
                isHeadRead = true;
                Invariant.Holds(SnapshotCodec.TryReadHead(ref bytes, state!, out _), "a shard's snapshot is of another version: start the program that wrote it, or a newer one");
            }

            while (isHeadRead && SnapshotCodec.HasRecord(bytes.Rest))
                Invariant.Holds(SnapshotCodec.TryReadRecord(ref bytes, state!.Keyspace), "a shard's snapshot holds a record that this program cannot read: start the program that wrote it, or a newer one");
            unread.DropFirst(unread.Length - bytes.Rest.Length);
        }

        public void Complete()
        {
            Invariant.Holds(isHeadRead && unread.Length == 0, "a shard's snapshot ends in the middle of a record");
            owner.Become(state!);
            state = null;
        }

        public void Dispose() => state?.Dispose();
    }
}
