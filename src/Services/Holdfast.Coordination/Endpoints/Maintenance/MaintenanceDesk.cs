using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.History;
using Holdfast.Coordination.Endpoints.Snapshots;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>The maintenance service of one member: what it says of itself, and what it is told to do.</summary>
internal sealed class MaintenanceDesk(IKeyspaceGroup group, CoordinationIdentity identity, CoordinationOptions options)
{
    /// <summary>
    /// A snapshot holds its moment, and with it the memory of what is compacted meanwhile. So it must be taken at this pace, on the whole, after a head start;
    /// one that is not is broken off.
    /// </summary>
    private const long SnapshotBytesPerSecondMin = 256 * 1024;

    /// <summary>Snapshots that clients take of this member at once; more are refused with "too many requests". Each holds a list of all keys, and its moment.</summary>
    private const int SnapshotsMax = 4;

    /// <summary>HashKVs under way at once; more wait.</summary>
    private const int HashesMax = 2;

    /// <summary>How long a leader that was told to hand over waits until it knows the other to lead, and how often it looks.</summary>
    private static readonly TimeSpan TransferDeadline = TimeSpan.FromSeconds(5), TransferLook = TimeSpan.FromMilliseconds(5);

    private static readonly Mark SnapshotTooSlow = new("endpoints: a snapshot was broken off, its client reads too slowly", elsewhere: "SnapshotPaceTests: simulated clients take no snapshots");

    /// <summary>The minor version below ours: the only one that a downgrade may name.</summary>
    private static readonly Version DowngradeTarget = new(3, 5);

    private readonly SemaphoreSlim snapshots = new(SnapshotsMax);
    private readonly SemaphoreSlim hashes = new(HashesMax);

    /// <summary>This member's view of itself and of its leader.</summary>
    public async ValueTask<StatusResponse> StatusAsync(CancellationToken cancel)
    {
        var facts = await group.ReadAsync(new FactsRead(), false, cancel).ConfigureAwait(false);
        var status = group.Status;
        var response = new StatusResponse
        {
            Header = Header(facts.Revision, status.Term),
            Version = identity.EtcdVersion,
            StorageVersion = identity.EtcdVersion,
            DbSize = facts.SizeBytes,
            DbSizeInUse = facts.SizeBytes,
            DbSizeQuota = options.QuotaBytes,
            Leader = status.Leader.Value,
            RaftIndex = status.Commit,
            RaftAppliedIndex = status.Applied,
            RaftTerm = status.Term.Value,
            IsLearner = status.IsLearner,
            DowngradeInfo = new DowngradeInfo(),
        };
        if (status.Leader == NodeId.None) response.Errors.Add(EtcdErrors.NoLeader.Message);
        foreach (var alarm in facts.Alarms) response.Errors.Add($"memberID:{alarm.Member} alarm:{(alarm.Type == AlarmType.Nospace ? "NOSPACE" : "CORRUPT")} ");
        return response;
    }

    /// <summary>What this member knows of its own health.</summary>
    public async ValueTask<MemberHealth> HealthAsync(CancellationToken cancel)
    {
        var facts = await group.ReadAsync(new FactsRead(), false, cancel).ConfigureAwait(false);
        var status = group.Status;
        return new MemberHealth([.. facts.Alarms.Select(alarm => alarm.Type).Distinct()], status.Leader != NodeId.None, status.IsLearner);
    }

    /// <summary>Lists, raises or clears alarms.</summary>
    public async ValueTask<AlarmResponse> AlarmAsync(AlarmRequest request, CancellationToken cancel)
    {
        var reply = await group.ProposeAsync(Command.Encode(CommandKind.Alarm, request), cancel).ConfigureAwait(false);
        var response = (AlarmResponse)reply.Message!;
        response.Header = Header(reply.Revision, reply.Term);
        return response;
    }

    /// <summary>A hash over the whole replicated state. Ours, not etcd's, whose own is over its file; equal on members that have applied the same, and not 0 when there is nothing, which clients take for none.</summary>
    public async ValueTask<HashResponse> HashAsync(CancellationToken cancel)
    {
        var facts = await group.ReadAsync(new FactsRead(), false, cancel).ConfigureAwait(false);
        var state = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(state, facts.Hash);
        return new HashResponse { Header = Header(facts.Revision, group.Status.Term), Hash = Crc32C.Of(state) };
    }

