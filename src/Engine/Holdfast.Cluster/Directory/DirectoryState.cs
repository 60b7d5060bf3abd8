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

    private static readonly Mark UnknownCommand = new("cluster: directory command of an unknown version refused");

    private volatile DirectoryView view = DirectoryView.Empty;
    private ulong hash;

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
            view = after with { Revision = before.Revision + 1 };
            Changed?.Invoke(view);
        }

        return ApplyResult.Done(reply);
    }

    /// <inheritdoc/>
    public ISnapshotView CaptureSnapshot() => new SnapshotOfView(view, hash);

    /// <inheritdoc/>
    public ISnapshotBuilder BeginRestore() => new Restoring(this);

    private static ulong Roll(ulong hash, ReadOnlySpan<byte> command)
    {
        // FNV-1a over the command, begun with the hash before: any difference in order or content stays visible.
        var rolled = hash ^ 14695981039346656037UL;
        foreach (var one in command) rolled = (rolled ^ one) * 1099511628211UL;
        return rolled ^ (rolled >> 32);
    }

    /// <summary>Encoded whole when first asked: the directory is small by its bounds (64 members, 4096 settings, 65536 groups).</summary>
    private sealed class SnapshotOfView(DirectoryView view, ulong hash) : ISnapshotView
    {
        private const int ChunkBytes = 256 * 1024;
        private readonly ByteBuffer encoded = new();
        private int written = -1;

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            if (written < 0)
            {
                var writer = new SpanWriter(encoded);
                writer.WriteByte(SnapshotVersion);
                writer.WriteUInt64(hash);
                DirectoryCodec.Write(writer, view);
                written = 0;
            }

            if (written == encoded.Length) return false;
            var next = Math.Min(ChunkBytes, encoded.Length - written);
            chunk.Write(encoded.Written.Slice(written, next));
            written += next;
            return true;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Restoring(DirectoryState owner) : ISnapshotBuilder
    {
        private readonly ByteBuffer received = new();

        public void ReadNext(ReadOnlySpan<byte> chunk) => received.Write(chunk);

        public void Complete()
        {
            var reader = new SpanReader(received.Written);
            var version = reader.ReadByte();
            Invariant.Holds(version == SnapshotVersion, "a snapshot of the directory is of a version that this binary does not know");
            var hash = reader.ReadUInt64();
            var restored = DirectoryCodec.ReadView(ref reader);
            Invariant.Holds(reader.IsWhole, "a snapshot of the directory ends too early");
            owner.hash = hash;
            owner.view = restored;
            owner.Changed?.Invoke(restored);
        }

        public void Dispose()
        {
        }
    }
}
