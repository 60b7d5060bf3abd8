using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// What a group replicates. Called on the group's loop only, one call at a time. Deterministic: given the same entries in the same order, every
/// replica reaches the same state and the same <see cref="StateHash"/>, on every machine. It reads nothing but its entry and its own state (S13):
/// no clock, no settings, no other group.
/// </summary>
/// <remarks>
/// The contract, in the order in which a machine meets it:
/// <list type="number">
/// <item>It begins empty. A replica with a snapshot restores it first (<see cref="BeginRestore"/>), while others go on; then come the entries after it.</item>
/// <item><see cref="Apply"/> is called once for each committed entry, in order, and again for the same entry as long as it yields. Between two calls other groups,
/// queries and snapshot chunks have their turn; nobody reads the state while an entry is half applied.</item>
/// <item>After a restart the entries since the snapshot are applied again, with <see cref="CommittedEntry.ReplyWanted"/> false: whatever a machine tells the world it
/// tells from what it keeps as state, or accepts to tell twice.</item>
/// <item><see cref="CaptureSnapshot"/> is called between entries only. The view stays what it was while later entries are applied, and while the state is replaced.</item>
/// <item>A state may be replaced at any time between entries, or in the middle of one: by <see cref="ISnapshotBuilder.Complete"/>, which drops a half-applied entry
/// with all else. Derived structures (indexes, caches) follow the state and are outside the hash.</item>
/// <item>It never throws for what a command says. An exception out of a machine ends the node: its state is not known any more.</item>
/// </list>
/// A machine that executes at append (<see cref="IAppendExecutor"/>) is called the same way for entries that it did not execute itself.
/// </remarks>
public interface IStateMachine
{
    /// <summary>
    /// Executes a committed entry, or goes on with it after a <see cref="ApplyResult.Yield"/>. Whatever could take longer than about a millisecond
    /// yields and keeps its own place. Bad commands are a reply, never an exception: every replica would throw.
    /// </summary>
    ApplyResult Apply(in CommittedEntry entry);

    /// <summary>
    /// A consistent view of the state after the last applied entry; where commands are executed at append, after the last executed. Taking it is O(1); it stays consistent while later entries are applied, executed, or taken back.
    /// </summary>
    ISnapshotView CaptureSnapshot();

    /// <summary>Begins to build a state from a snapshot, beside the live one.</summary>
    ISnapshotBuilder BeginRestore();

    /// <summary>A rolling hash of the state, equal on all replicas after the same entry.</summary>
    ulong StateHash { get; }

    /// <summary>The replica's role changed. For what only a leader does, such as watching leases; never changes replicated state.</summary>
    void OnRole(in GroupRole role) { }

    /// <summary>The group counts on this node no more: what the state holds may go. Nothing is applied or asked until a restored state has taken its place.</summary>
    void Forget() { }
}

/// <summary>A state machine that executes on the leader when a command is appended and logs the effects (Keyspace; DESIGN section 6, S15 to S20).</summary>
/// <remarks>
/// <list type="bullet">
/// <item>Only a leader executes, once an entry of its own term is applied (S15), and never while the state is rebuilt; what
/// comes meanwhile is parked. Elsewhere a proposal ends as <see cref="ProposalStatus.NoLeader"/>: clients of such a group are sent to its leader.</item>
/// <item>What was executed here is not applied again: <see cref="IStateMachine.Apply"/> gets the effects that other leaders executed, and after a rebuild all of them.</item>
/// <item>A reply to a quorum proposal leaves when its effects, and all executed before it, are committed and applied here and a read barrier holds (S17); a command
/// without effects waits just so (S18). An async reply leaves at once. The class never changes what counts as committed.</item>
/// <item>When leadership is lost, held replies end as <see cref="ProposalStatus.Unknown"/>: their connection is to be closed, not redirected (S19).</item>
/// <item>A view is captured while effects are unconfirmed, together with the <see cref="IStateMachine.StateHash"/> of that moment. It is walked once the last entry that it shows is committed, and disposed of
/// before that entry is taken back (S10).</item>
/// <item>Local and bounded-stale reads of a state with unconfirmed effects wait like strong ones; nobody is shown what may be taken back (S15, S18).</item>
/// <item>Effects larger than an entry travel as several, and are applied elsewhere when the last is committed; those larger than a command may be (<see cref="GroupOptions.CommandBytesMax"/>) are refused after
/// execution and taken back: a machine bounds its effects.</item>
/// </list>
/// </remarks>
public interface IAppendExecutor : IStateMachine
{
    /// <summary>
    /// Leader only: executes a command whose place in the log the core has already accepted (S16), and writes the entry that other replicas will
    /// <see cref="IStateMachine.Apply"/>. The result is released to the client according to its durability class.
    /// </summary>
    ExecuteResult Execute(in AppendCommand command, IBufferWriter<byte> effects);

