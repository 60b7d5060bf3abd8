using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>
/// A node's own backup, while it runs: every group that has its state here is followed, entry by entry, into the archive, and now and then a base is put beside its log. One task, away from the loops.
/// A backup disk that is slow, full or gone harms nobody: the round is given up, said, and tried again; only the moment up to which can be restored stays behind.
/// </summary>
public sealed class NodeArchive : IAsyncDisposable
{
    private static readonly TimeSpan PauseAfterFault = TimeSpan.FromSeconds(5);

    /// <summary>A mark on a group at rest costs a sync: so often it is made all the same, so that the covered moment goes on.</summary>
    private static readonly TimeSpan IdleMark = TimeSpan.FromSeconds(5);

    private readonly NodeArchiveOptions options;
    private readonly CancellationTokenSource stopping = new();
    private readonly SortedDictionary<GroupId, GroupArchive> groups = [];
    private readonly string folder;
    private IDisk? disk;
    private SnapshotStore? store;
    private Task running = Task.CompletedTask;
    private long markedMicros;
    private volatile bool isBaseAsked;
    private volatile NodeArchiveStatus status;

    private NodeArchive(NodeArchiveOptions options)
    {
        this.options = options;
        folder = Path.Combine(Path.GetFullPath(options.Directory), options.Cluster.ToString(), options.NodeName);
        status = new NodeArchiveStatus(folder, 0, 0, null);
    }

    /// <summary>How it stands.</summary>
    public NodeArchiveStatus Status => status;

    /// <summary>Begins to follow into the node's archive, making it when it is not there. A directory that cannot be used is said and tried again: a node starts without its backup disk.</summary>
    public static NodeArchive Start(NodeArchiveOptions options)
    {
        var archive = new NodeArchive(options);
        archive.running = Task.Run(archive.RunAsync);
        return archive;
    }

    /// <summary>Takes a new base of every group as soon as possible.</summary>
    public void TakeBase() => isBaseAsked = true;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        foreach (var (_, group) in groups) group.Dispose();
        stopping.Dispose();
    }

    private void Open()
    {
        new DirectoryDisk(Path.GetDirectoryName(Path.GetFullPath(options.Directory))!) { IsPrivate = true }.CreateFolder(folder);
        var bare = new DirectoryDisk(folder) { IsPrivate = true };
        if (options.Key is null && bare.Exists(ArchiveIdentity.FileName) && EncryptedDisk.KeyIdOf(bare, ArchiveIdentity.FileName) is { } keyId)
            throw new DataDirectoryUnusableException($"{folder} is an archive that is encrypted with the key {keyId}: give its key file, or another backup directory.");
        IDisk opened = options.Key is { } key ? new EncryptedDisk(bare, key) : bare;
        var identity = new ArchiveIdentity(options.Cluster, options.NodeName, options.AuthorityFingerprint, options.AuthorityCertificate.ToArray());
        if (ArchiveIdentity.Read(opened) is not { } found) identity.Write(opened);
        else if (found.Cluster != options.Cluster) throw new DataDirectoryUnusableException($"{folder} is an archive of cluster {found.Cluster}, not of {options.Cluster}: give another backup directory");
        (disk, store) = (opened, new SnapshotStore(opened, options.Cluster));
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(options.Pulse);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token).ConfigureAwait(false))
                if (!await TryRoundAsync().ConfigureAwait(false)) await Task.Delay(PauseAfterFault, stopping.Token).ConfigureAwait(false);
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops. What was followed is durable, and the next start goes on after it.
        }
    }

    private async Task<bool> TryRoundAsync()
    {
        try
        {
            await RoundAsync().ConfigureAwait(false);
            if (status.Fault is not null) options.Warn(null);
            status = status with { Fault = null };
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or DataDirectoryUnusableException)
        {
            // After a failed write nothing is known of the files: they are read back, and followed on from where they are whole.
            foreach (var (_, group) in groups) group.Dispose();
            groups.Clear();
            if (status.Fault != fault.Message) options.Warn($"the backup in {folder} stands still: {fault.Message} What is acknowledged meanwhile is in no backup of this node; it is tried again every {PauseAfterFault.TotalSeconds:F0} s.");
            status = status with { Fault = fault.Message, IsTakingBases = false };
            return false;
        }
    }

    private async Task RoundAsync()
    {
        if (disk is null) Open();
        var now = options.Clock();
        var isMarkDue = now - markedMicros >= IdleMark.Ticks / 10;
        var isAsked = isBaseAsked;

        // All bases in one round, when the oldest is due: a restore to a moment then reads about as much log of each group.
        var isBaseDue = isAsked || (groups.Count > 0 && now - groups.Values.Min(group => group.BaseMicros) >= options.BaseEvery.Ticks / 10);
        var covered = long.MaxValue;
        foreach (var replicated in options.Runtime.Groups)
        {
            if (!groups.TryGetValue(replicated.Id, out var group)) group = groups[replicated.Id] = new GroupArchive(disk!, store!, options.Cluster, replicated.Id);
            covered = Math.Min(covered, await group.FollowAsync(replicated, options.Runtime, now, isMarkDue, stopping.Token).ConfigureAwait(false));
            if (!isBaseDue) continue;
            status = status with { IsTakingBases = true };
            await group.TakeBaseAsync(replicated, options.Runtime, options.Clock, Copied, stopping.Token).ConfigureAwait(false);
            group.Forget(now - (options.Keep.Ticks / 10));
        }

        if (isMarkDue) markedMicros = now;
        if (groups.Count == 0) return;
        if (status.IsTakingBases) OnBasesTaken(isAsked);
        status = status with { CoveredMicros = covered == long.MaxValue || covered == 0 ? status.CoveredMicros : Math.Max(status.CoveredMicros, covered), BaseMicros = groups.Values.Min(group => group.BaseMicros) };
    }

    private void OnBasesTaken(bool wasAsked)
    {
        if (wasAsked) isBaseAsked = false;
        status = status with { IsTakingBases = false, BasesTaken = status.BasesTaken + 1, CopiedBytes = 0, TotalBytes = 0 };
        options.Say($"backup: bases of {groups.Count} groups are complete in {folder}");
    }

    private void Copied(long bytes, long total) => status = status with { CopiedBytes = bytes, TotalBytes = total };
}
