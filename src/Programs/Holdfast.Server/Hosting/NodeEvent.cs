namespace Holdfast.Server.Hosting;

/// <summary>A kind of event in a node's log.</summary>
/// <param name="Id">Stable, from the program's block, 5000 to 5199; the front door's are 4100 to 4199.</param>
/// <param name="Type">What JSON carries as <c>event_type</c>.</param>
/// <param name="Meaning">For docs/operations.md, which a test compares with this table.</param>
internal sealed record NodeEvent(int Id, string Type, string Meaning);

/// <summary>Every kind of event that the program itself logs.</summary>
internal static class NodeEvents
{
    public static readonly NodeEvent Started = new(5000, "started", "The node has recovered and serves; which start it is, of which cluster.");
    public static readonly NodeEvent Stopping = new(5001, "stopping", "It was asked to stop, and hands its leadership over.");
    public static readonly NodeEvent Founding = new(5002, "founding", "A new cluster waits for its founders.");
    public static readonly NodeEvent Cluster = new(5003, "cluster", "Founding, joining, coming back, recovery by hand.");
    public static readonly NodeEvent GuardRail = new(5004, "guard_rail", "Something works and yet is unwise: one node, an even number of voters, files that others can read.");
    public static readonly NodeEvent Disk = new(5005, "disk", "Which way of writing was measured to be faster, and how fast.");
    public static readonly NodeEvent Ephemeral = new(5006, "ephemeral", "The node keeps everything in memory.");
    public static readonly NodeEvent Etcd = new(5007, "etcd", "The lines that supervisors of etcd wait for.");
    public static readonly NodeEvent Transport = new(5010, "transport", "A peer connected, was lost or cannot be reached.");
    public static readonly NodeEvent Recovery = new(5020, "recovery", "What reading the log after the last stop found: a torn tail, damage, repair.");
    public static readonly NodeEvent EndedByFault = new(5021, "ended_by_fault", "The process before this one ended by itself; its sentence again. An alarm until the next restart.");
    public static readonly NodeEvent RoleChanged = new(5030, "role_changed", "This replica of a group became leader, follower or candidate.");
    public static readonly NodeEvent Elected = new(5031, "elected", "A group has a leader again; how long it had none, as this node saw it.");
    public static readonly NodeEvent LeaderLost = new(5032, "leader_lost", "This node knows no leader of a group any more.");
    public static readonly NodeEvent MembershipChanged = new(5033, "membership_changed", "A group's voters and learners are now these.");
    public static readonly NodeEvent SnapshotTaken = new(5040, "snapshot_taken", "A snapshot is durable and the log was shortened to it.");
    public static readonly NodeEvent SnapshotInstalled = new(5041, "snapshot_installed", "A snapshot of another replica has replaced the state here.");
    public static readonly NodeEvent SnapshotFailed = new(5042, "snapshot_failed", "A snapshot could not be written: until one can, the log only grows. It is tried again every ten seconds.");
    public static readonly NodeEvent SnapshotMended = new(5043, "snapshot_mended", "Snapshots can be written again.");
    public static readonly NodeEvent Restoring = new(5044, "restoring", "A group's state is being built again from a snapshot: no reads here meanwhile.");
    public static readonly NodeEvent Restored = new(5045, "restored", "The state is there again.");
    public static readonly NodeEvent AlarmRaised = new(5050, "alarm_raised", "NOSPACE, CORRUPT, divergence or another alarm is on.");
    public static readonly NodeEvent AlarmCleared = new(5051, "alarm_cleared", "It is off.");
    public static readonly NodeEvent Certificates = new(5060, "certificates", "Which certificate the node shows to its peers, and until when.");
    public static readonly NodeEvent CertificatesReloaded = new(5061, "certificates_reloaded", "The files changed, and new connections use them.");
    public static readonly NodeEvent CertificatesKept = new(5062, "certificates_kept", "The changed files cannot be used; the certificates in use stay in use.");
    public static readonly NodeEvent Backup = new(5070, "backup", "A round of bases is complete in the backup archive, or a backup that stood still goes on.");
    public static readonly NodeEvent BackupFailed = new(5071, "backup_failed", "The backup archive cannot be written; what is acknowledged meanwhile is in no backup of this node.");
    public static readonly NodeEvent BackupOffSiteFailed = new(5072, "backup_off_site_failed", "The copy of the backup off site stands still; what is acknowledged meanwhile would be lost with this site.");
    public static readonly NodeEvent Keyspace = new(5080, "keyspace", "The Redis face: where it serves, how slots were shared out, which shard was handed over, what it waits for.");
    public static readonly NodeEvent DiskFull = new(5090, "disk_full", "The end of the process, exit code 73.");
    public static readonly NodeEvent DiskFailed = new(5091, "disk_failed", "The end of the process, exit code 74.");
    public static readonly NodeEvent SplitBrain = new(5092, "split_brain", "The end of the process, exit code 71.");
    public static readonly NodeEvent BrokenInvariant = new(5093, "broken_invariant", "The end of the process, exit code 70.");

    /// <summary>All of them, in the order of their ids.</summary>
    public static readonly IReadOnlyList<NodeEvent> All =
    [
        Started, Stopping, Founding, Cluster, GuardRail, Disk, Ephemeral, Etcd, Transport, Recovery, EndedByFault, RoleChanged, Elected, LeaderLost, MembershipChanged,
        SnapshotTaken, SnapshotInstalled, SnapshotFailed, SnapshotMended, Restoring, Restored, AlarmRaised, AlarmCleared, Certificates, CertificatesReloaded, CertificatesKept,
        Backup, BackupFailed, BackupOffSiteFailed, Keyspace, DiskFull, DiskFailed, SplitBrain, BrokenInvariant,
    ];
}

/// <summary>Where in which group an event belongs (R1.12).</summary>
/// <param name="Group">The group's number.</param>
/// <param name="Term">The term.</param>
/// <param name="Index">Of a snapshot, the last index in it; else how far this node knew the group's log to be committed when it told the event.</param>
internal readonly record struct EventPlace(ulong Group, ulong Term, ulong Index);
