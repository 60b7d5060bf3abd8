using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// The state machine of group 0. Its state is one immutable <see cref="DirectoryView"/>, replaced by each command and published, so that a snapshot is a reference
/// and any thread may look up from memory. Executes at commit.
/// </summary>
public sealed class DirectoryState : IStateMachine
{
    internal const byte SnapshotVersion = 1;

    private static readonly Mark UnknownCommand = new("cluster: directory command of an unknown version refused", elsewhere: "DirectoryTests: simulated nodes run one program");

    private volatile DirectoryView view = DirectoryView.Empty;
    private ulong hash;

    /// <summary>The mistake that is planted.</summary>
    internal PlantedProcedureBug Bug { get; init; }

    /// <summary>The directory after the last applied entry; for all threads.</summary>
    public DirectoryView View => view;

    /// <summary>Raised after a change, on the group's loop: do little there.</summary>
    public event Action<DirectoryView>? Changed;

    /// <inheritdoc/>
    public ulong StateHash => hash;

    /// <inheritdoc/>
    public ApplyResult Apply(in CommittedEntry entry)
    {
        var reader = new SpanReader(entry.Command);
        var version = reader.ReadByte();
        var kind = (DirectoryCommandKind)reader.ReadByte();
        if (version != DirectoryCommand.Version)
        {
            UnknownCommand.Hit();
            return ApplyResult.Done(DirectoryReply.No("the command is of a version that this binary does not know"));
        }

        var before = view;
        var reply = DirectoryRules.Execute(before, kind, ref reader, entry.TimeMicros, entry.FeatureLevel, out var after);
        if (!ReferenceEquals(before, after))
        {
            hash = Roll(hash, entry.Command);
            if (Bug == PlantedProcedureBug.GroupIdGivenAgain && kind == DirectoryCommandKind.DeleteGroup) after = after with { NextGroup = 1 + (after.Groups.Count > 0 ? after.Groups.Keys.Max().Value : GroupId.Coordination.Value) };
            view = after with { Revision = before.Revision + 1 };
            Changed?.Invoke(view);
        }

        return ApplyResult.Done(reply);
    }

    /// <inheritdoc/>
    public ISnapshotView CaptureSnapshot() => new SnapshotOfView(Bug == PlantedProcedureBug.TombstonesLeftOutOfSnapshot ? view with { Tombstones = [] } : view, hash);

    /// <inheritdoc/>
    public ISnapshotBuilder BeginRestore() => new Restoring(this);

    private static ulong Roll(ulong hash, ReadOnlySpan<byte> command)
    {
        // FNV-1a over the command, begun with the hash before: any difference in order or content stays visible.
        var rolled = hash ^ 14695981039346656037UL;
        foreach (var one in command) rolled = (rolled ^ one) * 1099511628211UL;
        return rolled ^ (rolled >> 32);
    }

    /// <summary>Encoded record by record as it is asked for: with 65,536 groups it is four megabytes, which in one step would hold the loop for tens of milliseconds.</summary>
    private sealed class SnapshotOfView : ISnapshotView
    {
        /// <summary>Bytes that are encoded in one step, about; a record that is larger than a chunk is cut.</summary>
        private const int SliceBytes = 64 * 1024;
        private const int ChunkBytes = 256 * 1024;

        private readonly ByteBuffer encoded = new(SliceBytes + 4096);
        private readonly IEnumerator<int> steps;
        private bool isEncoded;

        public SnapshotOfView(DirectoryView view, ulong hash)
        {
            var writer = new SpanWriter(encoded);
            writer.WriteByte(SnapshotVersion);
            writer.WriteUInt64(hash);
            steps = DirectoryCodec.WriteInSteps(encoded, view).GetEnumerator();
        }

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            while (!isEncoded && encoded.Length < SliceBytes) isEncoded = !steps.MoveNext();
            var next = Math.Min(ChunkBytes, encoded.Length);
            chunk.Write(encoded.Written[..next]);
            encoded.DropFirst(next);
            return !isEncoded || encoded.Length > 0;
        }

        public void Dispose() => steps.Dispose();
    }

    /// <summary>Read record by record as the chunks come in, so that nothing is left for the moment in which the states change places.</summary>
    private sealed class Restoring(DirectoryState owner) : ISnapshotBuilder
    {
        private const int PreambleBytes = 9;

        private readonly DirectoryReading reading = new();
        private readonly ByteBuffer preamble = new(PreambleBytes);
        private ulong hash;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            if (preamble.Length < PreambleBytes)
            {
                var part = chunk[..Math.Min(PreambleBytes - preamble.Length, chunk.Length)];
                preamble.Write(part);
                chunk = chunk[part.Length..];
                if (preamble.Length == PreambleBytes) ReadPreamble();
            }

            reading.Take(chunk);
        }

        public void Complete()
        {
            Invariant.Holds(reading.IsWhole, "a snapshot of the directory ends too early");
            owner.hash = hash;
            owner.view = reading.ToView();
            owner.Changed?.Invoke(owner.view);
        }

        public void Dispose()
        {
        }

        private void ReadPreamble()
        {
            var reader = new SpanReader(preamble.Written);
            Invariant.Holds(reader.ReadByte() == SnapshotVersion, "a snapshot of the directory is of a version that this binary does not know");
            hash = reader.ReadUInt64();
        }
    }
}
