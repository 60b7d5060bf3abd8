using System.Buffers;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>Where a backup stands: everything up to and with this entry of its group is in it, and nothing later.</summary>
/// <param name="Cluster">The cluster that it is of.</param>
/// <param name="Group">The group.</param>
/// <param name="Face">Whose data it is.</param>
/// <param name="Position">The last entry that it contains.</param>
/// <param name="TimeMicros">That entry's stamped time: how old the backup is, and what a point in time is compared with.</param>
/// <param name="FeatureLevel">The state's feature level: a binary that does not know it cannot restore it (S5).</param>
public sealed record BackupPosition(ClusterId Cluster, GroupId Group, Face Face, LogPosition Position, long TimeMicros, uint FeatureLevel);

/// <summary>What a face hands out to be backed up: for each of its groups a consistent view, taken without a pause, as a stream of chunks.</summary>
public interface IBackupSource
{
    /// <summary>The groups of this face that this node can hand out.</summary>
    IReadOnlyList<GroupId> Groups { get; }

    /// <summary>Takes a view of one group. It costs memory until it is disposed.</summary>
    ValueTask<IBackupReader> OpenAsync(GroupId group, CancellationToken cancel = default);
}

/// <summary>One group's view. Read it in order to its end; a reader that is disposed early has no backup.</summary>
public interface IBackupReader : IAsyncDisposable
{
    /// <summary>Where it stands.</summary>
    BackupPosition Position { get; }

    /// <summary>Appends the next chunk, in the format of the group's snapshots, which begins with its version. False: there is none, and the backup is whole.</summary>
    ValueTask<bool> ReadNextAsync(IBufferWriter<byte> chunk, CancellationToken cancel = default);
}

/// <summary>
/// Takes backups back, into a group that is empty (S23). A restore begins a new incarnation that fences all old members, and raises revisions and
/// fencing tokens past anything ever issued (S12): that is the restorer's duty, not the backup's.
/// </summary>
public interface IRestoreTarget
{
    /// <summary>Begins. Refused when the group is not empty or the backup's feature level is unknown here.</summary>
    ValueTask<IRestoreWriter> BeginAsync(BackupPosition position, CancellationToken cancel = default);
}

/// <summary>A restore under way. Disposed without <see cref="CompleteAsync"/> it leaves nothing behind.</summary>
public interface IRestoreWriter : IAsyncDisposable
{
    /// <summary>Takes the next chunk.</summary>
    ValueTask WriteNextAsync(ReadOnlyMemory<byte> chunk, CancellationToken cancel = default);

    /// <summary>All chunks were given: the state is checked and comes into force.</summary>
    ValueTask CompleteAsync(CancellationToken cancel = default);
}
