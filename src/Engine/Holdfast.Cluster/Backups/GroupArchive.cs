using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>One group's part of a node's archive, on the way from the replica to the files. For the archive's one task.</summary>
internal sealed class GroupArchive : IDisposable
{
    private static readonly TimeSpan SnapshotWait = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan FollowWhileCopying = TimeSpan.FromMilliseconds(250);

    private static readonly Mark GapInLog = new("cluster: an archived log begins again from a base", elsewhere: "NodeArchiveTests: nobody archives a simulated cluster");
    private static readonly Mark BaseTaken = new("cluster: a base was put into an archive", elsewhere: "NodeArchiveTests: nobody archives a simulated cluster");

    private readonly IDisk disk;
    private readonly SnapshotStore store;
    private readonly ClusterId cluster;
    private readonly GroupId id;
    private readonly ArchivedLogWriter log;
    private readonly PlantedBackupBug bug;
    private volatile bool isCopying;

    /// <summary>What the last durable mark covers: a restore knows of no other moment.</summary>
    private long markedMicros;

    public GroupArchive(IDisk disk, SnapshotStore store, ClusterId cluster, GroupId id, PlantedBackupBug bug = default)
    {
        (this.disk, this.store, this.cluster, this.id, this.bug) = (disk, store, cluster, id, bug);
        log = new ArchivedLogWriter(disk, cluster, id);
        BaseMicros = BaseTimes().LastOrDefault().TimeMicros;
    }

    /// <summary>When the newest base was taken, or what its newest command is stamped with after a restart; 0 without one.</summary>
    public long BaseMicros { get; private set; }

    /// <summary>
    /// Brings the archive to where the state stands. Returns the moment that its marks cover: <paramref name="now"/> when a leader confirmed it and a mark says so, else an earlier one, or 0; and the highest there
    /// is for a replica without a state.
    /// </summary>
    public async Task<long> FollowAsync(ReplicatedGroup group, NodeRuntime runtime, long now, bool isMarkDue, CancellationToken cancel)
    {
        if (group.IsWitness || group.Status.IsGivenUp) return long.MaxValue;
        var covered = (await group.ReadBarrierAsync().ConfigureAwait(false)).IsGranted ? now : 0;
        var hasGrown = false;
        while (true)
        {
            cancel.ThrowIfCancellationRequested();
            var reading = await group.ReadLogAsync(log.Last?.Index ?? LogIndex.Zero).ConfigureAwait(false);
            if (!reading.IsRead) return 0;
            if (log.Last is null || reading.IsCompacted)
            {
                if (isCopying) return 0;
                await BeginFromBaseAsync(group, runtime, cancel).ConfigureAwait(false);
                BaseMicros = now;
                continue;
            }

            log.Append(reading.Entries);
            hasGrown |= reading.Entries.Count > 0;
            if (!reading.IsAtEnd) continue;

            // A replica that comes back empty is behind its own archive for a while: then there is nothing to say.
            if (reading.Applied != log.Last) return 0;
            if (hasGrown || isMarkDue)
            {
                log.Append(new ArchiveMark(reading.Applied, covered, reading.StateHash));
                log.Sync();
                markedMicros = Math.Max(markedMicros, covered);
            }

            return markedMicros;
        }
    }

    /// <summary>Puts a base beside the log: a snapshot that the replica takes anyway, copied file by file.</summary>
    public async Task TakeBaseAsync(ReplicatedGroup group, NodeRuntime runtime, Func<long> clock, Action<long, long> copied, CancellationToken cancel)
    {
        if (group.IsWitness || group.Status.IsGivenUp) return;
        isCopying = true;
        try
        {
            // The log is followed on while a large base is copied: it does not wait to be read.
            var copying = Task.Run(() => CopyBaseAsync(group, runtime, copied, cancel), cancel);
            do
            {
                await Task.WhenAny(copying, Task.Delay(FollowWhileCopying, cancel)).ConfigureAwait(false);
                await FollowAsync(group, runtime, clock(), isMarkDue: true, cancel).ConfigureAwait(false);
            }
            while (!copying.IsCompleted);
            await copying.ConfigureAwait(false);
            BaseMicros = clock();
        }
        finally
        {
            isCopying = false;
        }
    }

    /// <summary>Deletes bases and log that no moment after <paramref name="keepFromMicros"/> needs: the newest base before it stays, with all that follows.</summary>
    public void Forget(long keepFromMicros)
    {
        var bases = BaseTimes();
        var needed = bug == PlantedBackupBug.NeededBaseForgotten ? bases.FindIndex(one => one.TimeMicros > keepFromMicros) : bases.FindLastIndex(one => one.TimeMicros <= keepFromMicros);
        if (needed <= 0) return;
        store.Prune(id, bases[needed].Position);
        var numbers = ArchivedLog.Segments(disk, id);
        for (var i = 0; i < numbers.Count - 1; i++)
        {
            if (ArchivedSegment.Read(disk, cluster, id, numbers[i]) is { } segment && segment.Last.Index > bases[needed].Position.Index) break;
            disk.Delete(ArchivedLog.PathOf(id, numbers[i]));
        }
    }

    public void Dispose() => log.Dispose();

    private async Task BeginFromBaseAsync(ReplicatedGroup group, NodeRuntime runtime, CancellationToken cancel)
    {
        if (log.Last is not null) GapInLog.Hit();
        var position = await CopyBaseAsync(group, runtime, static (_, _) => { }, cancel).ConfigureAwait(false);
        if (log.Last is null || position.Index > log.Last.Value.Index) log.BeginAfter(position);
    }

    private async Task<LogPosition> CopyBaseAsync(ReplicatedGroup group, NodeRuntime runtime, Action<long, long> copied, CancellationToken cancel)
    {
        while (true)
        {
            var position = await SnapshotAsync(group, cancel).ConfigureAwait(false);
            using var snapshot = runtime.OpenSnapshot(id, position);

            // A newer one has replaced it meanwhile.
            if (snapshot is null) continue;
            if (store.WholeSnapshots(id).Contains(position)) return position;
            var total = snapshot.Manifest.TotalBytes;
            var done = 0L;
            try
            {
                store.Copy(snapshot, bytes => copied(done += bytes, total));
            }
            catch (SnapshotDamagedException) when (group.Status.Snapshot != position)
            {
                continue;
            }

            BaseTaken.Hit();
            return position;
        }
    }

    /// <summary>A snapshot of the state as it is now, or later.</summary>
    private static async Task<LogPosition> SnapshotAsync(ReplicatedGroup group, CancellationToken cancel)
    {
        var wanted = group.Status.Applied;
        using var timer = new PeriodicTimer(SnapshotWait);
        var isAsked = false;
        while (group.Status.Snapshot.Index < wanted)
        {
            if (!isAsked) group.TakeSnapshot();
            isAsked = true;
            if (group.Status.SnapshotFault is { } fault) throw new IOException($"group {group.Id} cannot take a snapshot: {fault}");
            await timer.WaitForNextTickAsync(cancel).ConfigureAwait(false);
        }

        return group.Status.Snapshot;
    }

    /// <summary>The bases with the time of the last command in each, oldest first.</summary>
    private List<(LogPosition Position, long TimeMicros)> BaseTimes()
    {
        var times = new List<(LogPosition, long)>();
        foreach (var position in store.WholeSnapshots(id))
            if (ArchivedBase.TimeOf(store, id, position) is { } time) times.Add((position, time));
        return times;
    }
}
