using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// Recovery by hand when a majority is gone for good (S12): from the data directories that are left, a new data directory of a new cluster of one node, with the old content. The given directories
/// are only read. The new cluster's id, and the new incarnation, fence every old member; what raises revisions and tokens is done at the new node's first start.
/// </summary>
public sealed class DisasterRecovery : IDisposable
{
    private readonly List<Source> sources = [];
    private readonly Action<string> progress;

    /// <param name="Data">The directory.</param>
    /// <param name="Genesis">What the node began with.</param>
    /// <param name="Log">What its log holds.</param>
    /// <param name="Known">The members as the node last knew them: those who joined later too, whom the genesis does not name.</param>
    private sealed record Source(DataDirectory Data, Genesis Genesis, WalRecovery Log, IReadOnlyList<MemberRecord> Known);

    /// <summary>Opens the given directories and reads their logs; no node may run on them.</summary>
    /// <param name="paths">The directories.</param>
    /// <param name="progress">Told how far reading and writing are, a few words each time.</param>
    /// <exception cref="DataDirectoryException">One cannot be used.</exception>
    /// <exception cref="DataDirectoryUnusableException">One cannot be used, or they do not belong together.</exception>
    public DisasterRecovery(IEnumerable<string> paths, Action<string>? progress = null)
    {
        this.progress = progress ?? (static _ => { });
        try
        {
            foreach (var path in paths) Add(path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The cluster that they belong to.</summary>
    public ClusterId Cluster => sources[0].Genesis.Cluster;

    /// <summary>What would be, or was, done: a line per group.</summary>
    public IReadOnlyList<string> Story { get; private set; } = [];

    /// <summary>Whether some group has no majority among the given directories: else there is nothing to recover.</summary>
    public bool IsNeeded => Plan([], acceptsDamage: false).IsNeeded;

    /// <summary>The ids of the voters whose directories were not given: what an operator who knows that they are all gone says to be lost.</summary>
    public IReadOnlyCollection<string> Absent => [.. Plan([], acceptsDamage: false).Missing.Select(node => node.ToString())];

    /// <summary>Decides; the faults say why it may not be done.</summary>
    /// <param name="lost">Names or ids of the voters whose disks are gone for good.</param>
    /// <param name="acceptsDamage">Whether the operator gives up what cannot be read.</param>
    public IReadOnlyList<string> Decide(IReadOnlyCollection<string> lost, bool acceptsDamage)
    {
        var plan = Plan(lost, acceptsDamage);
        Story = [.. plan.Chosen.Select(Describe)];
        return plan.Faults;
    }

    /// <summary>Writes the new data directory, which must not exist yet; returns its cluster.</summary>
    /// <param name="target">Where.</param>
    /// <param name="lost">As for <see cref="Decide"/>.</param>
    /// <param name="acceptsDamage">As for <see cref="Decide"/>.</param>
    /// <exception cref="DataDirectoryUnusableException">The plan has faults, or the target is there already.</exception>
    public ClusterId Write(string target, IReadOnlyCollection<string> lost, bool acceptsDamage)
    {
        var plan = Plan(lost, acceptsDamage);
        if (plan.Faults.Count > 0) throw new DataDirectoryUnusableException(string.Join("; ", plan.Faults));
        var leading = sources[plan.Chosen.First(copy => copy.Group == GroupId.Directory).Source];
        ClusterId cluster;
        using (var made = new NewDirectory(target, leading.Data.Name))
        {
            foreach (var copy in plan.Chosen) Copy(copy, made);
            made.Complete(leading.Genesis.AuthorityFingerprint, leading.Genesis.AuthorityCertificate.AsSpan());
            cluster = made.Cluster;
        }

        CopyCertificates(leading.Data.FullPath, target);
        return cluster;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var source in sources) source.Data.Dispose();
    }

    private void Add(string path)
    {
        var data = DataDirectory.Inspect(path);
        try
        {
            var genesis = GenesisFile.Read(data.Disk) ?? throw new DataDirectoryUnusableException($"{data.FullPath} never belonged to a cluster: there is nothing in it to recover");
            if (sources.Count > 0 && genesis.Cluster != Cluster)
                throw new DataDirectoryUnusableException($"{data.FullPath} belongs to cluster {genesis.Cluster}, {sources[0].Data.FullPath} to {Cluster}: give directories of one cluster");
            if (sources.Exists(source => source.Data.Node == data.Node)) throw new DataDirectoryUnusableException($"{data.FullPath} is the same node as another one given");
            var log = WriteAheadLog.Inspect(data.Disk, new WalOptions { Cluster = genesis.Cluster }, (done, of) => progress($"reading {data.FullPath}: {done} of {of} segments of its log"));
            if (log.Groups.Count == 0) throw new DataDirectoryUnusableException($"{data.FullPath} holds no log: leave it out");
            sources.Add(new Source(data, genesis, log, AddressBookFile.Read(data.Disk)));
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    private RecoveryPlan Plan(IReadOnlyCollection<string> lost, bool acceptsDamage)
    {
        var copies = new List<GroupCopy>();
        var buried = sources.SelectMany(source => source.Log.Groups).Where(group => group.IsTombstoned).Select(group => group.Group).ToHashSet();
        for (var i = 0; i < sources.Count; i++)
            foreach (var group in sources[i].Log.Groups)
                if (!buried.Contains(group.Group)) copies.Add(new GroupCopy(i, sources[i].Data.Node, group.Group, LastOf(group), LogCheck.InForce(group), group.DamagedUpTo));
        return RecoveryPlan.Of(copies, NameOf, lost, acceptsDamage);
    }

    private string NameOf(NodeId node)
    {
        foreach (var source in sources)
        {
            if (source.Data.Node == node) return source.Data.Name;
            foreach (var member in source.Genesis.Members.Concat(source.Known))
                if (member.Node == node) return member.Name;
        }

        return node.ToString();
    }

    private string Describe(GroupCopy copy) =>
        $"group {copy.Group}: from {sources[copy.Source].Data.FullPath} ({NameOf(copy.Node)}), last entry {copy.Last}{(copy.IsWhole ? "" : $", damaged up to {copy.DamagedUpTo}")}; its members {copy.InForce} become this node alone";

    private void Copy(GroupCopy copy, NewDirectory made)
    {
        var source = sources[copy.Source];
        var group = source.Log.Find(copy.Group)!;
        if (group.Snapshot.Index > LogIndex.Zero)
        {
            using var reader = new SnapshotStore(source.Data.Disk, source.Genesis.Cluster).Open(group.Group, group.Snapshot)
                ?? throw new DataDirectoryUnusableException($"{source.Data.FullPath}: the snapshot of group {group.Group} at {group.Snapshot}, from which its log continues, is missing or damaged: leave this directory out if another has the group");
            long done = 0, total = reader.Manifest.TotalBytes;
            made.Snapshots.Copy(reader, bytes => progress($"group {copy.Group}: {(done += bytes) >> 20} of {total >> 20} MiB of its snapshot"));
        }

        progress($"group {copy.Group}: {group.Entries.Count} entries after its snapshot");
        made.AddGroup(group.Group, group.Snapshot, group.Configuration, group.FeatureLevel, group.Entries, group.HardState.Term);
    }

    private static void CopyCertificates(string from, string to)
    {
        var source = Path.Combine(from, "tls");
        if (!Directory.Exists(source)) return;
        var folder = new TlsFolder(Path.Combine(to, "tls"));
        foreach (var name in (string[])[TlsFolder.AuthorityFile, TlsFolder.CertificateFile])
            if (File.Exists(Path.Combine(source, name))) folder.Write(name, File.ReadAllText(Path.Combine(source, name)));
        if (File.Exists(Path.Combine(source, TlsFolder.KeyFile))) folder.WriteSecret(TlsFolder.KeyFile, File.ReadAllText(Path.Combine(source, TlsFolder.KeyFile)));
    }

    private static LogPosition LastOf(RecoveredGroup group) => group.Entries.Count > 0 ? group.Entries[^1].Position : group.Snapshot;
}