    /// <summary>etcd's hash over all stored changes up to a revision.</summary>
    public async ValueTask<HashKVResponse> HashKvAsync(HashKVRequest request, CancellationToken cancel)
    {
        await hashes.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            var (response, term) = await HashKv.ComputeAsync(group, request, cancel).ConfigureAwait(false);
            response.Header = Header(response.Header.Revision, term);
            return response;
        }
        finally
        {
            hashes.Release();
        }
    }

    /// <summary>The keyspace as etcd's file, in pieces; the last one is the SHA-256 of the others.</summary>
    public async IAsyncEnumerable<SnapshotResponse> SnapshotAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        if (!snapshots.Wait(0, CancellationToken.None)) throw new EtcdException(EtcdErrors.TooManyRequests);
        try
        {
            await foreach (var response in TakeSnapshotAsync(cancel).ConfigureAwait(false)) yield return response;
        }
        finally
        {
            snapshots.Release();
        }
    }

    private async IAsyncEnumerable<SnapshotResponse> TakeSnapshotAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var applied = group.Status.Applied;
        await using var walk = await HistoryWalk.BeginAsync(group, 0, cancel).ConfigureAwait(false);
        var file = new SnapshotFile(walk, applied);
        await file.PlanAsync(cancel).ConfigureAwait(false);
        using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var left = file.Length;
        var begun = Stopwatch.GetTimestamp();
        await foreach (var piece in file.PiecesAsync(cancel).ConfigureAwait(false))
        {
            if (Stopwatch.GetElapsedTime(begun) - options.SnapshotHeadStart > TimeSpan.FromSeconds((double)(file.Length - left) / SnapshotBytesPerSecondMin))
            {
                SnapshotTooSlow.Hit();
                throw new EtcdException(EtcdErrors.Timeout);
            }

            left -= piece.Length;
            sum.AppendData(piece.Span);
            yield return new SnapshotResponse { Header = Header(walk.Revision, walk.Term), RemainingBytes = (ulong)left, Blob = piece, Version = identity.EtcdVersion };
        }

        Invariant.Holds(left == 0, "a snapshot has another length than was planned");
        yield return new SnapshotResponse { Header = Header(walk.Revision, walk.Term), Blob = ByteString.CopyFrom(sum.GetHashAndReset()), Version = identity.EtcdVersion };
    }

    /// <summary>Hands leadership to the named member, and answers when this one knows it to lead: whoever asks here next is told of it. Handing it to oneself is done already, as in etcd.</summary>
    public async ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancel)
    {
        if (!group.Status.IsLeader) throw new EtcdException(EtcdErrors.NotLeader);
        if (request.TargetID == group.Status.Leader.Value) return new MoveLeaderResponse(); // Without a header, as etcd's.
        if (!await group.MoveLeaderAsync(request.TargetID, cancel).ConfigureAwait(false)) throw new EtcdException(EtcdErrors.BadLeaderTransferee);
        for (var begun = Stopwatch.GetTimestamp(); group.Status.Leader.Value != request.TargetID; await Task.Delay(TransferLook, cancel).ConfigureAwait(false))
            if (Stopwatch.GetElapsedTime(begun) > TransferDeadline) throw new EtcdException(EtcdErrors.TimeoutLeaderTransfer);
        return new MoveLeaderResponse();
    }

    /// <summary>
    /// Says whether the cluster could be downgraded, which etcd's tools ask. Enabling is refused: our data directory is not etcd's, so there is nothing that a
    /// lower etcd could open; one leaves Holdfast by a snapshot.
    /// </summary>
    public async ValueTask<DowngradeResponse> DowngradeAsync(DowngradeRequest request, CancellationToken cancel)
    {
        if (request.Action == DowngradeRequest.Types.DowngradeAction.Cancel) throw new EtcdException(EtcdErrors.NoDowngrade);
        if (!Version.TryParse(request.Version, out var target) || target.Major < 0) throw new EtcdException(EtcdErrors.WrongDowngradeVersion);
        if (target.Major != DowngradeTarget.Major || target.Minor != DowngradeTarget.Minor) throw new EtcdException(EtcdErrors.InvalidDowngradeTarget);
        if (request.Action != DowngradeRequest.Types.DowngradeAction.Validate) throw new EtcdException(EtcdErrors.NotCapable);
        await group.ReadAsync(new FactsRead(), true, cancel).ConfigureAwait(false);
        return new DowngradeResponse { Header = await HeaderAsync(cancel).ConfigureAwait(false), Version = identity.EtcdVersion };
    }

    private async ValueTask<ResponseHeader> HeaderAsync(CancellationToken cancel) =>
        Header((await group.ReadAsync(new FactsRead(), false, cancel).ConfigureAwait(false)).Revision, group.Status.Term);

    private ResponseHeader Header(long revision, Term term) =>
        new() { ClusterId = identity.ClusterId, MemberId = identity.MemberId, Revision = revision, RaftTerm = term.Value };
}
