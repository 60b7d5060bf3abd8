using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// A group's state built from a snapshot and the entries after it, without a node, a loop or a log: to prove that what was kept gives the state that it was kept of. Synchronous, for one thread.
/// </summary>
public sealed class GroupReplay
{
    private readonly GroupState state;
    private readonly uint featureLevelKnown;

    /// <summary>An empty state.</summary>
    /// <param name="machine">The group's machine, empty.</param>
    /// <param name="options">The options that its replicas have.</param>
    /// <param name="featureLevel">The level that the group began at.</param>
    public GroupReplay(IStateMachine machine, GroupOptions options, uint featureLevel = 1)
    {
        state = new GroupState(machine, options.SessionsMax, featureLevel, options.FeatureLevelKnown);
        featureLevelKnown = options.FeatureLevelKnown;
    }

    /// <summary>The last entry that the state contains.</summary>
    public LogPosition Applied => state.Applied;

    /// <summary>The state's hash: equal to every replica's at the same position.</summary>
    public ulong StateHash => state.StateHash;

    /// <summary>The stamped time of the last command.</summary>
    public long TimeMicros => state.TimeMicros;

    /// <summary>The group's feature level.</summary>
    public uint FeatureLevel => state.FeatureLevel;

    /// <summary>Takes a snapshot's state.</summary>
    /// <param name="snapshot">The snapshot; the files by hash that it names are where the machine looks for them.</param>
    /// <param name="read">Told how many bytes were read, after each chunk.</param>
    /// <exception cref="SnapshotDamagedException">It is damaged, or of a newer program.</exception>
    public void Restore(SnapshotReader snapshot, Action<long>? read = null)
    {
        var manifest = snapshot.Manifest;
        if (manifest.FeatureLevel > featureLevelKnown) throw new SnapshotDamagedException(TooNew(manifest.Group, manifest.FeatureLevel));
        using var restore = new StateRestore(state);
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        var reading = restore.FileReading;
        for (var chunk = 0; chunk < (reading is null ? manifest.OwnChunks : manifest.Chunks.Length); chunk++)
        {
            var bytes = buffer.AsSpan(0, snapshot.ReadChunk(chunk, buffer));
            if (manifest.FileOf(chunk) is { } file) restore.TakeFile(reading!.Decode(file.Hash, bytes));
            else restore.ReadNext(bytes);
            read?.Invoke(manifest.Chunks[chunk].Bytes);
        }

        if (!restore.TryComplete() || state.Applied != manifest.Position)
            throw new SnapshotDamagedException($"The snapshot of group {manifest.Group} at {manifest.Position} does not hold the state that its manifest names.");
        if (state.StateHash != manifest.StateHash)
            throw new SnapshotDamagedException($"The snapshot of group {manifest.Group} at {manifest.Position} gives another state ({state.StateHash:x}) than the one that it was taken of ({manifest.StateHash:x}).");
    }

    /// <summary>Applies the next entry, whole.</summary>
    /// <exception cref="SnapshotDamagedException">It raises the group to a level that this program does not know (S5).</exception>
    public void Apply(in Entry entry)
    {
        if (EntryStamp.LevelRaisedBy(entry) is var level && level > featureLevelKnown) throw new SnapshotDamagedException(TooNew(default, level));
        while (!state.Apply(entry, NodeId.None, isExecuted: false).IsDone)
        {
            // The machine yields for the sake of a loop that is not there.
        }
    }

    /// <summary>Writes the state as a snapshot, whole and durable.</summary>
    /// <param name="store">Where.</param>
    /// <param name="group">The group.</param>
    /// <param name="configuration">The configuration in force at <see cref="Applied"/>.</param>
    public SnapshotManifest WriteSnapshot(SnapshotStore store, GroupId group, Configuration configuration)
    {
        using var view = state.Machine.CaptureSnapshot();
        using var writer = store.Begin(group, Applied, configuration, FeatureLevel);
        foreach (var piece in StateSection.Cut(state)) writer.AppendChunk(piece);
        var chunk = new Wire.ByteBuffer();
        WriteFiles(view, store.FilesOf(group), chunk);
        for (var goesOn = true; goesOn;)
        {
            chunk.Clear();
            goesOn = view.WriteNext(chunk);
            if (chunk.Length > 0) writer.AppendChunk(chunk.Written);
        }

        foreach (var file in view.Files) writer.AddFile(file);
        return writer.Commit(StateHash);
    }

    private static void WriteFiles(ISnapshotView view, StateFiles files, Wire.ByteBuffer piece)
    {
        StateFileWriter? writer = null;
        for (var step = FileStep.GoesOn; step != FileStep.NoMore;)
        {
            piece.Clear();
            step = view.WriteFile(piece);
            if (piece.Length > 0) (writer ??= files.Begin()).Append(piece.Written);
            if (step != FileStep.Ends) continue;
            view.OnFileSealed(writer!.Seal());
            writer.Dispose();
            writer = null;
        }
    }

    private string TooNew(GroupId group, uint level) => $"Group {group} is at feature level {level}, and this program knows {featureLevelKnown}: use the program that wrote it, or a newer one.";
}
