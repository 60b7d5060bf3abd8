using System.Buffers.Binary;
using Google.Protobuf;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Runs;
using Holdfast.Coordination.Watches;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Coordination;

/// <summary>
/// The etcd keyspace as a state machine: an entry in, a reply out. What is replicated is the <see cref="MvccStore"/>; beside it stand, not replicated,
/// the <see cref="WatchHub"/> that tells this replica's clients what changed and the <see cref="LeaseClock"/> that runs while this replica leads.
/// Everything here happens on the group's loop.
/// </summary>
public sealed class CoordinationStateMachine : IStateMachine
{
    /// <summary>etcd's shortest lease in seconds: one and a half elections, rounded up. Shorter wishes are raised to it.</summary>
    internal const long LeaseSecondsMin = 2;

    /// <summary>Keys whose compacted versions are forgotten beside each applied entry: some ten microseconds.</summary>
    private const int SweepKeysPerEntry = 64;

    /// <summary>Keys per slice of a sweep that somebody waits for: about a millisecond.</summary>
    private const int SweepKeysPerSlice = 4096;

    /// <summary>Keys that a deletion deletes per slice: below a millisecond.</summary>
    private const int DeleteKeysPerSlice = 1024;

    private static readonly Mark MalformedCommand = new("coordination: malformed command answered");
    private static readonly Mark StaleExpiry = new("coordination: expiry void because a renewal came first");
    private KvExecutor kv;
    private TxnExecution txn;
    private Requester who; // Who asked for the entry that is being applied.
    private uint level; // The highest feature level that entries have shown.
    private CommandReply? waitsForSweep;
    private DeleteRangeExecution? deleting;

    /// <summary>The feature level from which on history may lie in runs: programs that do not know it do not read such snapshots.</summary>
    internal const uint RunsLevel = 2;

    private readonly Func<StateFiles>? files;

    /// <summary>An empty keyspace.</summary>
    /// <param name="files">Where runs of history are kept, asked for when the first is written; null: snapshots hold all of it, each time.</param>
    public CoordinationStateMachine(Func<StateFiles>? files = null)
    {
        this.files = files;
        Runs = new HistoryRuns(files);
        Store = new MvccStore();
        kv = new KvExecutor(Store);
        txn = new TxnExecution(Store, kv);
        Guard = new AuthGuard(Auth, Store);
        Watches = new WatchHub(Store) { Guard = Guard };
    }

    /// <summary>Users, roles and permissions: replicated too.</summary>
    internal AuthStore Auth { get; } = new();

    /// <summary>What is asked before anything is executed while auth is on.</summary>
    internal AuthGuard Guard { get; private set; }

    /// <summary>The replicated state.</summary>
    internal MvccStore Store { get; private set; }

    /// <summary>The runs that hold the history as of the last snapshot.</summary>
    internal HistoryRuns Runs { get; private set; }

    /// <summary>See <see cref="RunsLevel"/>; lower in the simulator only.</summary>
    internal uint RunsFrom { get; init; } = RunsLevel;

    /// <summary>Bytes from which on a run of history is full. Default 16 MiB: so much, and as much again, may be written by a snapshot beside what changed, and a gigabyte is 64 files.</summary>
    internal int RunBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>This replica's watches.</summary>
    internal WatchHub Watches { get; }

    /// <summary>The leases' time, while this replica leads.</summary>
    internal LeaseClock Clock { get; } = new();

    /// <summary>A mistake that the simulator plants. Set before anything runs.</summary>
    internal PlantedKeyspaceBug Bug
    {
        get => Watches.Bug;
        set
        {
            (Watches.Bug, Auth.Bug, Store.Forgotten.Bug) = (value, value, value);
            Runs = new HistoryRuns(files) { Bug = value };
        }
    }

    /// <summary>What this replica last heard of its role.</summary>
    internal GroupRole Role { get; private set; }

    /// <inheritdoc/>
    public ulong StateHash => Store.Hash;

