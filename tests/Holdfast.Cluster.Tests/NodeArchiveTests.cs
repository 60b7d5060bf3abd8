using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster.Tests;

/// <summary>A node's own backup, of groups that run: what it begins with, and what becomes of what it lacks.</summary>
public sealed class NodeArchiveTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("holdfast-node-archive-");

    public void Dispose() => folder.Delete(true);

    [Fact]
    public async Task An_archive_begins_with_a_base_and_again_with_one_where_the_log_has_forgotten_what_came_next()
    {
        await using var nodes = new NodesInProcess();
        var node = (await nodes.FoundAsync(1))[0];
        await FollowAsync(nodes, node);
        var first = Assert.Single(BasesOf(node));
        var (from, to) = Assert.Single(SegmentsOf(node));
        Assert.Equal(first, from);

        // After a restart nothing is kept for a reader that has not come again.
        node = await nodes.RestartAsync("n1", _ => { });
        await nodes.UntilAcceptedAsync(() => node.SetSettingAsync("test", "while nobody followed", once: false, CancellationToken.None));
        var written = node.Directory.Status.Applied;
        node.Directory.TakeSnapshot();
        await nodes.UntilAsync(() => node.Directory.Status.Snapshot.Index >= written);
        await FollowAsync(nodes, node);
        Assert.Equal(2, BasesOf(node).Count);
        var (again, _) = SegmentsOf(node)[^1];
        Assert.Equal(BasesOf(node)[^1], again);
        Assert.True(again.Index >= written && written > to.Index, $"the archive ended at {to}, and begins again at {again}; {written} was written meanwhile");
    }

    [Fact]
    public async Task A_file_that_the_archive_forgets_while_it_is_sent_off_site_is_passed_over_and_the_rest_is_sent()
    {
        await using var nodes = new NodesInProcess();
        await using var store = VerifyingStore.Start();
        var node = (await nodes.FoundAsync(1))[0];
        var archive = await FollowAsync(nodes, node);
        string? forgotten = null;
        store.OnTaken = _ =>
        {
            if (forgotten is not null) return;
            forgotten = Directory.EnumerateFiles(archive.Status.Folder, "chunks", SearchOption.AllDirectories).First();
            File.Delete(forgotten);
        };
        var warnings = new List<string?>();
        await using (var copy = OffSiteCopy.Start(new OffSiteOptions
        {
            Archive = archive,
            Address = new S3Address(store.Endpoint, store.Region, "bucket", ""),
            Credentials = VerifyingStore.Known,
            Every = TimeSpan.FromMilliseconds(50),
            Warn = warnings.Add,
        })) await nodes.UntilAsync(() => copy.CoveredMicros == archive.Status.CoveredMicros);

        Assert.NotNull(forgotten);
        Assert.Empty(warnings);
        var parent = Path.GetDirectoryName(Path.GetDirectoryName(archive.Status.Folder))!;
        Assert.Equal(
            Directory.EnumerateFiles(archive.Status.Folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(parent, file)).Order(StringComparer.Ordinal),
            store.Objects.Keys);
    }

    /// <summary>Follows a node until all its groups are covered, and ends.</summary>
    private async Task<NodeArchive> FollowAsync(NodesInProcess nodes, ClusterNode node)
    {
        await using var archive = NodeArchive.Start(new NodeArchiveOptions
        {
            Directory = folder.FullName,
            NodeName = "n1",
            Cluster = node.View.Cluster,
            Runtime = nodes.RuntimeOf(node),
            Pulse = TimeSpan.FromMilliseconds(20),
        });
        await nodes.UntilAsync(() => archive.Status is { CoveredMicros: > 0, BaseMicros: > 0, Fault: null });
        return archive;
    }

    private DirectoryDisk DiskOf(ClusterNode node) => new(Path.Combine(folder.FullName, node.View.Cluster.ToString(), "n1")) { IsPrivate = true };

    private IReadOnlyList<LogPosition> BasesOf(ClusterNode node) => new SnapshotStore(DiskOf(node), node.View.Cluster).WholeSnapshots(GroupId.Directory);

    /// <summary>After which entry each segment of the directory's archived log begins, and with which it ends.</summary>
    private List<(LogPosition From, LogPosition To)> SegmentsOf(ClusterNode node)
    {
        var disk = DiskOf(node);
        return [.. ArchivedLog.Segments(disk, GroupId.Directory).Select(number => ArchivedSegment.Read(disk, node.View.Cluster, GroupId.Directory, number)!).Select(static segment => (segment.Previous, segment.Last))];
    }
}
