using System.Security.Cryptography;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// Immutable files that belong to a group's state, named by the hash of their content: <c>snapshots/GROUP/files/HASH</c>. A snapshot names the files it consists
/// of and does not copy them, successive snapshots share them, and a replica that fetches a snapshot asks only for those that it has not.
/// <para>
/// A file stays while a snapshot names it or somebody holds it. Its writer holds it once; a machine holds what its live state reads, and a snapshot view what it
/// names until it is disposed. What nobody holds and no snapshot names goes when a newer snapshot has replaced the last that did. Holding is memory, not disk:
/// after a restart the machine holds again what it restores, before its builder completes.
/// </para>
/// Calls may come from any thread; all but <see cref="Hold"/> and <see cref="Release"/> block on the disk, and are not for a group's loop.
/// </summary>
public sealed class StateFiles
{
    private const string PartSuffix = ".part";
    private const string PiecesSuffix = ".pieces";

    private static readonly Mark Swept = new("storage: a state file that nothing names was deleted");
    private static readonly Mark SealedTwice = new("storage: a state file was written that was there already");

    private readonly IDisk disk;
    private readonly string folder;
    private readonly Lock names = new(); // Which files exist changes under it; taken before the other one.
    private readonly Lock gate = new();
    private readonly Dictionary<FileHash, int> holders = [];
    private int written;
    private bool isFolderDurable;

    internal StateFiles(IDisk disk, string folder) => (this.disk, this.folder) = (disk, folder);

    /// <summary>Begins a file whose name is not known before its content.</summary>
    public StateFileWriter Begin()
    {
        disk.CreateFolder(folder);
        return new StateFileWriter(this, disk, $"{folder}/new-{Interlocked.Increment(ref written)}{PartSuffix}");
    }

    /// <summary>Whether the file is here, whole.</summary>
    public bool Has(FileHash hash) => disk.Exists(PathOf(hash)) && disk.Exists(PiecesPathOf(hash));

    /// <summary>Opens a file for reading; its content never changes.</summary>
    /// <exception cref="SnapshotDamagedException">It is not here.</exception>
    public IDiskFile Open(FileHash hash) => Has(hash) ? disk.Open(PathOf(hash)) : throw new SnapshotDamagedException($"The state file {hash} in {folder} is missing; another replica has it.");

    /// <summary>Keeps a file while the state uses it. As often as <see cref="Release"/>.</summary>
    public void Hold(FileHash hash)
    {
        lock (gate) holders[hash] = holders.GetValueOrDefault(hash) + 1;
    }

    /// <summary>The state uses the file no more.</summary>
    public void Release(FileHash hash)
    {
        lock (gate)
        {
            Invariant.Holds(holders.TryGetValue(hash, out var count), "a state file was released that nobody held");
            if (count == 1) holders.Remove(hash);
            else holders[hash] = count - 1;
        }
    }

    /// <summary>Deletes a file that turned out to be damaged, unless somebody holds it: what is sealed under its name next is written, and not taken to be there.</summary>
    public void DropDamaged(FileHash hash)
    {
        lock (names)
        {
            if (IsHeld(hash)) return;
            disk.Delete(PathOf(hash));
            disk.Delete(PiecesPathOf(hash));
        }
    }

    internal SnapshotChunk[] PiecesOf(FileHash hash) =>
        FilePieces.Read(disk, PiecesPathOf(hash)) ?? throw new SnapshotDamagedException($"The state file {hash} in {folder} is missing or damaged; another replica has it.");

    internal IDiskFile OpenPart(FileHash hash)
    {
        disk.CreateFolder(folder);
        return disk.Open(PathOf(hash) + PartSuffix);
    }

    /// <summary>The part is whole: checks it against its name, makes it durable and lets it exist, in the place of a rotten one if there was one.</summary>
    internal void Publish(FileHash hash, IDiskFile part, ReadOnlySpan<SnapshotChunk> pieces)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[StateFileWriter.PieceBytes];
        long offset = 0;
        for (int count; (count = part.Read(offset, buffer)) > 0; offset += count) sha.AppendData(buffer.AsSpan(0, count));
        Span<byte> found = stackalloc byte[FileHash.Size];
        sha.GetHashAndReset(found);
        if (new FileHash(found) != hash)
        {
            disk.Delete(PathOf(hash) + PartSuffix);
            throw new SnapshotDamagedException($"What was fetched as the state file {hash} is another file.");
        }