    /// <inheritdoc/>
    public ApplyResult Apply(in CommittedEntry entry)
    {
        var term = entry.Position.Term;
        if (waitsForSweep is not null) return FinishSweep();
        if (deleting is not null) return FinishDelete(term);
        level = Math.Max(level, entry.FeatureLevel);
        kv.IsReplyWanted = entry.ReplyWanted;
        var error = Execute(entry.Command, term, out var message, out var waits);
        if (deleting is not null) return FinishDelete(term);
        Watches.OnChanged();
        var reply = new CommandReply(message, error, Store.Revision, term);
        if (waits)
        {
            waitsForSweep = reply;
            return FinishSweep();
        }

        Store.Sweep(SweepKeysPerEntry);
        return ApplyResult.Done(reply);
    }

    /// <inheritdoc/>
    public ISnapshotView CaptureSnapshot() => new CoordinationSnapshot(Store, Auth.View, level >= RunsFrom ? Runs.Begin(Store, RunBytes) : null);

    /// <inheritdoc/>
    public ISnapshotBuilder BeginRestore() => new CoordinationRestore(Replace, Bug);

    /// <summary>A snapshot that names no files: all of it is in its chunks.</summary>
    internal ISnapshotView CaptureWhole() => new CoordinationSnapshot(Store, Auth.View);

    /// <inheritdoc/>
    public void OnRole(in GroupRole role)
    {
        var wasLeader = Role.IsLeader && Role.Term == role.Term;
        Role = role;
        Watches.Term = role.Term;
        if (!role.IsLeader) Clock.Stop();
        else if (!wasLeader) Clock.Start();
    }

    /// <summary>Work that waits for no entry: forgetting compacted versions, watches that lag. True when there is more.</summary>
    internal bool RunSlice()
    {
        var swept = Store.Sweep(SweepKeysPerSlice / 4);
        var lagging = Watches.Pump();
        return lagging || (!swept && waitsForSweep is null);
    }

