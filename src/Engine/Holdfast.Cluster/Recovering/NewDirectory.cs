using System.Buffers.Binary;
using System.Security.Cryptography;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// A data directory on its way to becoming the first node of a new cluster with old content (S12). The cluster's id and the node's are drawn anew, so every old member is fenced; what raises revisions
/// and tokens is done at the new node's first start. It is no data directory of any cluster until <see cref="Complete"/>; disposed before, what was made is taken away again.
/// </summary>
internal sealed class NewDirectory : IDisposable
{
    private readonly DataDirectory data;
    private readonly WriteAheadLog log;
    private readonly WalBatch batch = new(0);
    private readonly string target;
    private readonly bool isOurs;
    private bool isComplete;

    public NewDirectory(string target, string name)
    {
        this.target = target;
        if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any()) throw new DataDirectoryUnusableException($"{target} is there already: name another folder with --out");
        isOurs = !Directory.Exists(target);
        Cluster = new ClusterId(BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(8)) | 1);
        data = DataDirectory.Open(target, name);
        Snapshots = new SnapshotStore(data.Disk, Cluster);
        log = WriteAheadLog.Open(data.Disk, new WalOptions { Cluster = Cluster }, out _);
    }

    /// <summary>The new cluster.</summary>
    public ClusterId Cluster { get; }

    /// <summary>The new node.</summary>
    public NodeId Node => data.Node;

    /// <summary>Where the groups' snapshots go, before <see cref="AddGroup"/> names them.</summary>
    public SnapshotStore Snapshots { get; }

    /// <summary>A group as it was, then an entry that makes the new node its only voter: a configuration is in force from the moment it is in the log.</summary>
    /// <param name="group">The group.</param>
    /// <param name="snapshot">Its snapshot, already in <see cref="Snapshots"/>; zero without one.</param>
    /// <param name="configuration">The configuration at the snapshot.</param>
    /// <param name="featureLevel">The level there.</param>
    /// <param name="entries">The entries after it.</param>
    /// <param name="term">The highest term that is known of it.</param>
    public void AddGroup(GroupId group, LogPosition snapshot, Configuration configuration, uint featureLevel, IEnumerable<Entry> entries, Term term)
    {
        var last = snapshot;
        batch.Clear();
        batch.AppendGroupCreated(group, configuration, featureLevel);
        if (snapshot.Index > LogIndex.Zero) batch.AppendCompaction(group, snapshot, configuration, featureLevel);
        foreach (var entry in entries)
        {
            batch.AppendEntry(group, entry);
            last = entry.Position;
            if (!batch.IsFull) continue;
            log.Write([batch]);
            batch.Clear();
        }

        var next = (term > last.Term ? term : last.Term).Next;
        var alone = new ByteBuffer(64);
        Configuration.OfVoters(data.Node).Encode(alone);
        batch.AppendEntry(group, new Entry(new LogPosition(next, last.Index.Next), EntryKind.Configuration, alone.Written.ToArray()));
        batch.AppendHardState(group, new HardState(next, NodeId.None));
        log.Write([batch]);
        log.Sync();
    }

    /// <summary>All groups are there: the directory becomes its cluster's.</summary>
    public void Complete(string authorityFingerprint, ReadOnlySpan<byte> authorityCertificate)
    {
        LogCheck.NoteBegun(data.Disk);
        GenesisFile.Write(data.Disk, new Genesis
        {
            Cluster = Cluster,
            Founder = data.Node,
            Members = [new MemberRecord { Node = data.Node, Name = data.Name, Host = "127.0.0.1", Port = 0 }],
            AuthorityFingerprint = authorityFingerprint,
            AuthorityCertificate = [.. authorityCertificate],
            Origin = GenesisOrigin.Recovered,
        });
        data.JoinCluster(Cluster);
        isComplete = true;
    }

    public void Dispose()
    {
        log.Dispose();
        data.Dispose();
        if (!isComplete && isOurs && Directory.Exists(target)) Directory.Delete(target, recursive: true);
    }
}
