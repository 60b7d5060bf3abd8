using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Simulation.Cluster;

/// <summary>The ledger whose snapshots are names of files: each register's content is an immutable file by hash, which successive snapshots share (S10).</summary>
internal sealed class FilingLedger(ClusterProcess process, GroupId group, LedgerCheck check, StateFiles files) : LedgerMachine(process, group, check)
{
    private const int FileBytes = 9;

    /// <summary>Writes its files while it is captured: the simulator's disk takes no time. A disk that refuses ends the process.</summary>
    public override ISnapshotView CaptureSnapshot()
    {
        try
        {
            return new View(files, [.. Registers.Select(register => Seal(register.Key, register.Value))], StateHash);
        }
        catch (IOException)
        {
            throw new ProcessDiedException(losesPower: false);
        }
    }

    public override ISnapshotBuilder BeginRestore() => new Builder(this, files);

    private FileHash Seal(byte key, ulong value)
    {
        Span<byte> content = stackalloc byte[FileBytes];
        content[0] = key;
        BinaryPrimitives.WriteUInt64LittleEndian(content[1..], value);
        using var writer = files.Begin();
        writer.Append(content);
        return writer.Seal();
    }

    /// <summary>Holds its files, once each since they were sealed, until it is disposed.</summary>
    private sealed class View(StateFiles store, IReadOnlyList<FileHash> files, ulong hash) : ISnapshotView
    {
        public IReadOnlyList<FileHash> Files => files;

        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(chunk.GetSpan(8), hash);
            chunk.Advance(8);
            foreach (var file in files)
            {
                file.CopyTo(chunk.GetSpan(FileHash.Size));
                chunk.Advance(FileHash.Size);
            }

            return false;
        }

        public void Dispose()
        {
            foreach (var file in files) store.Release(file);
        }
    }

    private sealed class Builder(FilingLedger owner, StateFiles store) : ISnapshotBuilder
    {
        private readonly SortedDictionary<byte, ulong> registers = [];
        private ulong hash;

        public void ReadNext(ReadOnlySpan<byte> chunk)
        {
            hash = BinaryPrimitives.ReadUInt64LittleEndian(chunk);
            Span<byte> content = stackalloc byte[FileBytes];
            for (var names = chunk[8..]; names.Length > 0; names = names[FileHash.Size..])
            {
                var named = new FileHash(names[..FileHash.Size]);
                using var file = store.Open(named);
                // It was whole when the snapshot's own check read it: what has rotted since ends the process, and the next one's check finds it.
                if (file.Read(0, content) != FileBytes || new FileHash(SHA256.HashData(content)) != named) throw new ProcessDiedException(losesPower: false);
                registers[content[0]] = BinaryPrimitives.ReadUInt64LittleEndian(content[1..]);
            }
        }

        public void Complete() => owner.Replace(registers, hash);

        public void Dispose()
        {
        }
    }
}