    /// <summary>
    /// The time: starts leases, sends progress notices, and collects leases that have run out, which the caller then proposes
    /// (<see cref="Command.EncodeExpiry"/>). <paramref name="isConfirmed"/>: a read barrier was passed for this very call.
    /// </summary>
    internal void Tick(Instant now, bool isConfirmed, int expiredMax, List<ExpiredLease> expired)
    {
        Watches.Tick(now);
        Clock.Tick(now, isConfirmed && Role.IsLeader, Store.Leases, expiredMax, expired);
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : IMessage<T> => parser.ParseFrom(bytes);

    private ApplyResult FinishDelete(Term term)
    {
        if (!deleting!.Step(DeleteKeysPerSlice)) return ApplyResult.Yield;
        var response = deleting.Response();
        deleting = null;
        Store.EndWrite();
        Watches.OnChanged();
        return ApplyResult.Done(new CommandReply(response, null, Store.Revision, term));
    }

    private ApplyResult FinishSweep()
    {
        if (!Store.Sweep(SweepKeysPerSlice)) return ApplyResult.Yield;
        var reply = waitsForSweep;
        waitsForSweep = null;
        return ApplyResult.Done(reply);
    }

    private EtcdError? Execute(ReadOnlySpan<byte> command, Term term, out IMessage? message, out bool waits)
    {
        (message, waits) = (null, false);
        if (command.IsEmpty) return Malformed();
        who = default;
        if (command[0] == (byte)CommandKind.Authorized && !AuthCommand.TryTakeName(ref command, out who)) return Malformed();
        var body = command[1..];
        try
        {
            switch ((CommandKind)command[0])
            {
                case CommandKind.Put: return Put(Parse(PutRequest.Parser, body), out message);
                case CommandKind.DeleteRange: return DeleteRange(Parse(DeleteRangeRequest.Parser, body));
                case CommandKind.Txn: return Txn(Parse(TxnRequest.Parser, body), out message);
                case CommandKind.Compact: return Compact(Parse(CompactionRequest.Parser, body), out message, out waits);
                case CommandKind.LeaseGrant: return Grant(Parse(LeaseGrantRequest.Parser, body), out message);
                case CommandKind.LeaseRevoke: return RevokeAsked(Parse(LeaseRevokeRequest.Parser, body).ID, out message);
                case CommandKind.LeaseKeepAlive: return KeepAlive(Parse(LeaseKeepAliveRequest.Parser, body).ID, out message);
                case CommandKind.Auth: return ChangeAuth(body);
                case CommandKind.LeaseExpire when body.Length == 24: return Expire(body, term, out message);
                case CommandKind.Alarm: return Alarm(Parse(AlarmRequest.Parser, body), false, out message);
                case CommandKind.OwnAlarm: return Alarm(Parse(AlarmRequest.Parser, body), true, out message);
                case CommandKind.SkipRevisions when body.Length == 8: return Skip(BinaryPrimitives.ReadInt64LittleEndian(body));
                default: return Malformed();
            }
        }
        catch (InvalidProtocolBufferException)
        {
            return Malformed();
        }
    }

    /// <summary>A command that nobody of ours writes: every replica answers alike and changes nothing.</summary>
    private static EtcdError Malformed()
    {
        MalformedCommand.Hit();
        return EtcdErrors.NotCapable;
    }

    /// <summary>Revisions, and with them fencing tokens, go on beyond all that a lost history may have given; watches that resume from it are told to read anew (S12).</summary>
    private EtcdError? Skip(long revisions)
    {
        if (revisions <= 0 || revisions > long.MaxValue - Store.Revision) return Malformed();
        Store.Skip(revisions);
        Store.AddToHash((byte)CommandKind.SkipRevisions, Store.Revision, 0);
        return null;
    }

    private EtcdError? ChangeAuth(ReadOnlySpan<byte> body)
    {
        if (Auth.Apply(body, who) is { } error) return error;
        Store.AddToHash((byte)CommandKind.Auth, (long)Auth.View.Revision, Crc32C.Of(body));
        return null;
    }

    private EtcdError? Put(PutRequest request, out IMessage? message)
    {
        message = null;
        if (RequestCheck.Of(request) is { } fault) return fault;
        if (Guard.IsOn && Guard.RefusalOf(who, request) is { } refused) return refused;
        if ((AlarmExecution.Refusal(Store.Alarms, request) ?? kv.Refusal(request)) is { } error) return error;
        Store.BeginWrite();
        if (kv.IsReplyWanted) message = kv.Put(request);
        else kv.Write(request);
        Store.EndWrite();
        return null;
    }

    /// <summary>Only begins: what follows goes on in slices.</summary>
    private EtcdError? DeleteRange(DeleteRangeRequest request)
    {
        if (RequestCheck.Of(request) is { } error) return error;
        if (Guard.IsOn && Guard.RefusalOf(who, request) is { } refused) return refused;
        if (AlarmExecution.Refusal(Store.Alarms, request) is { } alarm) return alarm;
        Store.BeginWrite();
        deleting = new DeleteRangeExecution(Store, request, kv.IsReplyWanted);
        return null;
    }

    private EtcdError? Txn(TxnRequest request, out IMessage? message)
    {
        message = null;
        if (RequestCheck.Of(request) is { } error) return error;
        if (Guard.IsOn && Guard.RefusalOf(who, request) is { } refused) return refused;
        if (AlarmExecution.Refusal(Store.Alarms, request) is { } alarm) return alarm;
        Store.BeginWrite();
        var refusal = txn.Run(request, out var response);
        Store.EndWrite();
        message = response;
        return refusal;
    }

    private EtcdError? Compact(CompactionRequest request, out IMessage? message, out bool waits)
    {
        (message, waits) = (null, false);

        // Compaction by itself has no name on it; a client without one was refused at the door.
        if (Guard.IsOn && who.User is not null && AuthGuard.AdminRefusal(Auth.View, who) is { } refused) return refused;
        if (AlarmExecution.Refusal(Store.Alarms, request) is { } refusal) return refusal;
        if (request.Revision <= Store.Compacted) return EtcdErrors.Compacted;
        if (request.Revision > Store.Revision) return EtcdErrors.FutureRevision;
        Store.Compact(request.Revision);
        message = new CompactionResponse { Header = new ResponseHeader { Revision = Store.Revision } };
        waits = request.Physical;
        return null;
    }

    private EtcdError? Grant(LeaseGrantRequest request, out IMessage? message)
    {
        message = null;
        if ((RequestCheck.Of(request) ?? AlarmExecution.Refusal(Store.Alarms, request)) is { } error) return error;
        if (request.ID == 0) return Malformed();
        if (Guard.IsOn && AuthGuard.StrangerRefusal(who) is { } refused) return refused;
        if (Store.Leases.Contains(request.ID)) return EtcdErrors.LeaseExists;
        var seconds = Math.Max(request.TTL, LeaseSecondsMin);
        Store.Leases.Set(request.ID, new LeaseGrant(seconds, 0));
        Store.AddToHash((byte)CommandKind.LeaseGrant, request.ID, seconds);
        Clock.StartAtNextTick(request.ID);
        message = new LeaseGrantResponse { Header = new ResponseHeader { Revision = Store.Revision }, ID = request.ID, TTL = seconds };
        return null;
    }

    private EtcdError? Alarm(AlarmRequest request, bool isOwn, out IMessage? message)
    {
        message = AlarmExecution.Run(Store, request, isOwn);
        return null;
    }

    private EtcdError? RevokeAsked(long id, out IMessage? message)
    {
        message = null;
        return Guard.IsOn && Guard.LeaseRefusal(who, id) is { } refused ? refused : Revoke(id, out message);
    }

    private EtcdError? Revoke(long id, out IMessage? message)
    {
        message = null;
        if (!Store.Leases.Contains(id)) return EtcdErrors.LeaseNotFound;
        Store.BeginWrite();
        foreach (var record in Store.Leases.KeysOf(id)) Store.Delete(record);
        Store.EndWrite();
        Store.Leases.Remove(id);
        Store.AddToHash((byte)CommandKind.LeaseRevoke, id, 0);
        Clock.Forget(id);
        message = new LeaseRevokeResponse { Header = new ResponseHeader { Revision = Store.Revision } };
        return null;
    }

    private EtcdError? KeepAlive(long id, out IMessage? message)
    {
        message = null;
        if (Guard.IsOn && Guard.LeaseRefusal(who, id) is { } refused) return refused;
        var response = new LeaseKeepAliveResponse { Header = new ResponseHeader { Revision = Store.Revision }, ID = id };
        message = response;
        if (!Store.Leases.Granted.TryGetValue(id, out var grant)) return null;
        Store.Leases.Set(id, grant with { Renewals = grant.Renewals + 1 });
        Store.AddToHash((byte)CommandKind.LeaseKeepAlive, id, grant.Renewals + 1);
        Clock.StartAtNextTick(id);
        response.TTL = grant.Seconds;
        return null;
    }

    /// <summary>
    /// Ends a lease if nobody can have been told since that it lives on: no renewal came through the log, and no later leader, who gives every lease
    /// its full time anew, has written this entry.
    /// </summary>
    private EtcdError? Expire(ReadOnlySpan<byte> body, Term term, out IMessage? message)
    {
        message = null;
        var id = BinaryPrimitives.ReadInt64LittleEndian(body);
        if (!Store.Leases.Granted.TryGetValue(id, out var grant)) return EtcdErrors.LeaseNotFound;
        var renewals = BinaryPrimitives.ReadInt64LittleEndian(body[8..]);
        var foundIn = BinaryPrimitives.ReadUInt64LittleEndian(body[16..]);
        if (grant.Renewals == renewals && foundIn == term.Value) return Revoke(id, out message);
        StaleExpiry.Hit();
        return EtcdErrors.LeaseExists;
    }

    private void Replace(CoordinationRestore built)
    {
        Runs.Dispose();
        Runs = HistoryRuns.Restored(files, built.Runs.Runs, built.Runs.SettledCount, Bug);
        Store = built.Built;
        Store.Forgotten.Settle(Runs.SettledThrough);
        if (Runs.All.Count > 0) level = Math.Max(level, RunsFrom);
        Auth.Restore(built.Identities);
        Watches.Guard = Guard = new AuthGuard(Auth, Store);
        kv = new KvExecutor(Store);
        txn = new TxnExecution(Store, kv);
        (waitsForSweep, deleting) = (null, null);
        if (Role.IsLeader) Clock.Start();
        Watches.OnReplaced(Store);
    }
}