    /// <summary>
    /// Commands executed for places from here on (a command of several entries by its first) were taken back, and nobody was told of their effects as confirmed: undoes them, newest first, from before-images.
    /// False when it cannot, or would take longer than a slice: the replica then rebuilds its state from snapshot and log, and refuses reads meanwhile (S20).
    /// </summary>
    bool OnTruncated(LogIndex from) => false;

    /// <summary>
    /// Everything that was executed here up to an index is committed, and applied in its turn: it will not be taken back, so what was kept to undo it may go. Called on the group's loop, at most once for a
    /// run of entries.
    /// </summary>
    void OnCommitted(LogIndex through) { }
}

/// <summary>A command to be executed at append.</summary>
/// <param name="position">The place that the entry will have.</param>
/// <param name="timeMicros">The leader's stamped time; never goes back, not over terms either.</param>
/// <param name="command">The command.</param>
public readonly ref struct AppendCommand(LogPosition position, long timeMicros, ReadOnlySpan<byte> command)
{
    /// <summary>The place that the entry will have.</summary>
    public LogPosition Position { get; } = position;

    /// <summary>The leader's stamped time, in microseconds since the Unix epoch.</summary>
    public long TimeMicros { get; } = timeMicros;

    /// <summary>The command.</summary>
    public ReadOnlySpan<byte> Command { get; } = command;
}

/// <summary>What executing at append gave: a reply, and whether there is anything to log.</summary>
public readonly record struct ExecuteResult(bool HasEffects, object? Reply);

/// <summary>A committed entry on its way into the state machine.</summary>
public readonly ref struct CommittedEntry
{
    /// <summary>The entry's place.</summary>
    public required LogPosition Position { get; init; }

    /// <summary>The time that the leader stamped, in microseconds since the Unix epoch; the only calendar time a state machine may see. Never goes back.</summary>
    public required long TimeMicros { get; init; }

    /// <summary>The group's feature level at this entry: behaviour that differs between versions branches on it.</summary>
    public required uint FeatureLevel { get; init; }

    /// <summary>The command, valid during the call.</summary>
    public required ReadOnlySpan<byte> Command { get; init; }

    /// <summary>True when a client of this very process waits for the reply: only then is building an expensive reply worth it. Must not influence the state.</summary>
    public required bool ReplyWanted { get; init; }
}

/// <summary>What <see cref="IStateMachine.Apply"/> says.</summary>
public readonly record struct ApplyResult(bool IsDone, object? Reply)
{
    /// <summary>The slice is used up: call again with the same entry.</summary>
    public static ApplyResult Yield => default;

    /// <summary>Done. The reply reaches the client that proposed the entry, if it waits on this node.</summary>
    public static ApplyResult Done(object? reply = null) => new(true, reply);
}

