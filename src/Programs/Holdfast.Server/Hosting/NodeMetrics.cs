using System.Diagnostics;
using System.Globalization;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>What is asked of the data disk.</summary>
internal readonly record struct DiskGauges(Func<long> FreeBytes, Func<long> ReserveBytes);

/// <summary>
/// What a node shows of itself on its metrics page (R1.11): its groups, its log, its peers, its process. Everything is read when the page is printed; nothing here costs a request anything.
/// </summary>
internal sealed class NodeMetrics(MetricsRegistry metrics, NodeRuntime runtime, NodeAlarms alarms, Func<NodeId, string> nameOf, DiskGauges disk)
{
    private readonly HashSet<GroupId> known = [];
    private readonly HashSet<NodeId> knownPeers = [];
    private IReadOnlyDictionary<(GroupId, NodeId), ulong> lags = new Dictionary<(GroupId, NodeId), ulong>();

    /// <summary>Names everything that is there from the start.</summary>
    public void Register(Func<DateTimeOffset?> certificatesEnd, string version)
    {
        metrics.Gauge("holdfast_build", "Always 1; the label says which version runs.", static () => 1, $"version=\"{version}\"");
        foreach (var code in NodeAlarms.Codes) metrics.Gauge("holdfast_alarm", "Whether an alarm is on: 1 or 0.", () => alarms.IsOn(code) ? 1 : 0, $"alarm=\"{code}\"");
        metrics.Gauge("holdfast_certificate_end_seconds", "When the first of the node's certificates ends, in seconds since 1970; 0 without certificates.", () => certificatesEnd()?.ToUnixTimeSeconds() ?? 0);
        metrics.Gauge("holdfast_mailbox_depth", "Calls that wait for their turn on a loop.", () => runtime.MailboxDepth);
        RegisterLoops();
        RegisterLog(runtime.LogMeters!);
        RegisterProcess();
    }

    /// <summary>Takes in groups and peers that are new, and asks the groups that are led here how far their followers are.</summary>
    public async ValueTask RefreshAsync(CancellationToken cancel)
    {
        var places = new Dictionary<(GroupId, NodeId), ulong>();
        foreach (var group in runtime.Groups)
        {
            lock (known)
                if (known.Add(group.Id)) RegisterGroup(group);
            foreach (var place in await group.FollowersAsync().WaitAsync(cancel)) places[(group.Id, place.Node)] = group.Status.Last.Index.Value - Math.Min(place.Match.Value, group.Status.Last.Index.Value);
            foreach (var member in group.Status.Configuration.Members.ToArray()) RegisterPeer(group, member.Node);
        }

        Volatile.Write(ref lags, places);
    }

    private void RegisterGroup(ReplicatedGroup group)
    {
        var labels = $"group=\"{group.Id.Value}\"";
        var meters = group.Meters;
        metrics.Gauge("holdfast_group_term", "The replica's term.", () => group.Status.Term.Value, labels);
        metrics.Gauge("holdfast_group_leading_term", "The term that this node leads; 0 while it does not lead. Two nodes with the same value are a split brain.", () => group.Status.Role == RaftRole.Leader ? group.Status.Term.Value : 0, labels);
        metrics.Gauge("holdfast_group_has_leader", "Whether this node knows a leader of the group: 1 or 0.", () => group.Status.Leader != NodeId.None ? 1 : 0, labels);
        metrics.Gauge("holdfast_group_is_leader", "Whether this node leads the group: 1 or 0.", () => group.Status.Role == RaftRole.Leader ? 1 : 0, labels);
        metrics.Gauge("holdfast_group_holds_lease", "Whether this leader may answer reads by itself: 1 or 0.", () => group.Status.HoldsLease ? 1 : 0, labels);
        metrics.Gauge("holdfast_group_last_index", "The log's end here.", () => group.Status.Last.Index.Value, labels);
        metrics.Gauge("holdfast_group_commit_index", "Known here to be committed. The leader's last index less this is a follower's lag.", () => group.Status.Commit.Value, labels);
        metrics.Gauge("holdfast_group_applied_index", "Applied here.", () => group.Status.Applied.Value, labels);
        metrics.Gauge("holdfast_group_apply_backlog", "Committed and not yet applied here.", () => group.Status.Commit.Value - Math.Min(group.Status.Applied.Value, group.Status.Commit.Value), labels);
        metrics.Gauge("holdfast_group_voters", "Members that count for the quorum.", () => Voters(group.Status.Configuration), labels);
        metrics.Gauge("holdfast_group_restored", "Whether the state is there: 1, or 0 while it is built from a snapshot.", () => group.Status is { IsRestored: true } or { IsGivenUp: true } ? 1 : 0, labels);
        metrics.Gauge("holdfast_group_diverged", "Whether this replica was seen to differ from another: 1 or 0. Never cleared by itself.", () => group.Status.HasDiverged ? 1 : 0, labels);
        metrics.Gauge("holdfast_proposals_pending", "Proposals made here whose fate is open.", () => meters.Pending, labels);
        metrics.SampledCounter("holdfast_proposals_failed_total", "Proposals made here that were refused, or whose fate is unknown.", () => meters.ProposalsFailed.Value, labels);
        metrics.SampledCounter("holdfast_leader_changes_total", "How often this node came to know another leader, or the same in a new term.", () => meters.LeaderChanges.Value, labels);
        metrics.Histogram("holdfast_election_seconds", "How long this node knew no leader, each time until it knew one.", labels, meters.ElectionSeconds);
        metrics.Histogram("holdfast_snapshot_seconds", "From the beginning of a snapshot to its durable record.", labels, meters.SnapshotSeconds);
        metrics.Gauge("holdfast_snapshot_bytes", "Bytes that the newest snapshot taken here wrote; what it shares with earlier ones is not counted.", () => meters.SnapshotBytes, labels);
        metrics.SampledCounter("holdfast_snapshots_taken_total", "Snapshots taken here.", () => meters.SnapshotsTaken.Value, labels);
        metrics.SampledCounter("holdfast_snapshots_installed_total", "Snapshots of other replicas installed here.", () => meters.SnapshotsInstalled.Value, labels);
    }