        Seal(hash, part, PathOf(hash) + PartSuffix, pieces, holds: false);
    }

    /// <summary>Makes a file that is whole durable under its name: pieces, content, then the name.</summary>
    internal void Seal(FileHash hash, IDiskFile file, string path, ReadOnlySpan<SnapshotChunk> pieces, bool holds)
    {
        file.Sync();
        if (holds) Hold(hash);
        lock (names)
        {
            if (holds && Has(hash))
            {
                SealedTwice.Hit();
                disk.Delete(path);
                return;
            }

            FilePieces.Write(disk, PiecesPathOf(hash), pieces);
            disk.Rename(path, PathOf(hash));
            disk.SyncFolder(folder);
            MakeFolderDurable();
        }
    }

    /// <summary>Deletes what is neither held nor named.</summary>
    internal void Sweep(IReadOnlySet<FileHash> named)
    {
        lock (names)
        {
            foreach (var name in disk.List(folder))
            {
                // Files that are being written have names of their own; after a restart nobody is left to finish them, and their writer begins anew.
                if (!FileHash.TryParse(name.Split('.')[0], out var hash) || named.Contains(hash) || IsHeld(hash)) continue;
                Swept.Hit();
                disk.Delete($"{folder}/{name}");
            }
        }
    }

    /// <summary>The folder's own name, and those above it: a power loss would take the file with any of them. Once is enough.</summary>
    private void MakeFolderDurable()
    {
        if (isFolderDurable) return;
        for (var below = folder; below.Length > 0;)
        {
            below = Path.GetDirectoryName(below) ?? "";
            disk.SyncFolder(below);
        }

        isFolderDurable = true;
    }

    private bool IsHeld(FileHash hash)
    {
        lock (gate) return holders.ContainsKey(hash);
    }

    private string PathOf(FileHash hash) => $"{folder}/{hash}";

    private string PiecesPathOf(FileHash hash) => PathOf(hash) + PiecesSuffix;
}

/// <summary>A state file on its way to disk. Disposing it without <see cref="Seal"/> throws it away.</summary>
public sealed class StateFileWriter : IDisposable
{
    /// <summary>A file travels, and is checked, in pieces of this size.</summary>
    internal const int PieceBytes = 256 * 1024;

    private readonly StateFiles owner;
    private readonly IDisk disk;
    private readonly string path;
    private readonly IDiskFile file;
    private readonly IncrementalHash sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<SnapshotChunk> pieces = [];
    private readonly byte[] piece = new byte[PieceBytes];
    private long length;
    private int filled;
    private bool isSealed;

    internal StateFileWriter(StateFiles owner, IDisk disk, string path)
    {
        (this.owner, this.disk, this.path) = (owner, disk, path);
        disk.Delete(path);
        file = disk.Open(path);
    }

    /// <summary>Adds to the content.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = Math.Min(bytes.Length, PieceBytes - filled);
            bytes[..count].CopyTo(piece.AsSpan(filled));
            bytes = bytes[count..];
            filled += count;
            if (filled == PieceBytes) WritePiece();
        }
    }

    /// <summary>The content is whole: makes the file durable under the name that is returned, and holds it once.</summary>
    public FileHash Seal()
    {
        if (filled > 0) WritePiece();
        Invariant.Holds(length > 0, "a state file without content was sealed");
        Span<byte> bytes = stackalloc byte[FileHash.Size];
        sha.GetHashAndReset(bytes);
        var hash = new FileHash(bytes);
        owner.Seal(hash, file, path, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(pieces), holds: true);
        isSealed = true;
        return hash;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        file.Dispose();
        sha.Dispose();
        if (!isSealed) disk.Delete(path);
    }

    private void WritePiece()
    {
        var bytes = piece.AsSpan(0, filled);
        file.Write(length, bytes);
        sha.AppendData(bytes);
        pieces.Add(new SnapshotChunk(filled, Crc32C.Of(bytes)));
        // In small steps, so that the log's sync never waits behind a large one.
        if (length / SnapshotStore.SyncEveryBytes != (length + filled) / SnapshotStore.SyncEveryBytes) file.Sync();
        length += filled;
        filled = 0;
    }
}