/// <summary>
/// A consistent view of a state, handed out in chunks, and files by hash that it names. Called on the group's loop, a chunk per turn, until the last; disposed there
/// when the snapshot is durable and recorded, or has failed. Capturing copies nothing: a write to what the view has not passed yet saves the old content first.
/// </summary>
public interface ISnapshotView : IDisposable
{
    /// <summary>
    /// Writes the next piece of a state file that the view wants made, within the bounds of <see cref="WriteNext"/>; asked before the first chunk, again and again until no more is wanted. Files are
    /// made one after another, away from the loop, and <see cref="OnFileSealed"/> names each; the first chunk is asked for when all are named. (A machine that makes its files by itself says at once that it wants none.)
    /// </summary>
    FileStep WriteFile(IBufferWriter<byte> piece) => FileStep.NoMore;

    /// <summary>A file that the view wrote is durable under this name, and held once for the view; in the order in which they were written.</summary>
    void OnFileSealed(FileHash file)
    {
    }

    /// <summary>Writes the next chunk, at most about 256 KiB and about a millisecond's work; false when the one before was the last.</summary>
    bool WriteNext(IBufferWriter<byte> chunk);

    /// <summary>
    /// State files that the snapshot consists of besides its chunks, each once; asked for after the last chunk. They are named and not copied: what an earlier snapshot
    /// named too is neither written again nor fetched again. The view holds them (<see cref="StateFiles.Hold"/>) until it is disposed.
    /// </summary>
    IReadOnlyList<FileHash> Files => [];
}

/// <summary>What <see cref="ISnapshotView.WriteFile"/> did.</summary>
public enum FileStep : byte
{
    /// <summary>Nothing: no file is wanted any more.</summary>
    NoMore,

    /// <summary>A piece, perhaps an empty one, of the file that is being written or of one that begins with it.</summary>
    GoesOn,

    /// <summary>The last piece of a file, perhaps an empty one. The next begins another.</summary>
    Ends,
}

/// <summary>
/// A state under construction, beside the live one, which goes on. Called on the group's loop. It may be disposed at any point without <see cref="Complete"/>: the
/// log was faster, or the snapshot is damaged. One is built at a time.
/// </summary>
public interface ISnapshotBuilder : IDisposable
{
    /// <summary>
    /// Takes the next chunk, exactly as <see cref="ISnapshotView.WriteNext"/> wrote it; at most about a millisecond's work. The files that the snapshot names are here,
    /// whole and checked, before the first chunk (with <see cref="FileReading"/>: only here); the builder holds those that its state will use.
    /// </summary>
    void ReadNext(ReadOnlySpan<byte> chunk);

    /// <summary>
    /// Whoever makes sense of the files' content for this builder; null when the machine opens its files itself, whenever it needs them. With it, all chunks come first, and then every file that the snapshot
    /// names, in that order, piece by piece: decoded away from the loop, and taken on it (<see cref="TakeFile"/>).
    /// </summary>
    IStateFileReading? FileReading => null;

    /// <summary>Takes what <see cref="FileReading"/> made of the next piece, in order; at most about a millisecond's work.</summary>
    void TakeFile(object content)
    {
    }

    /// <summary>
    /// A file that the snapshot names is damaged or missing here; told before the first chunk. True when the state may yet be built, because the file may hold only what can be made again: whether it
    /// was, <see cref="IsWhole"/> says. False sends the replica to others.
    /// </summary>
    bool GoesOnWithout(FileHash file) => false;

    /// <summary>Whether all that the state needs was there. Asked after the last chunk; without it the state comes from another replica.</summary>
    bool IsWhole => true;

    /// <summary>All chunks are in: the built state replaces the live one, in O(1). The old one is freed elsewhere or in slices.</summary>
    void Complete();
}

/// <summary>A replica's role as its state machine needs to know it.</summary>
/// <param name="IsLeader">Leads, and has committed an entry of its own term.</param>
/// <param name="Term">The term.</param>
/// <param name="Leader">Who leads, or nobody known.</param>
public readonly record struct GroupRole(bool IsLeader, Term Term, NodeId Leader);