    private void RegisterPeer(ReplicatedGroup group, NodeId peer)
    {
        if (peer == group.Status.Self || nameOf(peer) == peer.ToString()) return; // The directory has not told its name yet: at a later print it has.
        metrics.Gauge("holdfast_follower_lag", "On the leader: entries that a follower is not known to have on disk; 0 elsewhere.", () => Volatile.Read(ref lags).GetValueOrDefault((group.Id, peer)), $"group=\"{group.Id.Value}\",peer=\"{nameOf(peer)}\"");
        lock (known)
            if (!knownPeers.Add(peer)) return;
        var labels = $"peer=\"{nameOf(peer)}\"";
        metrics.Gauge("holdfast_peer_reachable", "Whether a peer's answer to a beat came within its lease: 1 or 0.", () => runtime.HearsFrom(peer) ? 1 : 0, labels);
        metrics.SampledCounter("holdfast_peer_resets_total", "How often the connection to a peer was lost.", () => runtime.LossesOf(peer), labels);
        metrics.Histogram("holdfast_peer_round_trip_seconds", "A beat to a peer and its answer.", labels, runtime.RoundTripOf(peer));
        metrics.Histogram("etcd_network_peer_round_trip_time_seconds", "etcd's name for holdfast_peer_round_trip_seconds.", $"To=\"{peer}\"", runtime.RoundTripOf(peer));
    }

    private void RegisterLoops()
    {
        foreach (var (number, loop) in runtime.LoopMeters.Index())
            foreach (var phase in Enum.GetValues<LoopPhase>())
                for (var i = 0; i < LoopMeters.LongMillis.Count; i++)
                {
                    var which = i;
                    metrics.SampledCounter("holdfast_loop_long_turns_total", "Turns of a loop in which a phase (sockets, parts, body) took longer than so many seconds, working or waiting for a processor.", () => loop.LongerThan(phase, which),
                        string.Create(CultureInfo.InvariantCulture, $"loop=\"{number}\",phase=\"{phase.ToString().ToLowerInvariant()}\",over=\"{LoopMeters.LongMillis[i] / 1000.0}\""));
                }
    }

    private void RegisterLog(Holdfast.Storage.WalMeters log)
    {
        metrics.Histogram("holdfast_wal_fsync_seconds", "An fsync of the log.", "", log.SyncSeconds);
        metrics.Histogram("holdfast_wal_write_seconds", "Handing a commit to the operating system.", "", log.WriteSeconds);
        metrics.SampledCounter("holdfast_wal_bytes_total", "Bytes of records written to the log.", () => log.Bytes.Value);
        metrics.Gauge("holdfast_wal_segments", "The log's files.", () => log.Segments);
        metrics.Gauge("holdfast_wal_oldest_wait_seconds", "How long the oldest batch waits that is not yet durable.", () => runtime.LogAge.TotalSeconds);
        metrics.Gauge("holdfast_disk_free_bytes", "Space left where the data directory is.", () => disk.FreeBytes());
        metrics.Gauge("holdfast_disk_reserve_bytes", "Space below which this node's disk is short: when a majority's is, etcd's puts are refused with NOSPACE.", () => disk.ReserveBytes());
        metrics.Histogram("etcd_disk_wal_fsync_duration_seconds", "etcd's name for holdfast_wal_fsync_seconds.", "", log.SyncSeconds);
    }

    private void RegisterProcess()
    {
        metrics.SampledCounter("process_cpu_seconds_total", "CPU time of the process.", static () => Environment.CpuUsage.TotalTime.TotalSeconds);
        metrics.Gauge("process_resident_memory_bytes", "Memory of the process.", static () => Environment.WorkingSet);
        metrics.Gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", Started());
        if (OpenFiles.AreKnown)
        {
            metrics.Gauge("process_open_fds", "Files and connections that the process has open.", static () => OpenFiles.Count());
            metrics.Gauge("process_max_fds", "How many it may have open.", static () => OpenFiles.Most());
        }

        metrics.Gauge("process_threads", "Threads of .NET's pool.", static () => ThreadPool.ThreadCount);
        metrics.Gauge("holdfast_gc_heap_bytes", "The managed heap.", static () => GC.GetTotalMemory(false));
        metrics.SampledCounter("holdfast_gc_pause_seconds_total", "Time that the collector stopped the process.", static () => GC.GetTotalPauseDuration().TotalSeconds);
        for (var generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            var counted = generation;
            metrics.SampledCounter("holdfast_gc_collections_total", "Collections, by generation.", () => GC.CollectionCount(counted), $"generation=\"{counted}\"");
        }
    }

    private static Func<double> Started()
    {
        using var self = Process.GetCurrentProcess();
        double seconds = new DateTimeOffset(self.StartTime).ToUnixTimeMilliseconds() / 1000.0;
        return () => seconds;
    }

    private static double Voters(Consensus.Configuration configuration)
    {
        var voters = 0;
        foreach (var member in configuration.Members)
            if (member.CountsForQuorum) voters++;
        return voters;
    }
}
