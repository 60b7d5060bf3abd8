using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace LargeState;

/// <summary>
/// The state: numbered blocks. Three commands: fill (deterministic content for so many blocks, in slices), write (some bytes of one block), nothing else. A snapshot
/// begins in O(1): a view is an epoch, and a write to a block that a view has not passed yet saves the old block for it first. So each write costs at most one copy
/// of 64 KiB more per view, and a view walks at its own pace.
/// </summary>
internal sealed class Blocks : IStateMachine
{
    public const byte FillCommand = 1;
    public const byte WriteCommand = 2;

    private static readonly long Slice = Stopwatch.Frequency / 1000;

    private readonly List<View> views = [];
    private Block[] blocks = [];
    private int filled;

    public ulong StateHash { get; private set; }

    public int Count => blocks.Length;

    public static byte[] Fill(int count)
    {
        var command = new byte[5];
        command[0] = FillCommand;
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(1), count);
        return command;
    }

    public static byte[] Write(int block, int offset, ReadOnlySpan<byte> bytes)
    {
        var command = new byte[9 + bytes.Length];
        command[0] = WriteCommand;
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(1), block);
        BinaryPrimitives.WriteInt32LittleEndian(command.AsSpan(5), offset);
        bytes.CopyTo(command.AsSpan(9));
        return command;
    }

    public ApplyResult Apply(in CommittedEntry entry)
    {
        var argument = BinaryPrimitives.ReadInt32LittleEndian(entry.Command[1..]);
        if (entry.Command[0] == FillCommand && !FillOn(argument)) return ApplyResult.Yield;
        if (entry.Command[0] == WriteCommand && argument < blocks.Length)
        {
            foreach (var view in views) view.Save(argument, blocks[argument]);
            entry.Command[9..].CopyTo(blocks[argument].Span[BinaryPrimitives.ReadInt32LittleEndian(entry.Command[5..])..]);
        }

        StateHash = (StateHash * 31) + Crc32C.Of(entry.Command);
        return ApplyResult.Done();
    }

    public ISnapshotView CaptureSnapshot()
    {
        var view = new View(this);
        views.Add(view);
        return view;
    }

    public ISnapshotBuilder BeginRestore() => new Builder(this);

    /// <summary>Fills for about a millisecond; true when all is filled.</summary>
    private bool FillOn(int count)
    {
        if (blocks.Length != count) Array.Resize(ref blocks, count);
        for (var until = Stopwatch.GetTimestamp() + Slice; filled < count; filled++)
        {
            if (Stopwatch.GetTimestamp() > until) return false;
            blocks[filled] = Block.Allocate();
            var dice = new SeededRandom((ulong)filled);
            var span = blocks[filled].Span;
            for (var at = 0; at < span.Length; at += 8) BinaryPrimitives.WriteUInt64LittleEndian(span[at..], dice.NextUInt64());
        }

        return true;
    }

    private static void FreeLater(Block[] old) => Task.Run(() =>
    {
        foreach (var block in old)
            if (!block.IsNone) block.Free();
    });

    private sealed class View(Blocks owner) : ISnapshotView
    {
        private const int BlocksPerChunk = 4;

        private readonly Block[] blocks = owner.blocks; // Blocks are never moved or freed while a view lives; their content changes, and is saved first.
        private readonly Dictionary<int, Block> saved = [];
        private readonly ulong hash = owner.StateHash;
        private int next = -1;

        public void Save(int block, Block content)
        {
            if (block >= next && !saved.ContainsKey(block)) saved[block] = Block.CopyOf(content);
        }

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            if (next < 0)
            {
                BinaryPrimitives.WriteInt32LittleEndian(chunk.GetSpan(12), blocks.Length);
                BinaryPrimitives.WriteUInt64LittleEndian(chunk.GetSpan(12)[4..], hash);
                chunk.Advance(12);
                next = 0;
                return blocks.Length > 0;
            }

            for (var end = Math.Min(next + BlocksPerChunk, blocks.Length); next < end; next++)
            {
                if (saved.Remove(next, out var old))
                {
                    chunk.Write(old.Span);
                    old.Free();
                }
                else
                {
                    chunk.Write(blocks[next].Span);
                }
            }

            return next < blocks.Length;
        }

        public void Dispose()
        {
            foreach (var old in saved.Values) old.Free();
            saved.Clear();
            owner.views.Remove(this);
        }
    }

    private sealed class Builder(Blocks owner) : ISnapshotBuilder
    {
        private Block[] built = [];
        private ulong hash;
        private int next = -1;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            if (next < 0)
            {
                built = new Block[BinaryPrimitives.ReadInt32LittleEndian(chunk)];
                hash = BinaryPrimitives.ReadUInt64LittleEndian(chunk[4..]);
                next = 0;
                return;
            }

            for (; chunk.Length > 0; chunk = chunk[Block.Bytes..])
            {
                built[next] = Block.Allocate();
                chunk[..Block.Bytes].CopyTo(built[next++].Span);
            }
        }

        public void Complete()
        {
            // A view of the replaced state is still being walked, perhaps: then its blocks stay until the process ends.
            if (owner.views.Count == 0) FreeLater(owner.blocks);
            (owner.blocks, owner.filled, owner.StateHash, built) = (built, built.Length, hash, []);
        }

        public void Dispose() => FreeLater(built);
    }
}
