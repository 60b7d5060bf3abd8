using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>A group as it was, or would be, restored.</summary>
/// <param name="Group">The group.</param>
/// <param name="NodeName">The node whose archive it comes from.</param>
/// <param name="Base">The base.</param>
/// <param name="Entries">How many entries of the log follow it.</param>
/// <param name="Last">The last entry that is restored.</param>
/// <param name="TimeMicros">The stamped time of the last command that is restored.</param>
/// <param name="ProvenAt">The last position at which the rebuilt state was compared with the live one's hash and was equal; zero when there was no mark to compare with.</param>
/// <param name="Face">The face that it carries; empty for the directory, and while it is only decided.</param>
public sealed record RestoredGroup(GroupId Group, string NodeName, LogPosition Base, ulong Entries, LogPosition Last, long TimeMicros, LogPosition ProvenAt, string Face);

/// <summary>
/// A restore from backups: per group a base and the log after it, to one moment, folded into a state that is checked against the hashes that the live nodes left in the log, and written as the data
/// directory of the first node of a new cluster (S12). Old nodes are of another cluster, so they cannot mix; tokens and revisions are raised past anything ever issued at the first start (S22).
/// </summary>
/// <param name="catalog">The backups, of one cluster.</param>
/// <param name="toMicros">Nothing stamped after this moment, in all groups the same; null for everything that was archived.</param>
/// <param name="machines">Makes the empty state of a group, by its face; null for a face that this program does not carry.</param>
/// <param name="options">The groups' options.</param>
public sealed class Restoration(BackupCatalog catalog, long? toMicros, Func<GroupId, string, StateFiles, IStateMachine?> machines, GroupOptions options)
{
    private static readonly Mark CutInLog = new("cluster: a restore ended at an entry before the log's end", elsewhere: "BackupModelTests: nobody archives a simulated cluster");

    private IReadOnlyList<Archive> Archives => catalog.Archives;

    /// <summary>Told what is being done, and how many bytes of how many were read for it.</summary>
    public Action<string, long, long> Progress { get; init; } = static (_, _, _) => { };

    /// <summary>A mistake that a test plants.</summary>
    internal PlantedBackupBug Bug { get; init; }

    /// <summary>The groups and where they come from, as far as it is decided.</summary>
    public IReadOnlyList<RestoredGroup> Story { get; private set; } = [];

    /// <summary>Decides; the faults say why it may not be done.</summary>
    public IReadOnlyList<string> Decide() => Plan().Faults;

    /// <summary>Restores into a data directory that must not exist yet; returns the new cluster.</summary>
    /// <param name="target">Where.</param>
    /// <param name="name">The new node's name.</param>
    /// <exception cref="DataDirectoryUnusableException">It may not be done, or the target is there already.</exception>
    /// <exception cref="SnapshotDamagedException">A state could not be rebuilt, or is not the one that was backed up; nothing is left of the target.</exception>
    public ClusterId Write(string target, string name)
    {
        var plan = Plan();
        if (plan.Faults.Count > 0) throw new DataDirectoryUnusableException(string.Join("; ", plan.Faults));
        using var made = new NewDirectory(target, name);
        var told = new List<RestoredGroup>();
        var directory = new DirectoryState();
        told.Add(Rebuild(plan, GroupId.Directory, "", directory, made));
        foreach (var (group, face) in Wanted(directory.View, plan))
        {
            var machine = machines(group, face, made.Snapshots.FilesOf(group)) ?? throw new DataDirectoryUnusableException($"group {group} carries the face {face}, and this program does not: use one that does");
            told.Add(Rebuild(plan, group, face, machine, made));
        }

        Story = told;
        var identity = Archives[plan.Chosen[GroupId.Directory].Archive].Identity;
        made.Complete(identity.AuthorityFingerprint, identity.AuthorityCertificate);
        return made.Cluster;
    }

    /// <summary>The groups that the directory had at the cut, each with its face.</summary>
    private static List<(GroupId Group, string Face)> Wanted(DirectoryView view, RestorePlan plan)
    {
        var wanted = new List<(GroupId, string)> { (GroupId.Coordination, "coordination") };
        foreach (var (id, group) in view.Groups)
        {
            if (!plan.Chosen.ContainsKey(id)) throw new DataDirectoryUnusableException($"group {id} ({group.Face}) belongs to the cluster, and is in none of the given backups: name the backup directories of the nodes that carry it");
            wanted.Add((id, group.Face));
        }

        return wanted;
    }

