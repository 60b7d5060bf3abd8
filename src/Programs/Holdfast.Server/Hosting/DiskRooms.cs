using Holdfast.Coordination;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// Looks at this node's disk four times a second and, while it is short of room or puts are refused for want of it, asks the other voters how theirs stand, over a control call between nodes. From
/// both it judges whether puts must stop (<see cref="MajorityRoom"/>). Question: nothing. Answer: one byte, the <see cref="DiskRoom"/> of the one who was asked.
/// </summary>
internal sealed class DiskRooms(LocalNode self, PeerAddresses addresses, PeerTls? tls, IDisk disk)
{
    /// <summary>The call's number; never changes.</summary>
    public const ushort Verb = 0x0202;

    private const int NotAsked = -1;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(1);
    private static readonly WalOptions Log = new() { Cluster = ClusterId.None };

    private readonly LogRelease release = new();
    private volatile DiskRoom own = DiskRoom.Ample;
    private volatile int ofMajority = NotAsked;
    private long freeBytes;

    /// <summary>A disk that never had room for the reserve is too small for it: its node goes on until it is full, and ends as it would without (code 73).</summary>
    private bool hasHadRoom;
    private long reserveBytes = DiskReserve.For(Log.SegmentBytes, 0).Bytes;

    /// <summary>Whether a majority has room; null while nobody had to be asked.</summary>
    public DiskRoom? OfMajority => ofMajority is var room and not NotAsked ? (DiskRoom)room : null;

    /// <summary>Bytes below which this node's disk is short.</summary>
    public long ReserveBytes => Volatile.Read(ref reserveBytes);

    /// <summary>Answers another member.</summary>
    public ValueTask<ReadOnlyMemory<byte>> OnAsked(ControlRequest request, CancellationToken cancel) => new(new[] { (byte)own });

    /// <summary>Looks until cancelled.</summary>
    /// <param name="face">Says whether puts are refused, and what the keyspace takes.</param>
    /// <param name="keyspace">Its voters are asked.</param>
    /// <param name="groups">All groups of this node, whose snapshots take room too.</param>
    /// <param name="stop">Ends it.</param>
    public async Task RunAsync(CoordinationFace face, ReplicatedGroup keyspace, Func<IReadOnlyList<ReplicatedGroup>> groups, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Look);
        try
        {
            do
            {
                own = Measure(Math.Max(face.SizeBytes, groups().Max(static group => (long?)group.Meters.SnapshotBytes) ?? 0));
                ofMajority = own == DiskRoom.Short || face.IsOutOfSpace ? (int)MajorityRoom.Judge(await AskVotersAsync(keyspace, stop)) : NotAsked;
                if (release.IsDue(own, face.SizeBytes, freeBytes)) keyspace.TakeSnapshot();
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private DiskRoom Measure(long snapshotBytes)
    {
        var reserve = DiskReserve.For(Log.SegmentBytes, snapshotBytes);
        Volatile.Write(ref reserveBytes, reserve.Bytes);
        try
        {
            freeBytes = disk.FreeBytes;
            var room = reserve.Judge(freeBytes + WriteAheadLog.SpareBytes(disk, Log));
            hasHadRoom |= room != DiskRoom.Short;
            return hasHadRoom ? room : DiskRoom.Ample;
        }
        catch (IOException)
        {
            // A disk that says nothing will be said to have failed by those who write to it.
            return own;
        }
    }

    private async ValueTask<DiskRoom?[]> AskVotersAsync(ReplicatedGroup keyspace, CancellationToken stop) =>
        await Task.WhenAll(keyspace.Status.Configuration.Members.ToArray().Where(static member => member.CountsForQuorum).Select(member => AskAsync(member.Node, stop)));

    private async Task<DiskRoom?> AskAsync(NodeId voter, CancellationToken stop)
    {
        if (voter == self.Id) return own;
        if (!addresses.TryGet(voter, out var address)) return null;
        var reply = await ControlClient.CallAsync(HostPort.Format(address.Host, address.Port), Verb, default, AnswerMax, ControlTrust.Of(tls), self, cancellation: stop);
        stop.ThrowIfCancellationRequested();
        if (reply.Status == ControlStatus.UnknownVerb) return DiskRoom.Ample; // A node of an older build: it goes on until its disk is full.
        return reply.IsOk && reply.Payload.Length == 1 && reply.Payload.Span[0] <= (byte)DiskRoom.Ample ? (DiskRoom)reply.Payload.Span[0] : null;
    }

    /// <summary>
    /// When a short disk asks for a snapshot ahead of its time: what was deleted takes room until one is written without it. At once, and again whenever the keyspace has shrunk by a tenth and shrinks no more:
    /// a compaction goes in slices. Not where it would take the room that the log needs to go on: on a disk too small for both, the snapshot comes when the log is long enough, as ever.
    /// </summary>
    private sealed class LogRelease
    {
        private long sizeAtSnapshot = long.MaxValue;
        private long sizeBefore;

        public bool IsDue(DiskRoom room, long sizeBytes, long freeBytes)
        {
            var isSteady = sizeBytes >= sizeBefore / 100 * 99;
            sizeBefore = sizeBytes;
            if (room == DiskRoom.Ample) sizeAtSnapshot = long.MaxValue;
            if (room == DiskRoom.Ample || !isSteady || freeBytes < sizeBytes + Log.SegmentBytes || sizeBytes >= sizeAtSnapshot / 10 * 9) return false;
            sizeAtSnapshot = sizeBytes;
            return true;
        }
    }
}
