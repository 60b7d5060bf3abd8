using Holdfast.Cluster;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>Who carries which data group, and who lives on which loop: asks the faces in turn.</summary>
/// <param name="faces">The faces that this node carries.</param>
internal sealed class DataFaces(params IDataFace[] faces)
{
    /// <summary>What lives on a loop: the first face's that wants to; null for nothing.</summary>
    public ILoopPart? MakePart(EventLoop loop)
    {
        foreach (var face in faces)
            if (face.MakePart(loop) is { } part) return part;
        return null;
    }

    /// <summary>An empty state for a group that is placed here; null when no face of this program carries it.</summary>
    public IStateMachine? MakeMachine(GroupRecord group)
    {
        // Begun once more only to be deleted: whose it was is not recorded any more, and nobody looks at its state.
        if (group.Face.Length == 0) return new BuriedMachine();
        foreach (var face in faces)
            if (face.MakeMachine(group) is { } machine) return machine;
        return null;
    }

    private sealed class BuriedMachine : IStateMachine
    {
        public ulong StateHash => 0;

        public ApplyResult Apply(in CommittedEntry entry) => ApplyResult.Done();

        public ISnapshotView CaptureSnapshot() => new CopiedSnapshot(ReadOnlyMemory<byte>.Empty);

        public ISnapshotBuilder BeginRestore() => new Forgetting();
    }

    private sealed class Forgetting : ISnapshotBuilder
    {
        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