    private RestorePlan Plan()
    {
        if (catalog.Clusters.Count > 1)
            throw new DataDirectoryUnusableException($"the backups are of several clusters ({string.Join(", ", catalog.Clusters)}): say which with --cluster");
        var roads = new SortedDictionary<GroupId, IReadOnlyList<GroupRoad>>();
        foreach (var group in Archives.SelectMany(archive => ArchivedLog.Groups(archive.Disk)).Distinct())
        {
            var possible = new List<GroupRoad>();
            for (var i = 0; i < Archives.Count; i++)
                if (Archives[i].BasesOf(group).LastOrDefault(one => one.TimeMicros <= (toMicros ?? long.MaxValue)) is { } newest)
                    possible.Add(new GroupRoad(i, newest, ChainWalk.Run(Archives[i], group, newest, toMicros, bug: Bug)));
            roads[group] = possible;
        }

        var plan = RestorePlan.Of(roads, toMicros, options.FeatureLevelKnown, Bug);
        Story = [.. plan.Chosen.Select(pair => Told(pair.Key, pair.Value, LogPosition.Zero, ""))];
        return plan;
    }

    private RestoredGroup Told(GroupId group, GroupRoad road, LogPosition provenAt, string face) =>
        new(group, Archives[road.Archive].Identity.NodeName, road.Base.Position, road.End.Entries, road.End.Last, road.End.TimeMicros, provenAt, face);

    /// <summary>Folds a group up to the cut and leaves its state in the new directory as a snapshot.</summary>
    private RestoredGroup Rebuild(RestorePlan plan, GroupId group, string face, IStateMachine machine, NewDirectory made)
    {
        var road = plan.Chosen[group];
        var archive = Archives[road.Archive];
        var what = $"group {group}";
        var (total, done) = (3 * road.Base.Bytes, 0L);
        void Read(long bytes) => Progress(what, Math.Min(done += bytes, total), total);

        using var source = archive.Store.Open(group, road.Base.Position) ?? throw new SnapshotDamagedException($"{archive.Path}: the base of group {group} at {road.Base.Position} is gone: is the backup directory being cleaned up? Try again");
        var configuration = road.End.Configuration ?? source.Manifest.Configuration;
        made.Snapshots.Copy(source, Read);
        var replay = new GroupReplay(machine, options, source.Manifest.FeatureLevel);
        using (var copied = made.Snapshots.Open(group, road.Base.Position)!) replay.Restore(copied, Read);
        var provenAt = road.Base.Position;
        ChainWalk.Run(archive, group, road.Base, toMicros, entry => replay.Apply(entry), mark => provenAt = Proven(group, replay, mark) ?? provenAt, bytes => Progress(what, done, total), Bug);
        if (replay.Applied != road.End.Last) throw new SnapshotDamagedException($"group {group} was rebuilt to {replay.Applied} and not to {road.End.Last}: is the backup directory being cleaned up? Try again");
        if (road.End.HasPassed) CutInLog.Hit();
        if (replay.Applied != road.Base.Position)
        {
            replay.WriteSnapshot(made.Snapshots, group, configuration);
            made.Snapshots.Prune(group, replay.Applied);
        }

        made.AddGroup(group, replay.Applied, configuration, replay.FeatureLevel, [], replay.Applied.Term);
        Progress(what, total, total);
        return Told(group, road, provenAt, face);
    }

    /// <summary>The mark's position if it proves the state there; null if it says nothing of it.</summary>
    private LogPosition? Proven(GroupId group, GroupReplay replay, in ArchiveMark mark)
    {
        if (mark.StateHash is null) return null;
        if (replay.Applied != mark.Position || replay.StateHash == mark.StateHash || Bug == PlantedBackupBug.StateUncompared) return mark.Position;
        throw new SnapshotDamagedException($"group {group}: the state rebuilt at {mark.Position} is {replay.StateHash:x}, and the live one's was {mark.StateHash:x}: these backups do not give back what was backed up; take another node's");
    }
}
