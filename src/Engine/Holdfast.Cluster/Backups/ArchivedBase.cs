using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Cluster;

/// <summary>A base in an archive.</summary>
/// <param name="Position">The last entry that it contains.</param>
/// <param name="TimeMicros">That of its last command.</param>
/// <param name="FeatureLevel">The group's level there: a program that does not know it cannot restore it (S5).</param>
/// <param name="Bytes">What it takes, files that it shares with other bases included.</param>
internal sealed record ArchivedBase(LogPosition Position, long TimeMicros, uint FeatureLevel, long Bytes)
{
    /// <summary>Reads what a base says of itself; null when it is not whole.</summary>
    public static ArchivedBase? Read(SnapshotStore store, GroupId group, LogPosition position)
    {
        using var reader = store.Open(group, position);
        if (reader is null || reader.Manifest.OwnChunks == 0) return null;
        var first = new byte[reader.Manifest.Chunks[0].Bytes];
        reader.ReadChunk(0, first);
        return EntryStamp.OfSnapshot(first) is { } time ? new ArchivedBase(position, time, reader.Manifest.FeatureLevel, reader.Manifest.TotalBytes) : null;
    }

    public static long? TimeOf(SnapshotStore store, GroupId group, LogPosition position)
    {
        try
        {
            return Read(store, group, position)?.TimeMicros;
        }
        catch (SnapshotDamagedException)
        {
            return null;
        }
    }
}
