using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Wire;

namespace Holdfast.Vectors.Endpoints.Snapshots;

/// <summary>A snapshot that lies on this node.</summary>
/// <param name="Name">Its file's name.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Created">When it was complete, UTC.</param>
/// <param name="Checksum">SHA-256 of the file, in hexadecimal.</param>
internal sealed record SnapshotShown(string Name, long Size, DateTime Created, string Checksum);

/// <summary>
/// Snapshots of Qdrant's API, in a format of our own: a file on the node that was asked, which any cluster of Holdfast takes in. It holds the configuration, payload indexes and every point that a strong read saw;
/// points that are written meanwhile may or may not be in it. Taking one in writes through the log like any client, so that replicas stay identical.
/// </summary>
internal sealed class SnapshotDesk(string directory, VectorFace face)
{
    /// <summary>Begins every file: a name and the format's version.</summary>
    private const string Mark = "holdfast-vectors-1\n";

    private const int PointsPerPage = 256;
    private const int BlockBytesMax = 64 * 1024 * 1024;

    private enum Part : byte
    {
        Collection = 1,
        Index = 2,
        Points = 3,
        End = 4,
    }

    /// <summary>Takes a snapshot of one collection, of one of its shards, or of all collections.</summary>
    /// <param name="collections">What is taken.</param>
    /// <param name="shard">Only this shard; null for all.</param>
    /// <param name="folder">Where it is kept: the collection's name, with its shard's number, or empty.</param>
    /// <param name="cancel">Ends it; nothing is left behind.</param>
    public async Task<SnapshotShown> CreateAsync(IReadOnlyList<CollectionRecord> collections, int? shard, string folder, CancellationToken cancel)
    {
        var kept = Folder(folder);
        System.IO.Directory.CreateDirectory(kept);
        var name = $"{(folder.Length == 0 ? "full-snapshot" : Path.GetFileName(folder))}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}-{DateTime.UtcNow.ToString("yyyy-MM-dd-HH-mm-ss", CultureInfo.InvariantCulture)}.snapshot";
        var (final, partial) = (Path.Combine(kept, name), Path.Combine(kept, name + ".partial"));
        try
        {
            await using (var file = new FileStream(partial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16, useAsync: true))
            {
                await file.WriteAsync(Encoding.ASCII.GetBytes(Mark), cancel).ConfigureAwait(false);
                await using (var packed = new BrotliStream(file, CompressionLevel.Fastest, leaveOpen: true))
                {
                    foreach (var collection in collections) await WriteAsync(packed, collection, shard, cancel).ConfigureAwait(false);
                    await WriteBlockAsync(packed, Part.End, default, cancel).ConfigureAwait(false);
                }

                file.Flush(flushToDisk: true);
            }

            File.Move(partial, final);
            return await ShowAsync(final, isNew: true, cancel).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Those that lie in a folder, oldest first.</summary>
    public async Task<List<SnapshotShown>> ListAsync(string folder, CancellationToken cancel)
    {
        var shown = new List<SnapshotShown>();
        if (!System.IO.Directory.Exists(Folder(folder))) return shown;
        foreach (var file in System.IO.Directory.GetFiles(Folder(folder), "*.snapshot")) shown.Add(await ShowAsync(file, isNew: false, cancel).ConfigureAwait(false));
        shown.Sort((one, other) => one.Created.CompareTo(other.Created));
        return shown;
    }

    /// <summary>Deletes one.</summary>
    public void Delete(string folder, string name)
    {
        var file = Find(folder, name);
        File.Delete(file);
        File.Delete(file + ".sha256");
    }

    /// <summary>Opens one for reading, with its length.</summary>
    public FileStream Open(string folder, string name) => Opened(Find(folder, name));

    /// <summary>Opens one by a path on this node, which must lie among the snapshots; or the one in the folder that has its name, when there is none at the path: whoever took it elsewhere knows no more of where it lies.</summary>
    public FileStream OpenPath(string folder, string path)
    {
        var full = Path.GetFullPath(path);
        if (full.StartsWith(Path.GetFullPath(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal) && File.Exists(full)) return Opened(full);
        if (File.Exists(Path.Combine(Folder(folder), Path.GetFileName(full)))) return Open(folder, Path.GetFileName(full));
        throw VectorFault.BadRequest(File.Exists(full) ? "Snapshot file path must be inside the snapshots directory" : $"Snapshot file \"{path}\" does not exist");
    }

    private static FileStream Opened(string file) => new(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16, useAsync: true);

    /// <summary>Where an uploaded snapshot is kept.</summary>
    public string NewFile(string folder, string name)
    {
        System.IO.Directory.CreateDirectory(Folder(folder));
        return Path.Combine(Folder(folder), Safe(name));
    }

    /// <summary>
    /// Takes a snapshot in: a collection that is not there is made as it was; one that is there must have the same vectors, and becomes what the snapshot says, points that it does not have going away.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="into">The collection that it becomes; null for those it names.</param>
    /// <param name="shard">Of one shard: points of others are left out, and others' points stay.</param>
    /// <param name="checksum">What its SHA-256 must be; null when nobody said.</param>
    /// <param name="cancel">Ends it; what was taken in by then stays.</param>
    public async Task RecoverAsync(Stream source, string? into, int? shard, string? checksum, CancellationToken cancel)
    {
        if (checksum is not null)
        {
            var sum = Convert.ToHexStringLower(await SHA256.HashDataAsync(source, cancel).ConfigureAwait(false));
            if (!string.Equals(sum, checksum, StringComparison.OrdinalIgnoreCase)) throw VectorFault.BadInput($"Snapshot checksum mismatch: expected {checksum}, got {sum}");
            source.Position = 0;
        }

        var mark = new byte[Mark.Length];
        if (await source.ReadAtLeastAsync(mark, mark.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false) < mark.Length || Encoding.ASCII.GetString(mark) != Mark)
            throw VectorFault.BadInput("the file is no snapshot of Holdfast's: Qdrant's own format is not read");
        await using var packed = new BrotliStream(source, CompressionMode.Decompress, leaveOpen: true);
        CollectionRecord? collection = null;
        ShardLayout? recorded = null;
        var kept = new HashSet<PointId>();
        try
        {
            while (true)
            {
                var (part, block) = await ReadBlockAsync(packed, cancel).ConfigureAwait(false);
                switch (part)
                {
                    case Part.Collection:
                        await FinishAsync(collection, shard, kept, cancel).ConfigureAwait(false);
                        kept.Clear();
                        (collection, recorded) = await PrepareAsync(block, into, cancel).ConfigureAwait(false);
                        break;
                    case Part.Index when collection is not null:
                        await face.IndexAsync(collection, IndexOf(block), cancel).ConfigureAwait(false);
                        break;
                    case Part.Points when collection is not null:
                        await TakeAsync(collection, recorded!, shard, block, kept, cancel).ConfigureAwait(false);
                        break;
                    case Part.End:
                        await FinishAsync(collection, shard, kept, cancel).ConfigureAwait(false);
                        return;
                    default:
                        throw VectorFault.BadInput("the snapshot is damaged");
                }
            }
        }
        catch (Exception damaged) when (damaged is InvalidDataException or EndOfStreamException)
        {
            throw VectorFault.BadInput("the snapshot is damaged: it ends too soon, or its blocks make no sense");
        }
    }

    private async Task WriteAsync(Stream target, CollectionRecord collection, int? shard, CancellationToken cancel)
    {
        var scope = ReadScope.Strong(cancel);
        var head = new ByteBuffer();
        new SpanWriter(head).WriteText(collection.Name);
        new SpanWriter(head).WriteText(CollectionText.Write(collection));
        await WriteBlockAsync(target, Part.Collection, head.WrittenMemory, cancel).ConfigureAwait(false);
        var facts = await face.FactsAsync(collection, scope).ConfigureAwait(false);
        foreach (var (key, schema) in facts.Count > 0 ? facts[0].Answer.Facts?.Indexes ?? [] : [])
        {
            var index = new ByteBuffer();
            new SpanWriter(index).WriteText(key);
            new SpanWriter(index).WriteText(schema);
            await WriteBlockAsync(target, Part.Index, index.WrittenMemory, cancel).ConfigureAwait(false);
        }

        foreach (var number in collection.Layout.Numbers)
        {
            if (shard is not null && shard != number) continue;
            var here = await face.Collections.ShardAsync(collection, number, cancel).ConfigureAwait(false);
            for (PointId? from = null; ;)
            {
                var page = await here.AskAsync(new PageQuestion(from, PointsPerPage) { Wanted = ContentWanted.Everything, Part = collection.Layout.PartOf(number) }, Vectors.Routing.ReadDemand.Strong, cancel).ConfigureAwait(false);
                var block = new ByteBuffer(64 * 1024);
                var writer = new SpanWriter(block);
                writer.WriteUInt32((uint)number);
                writer.WriteUInt32((uint)page.Points.Count);
                foreach (var point in page.Points) ShardCommand.WritePoint(writer, point.Id, point.Payload, point.Vectors, collection.Config.ColumnOf);
                if (page.Points.Count > 0) await WriteBlockAsync(target, Part.Points, block.WrittenMemory, cancel).ConfigureAwait(false);
                if (page.Next is null) break;
                from = page.Next;
            }
        }
    }

    private async Task<(CollectionRecord Collection, ShardLayout Recorded)> PrepareAsync(byte[] block, string? into, CancellationToken cancel)
    {
        var (named, text) = TextsOf(block);
        var name = into ?? named;
        var recorded = CollectionText.Read(name, text);
        var known = await face.Collections.FindAsync(name, cancel).ConfigureAwait(false);
        if (known is null)
        {
            await face.Collections.CreateAsync(name, recorded.Config, cancel).ConfigureAwait(false);
            known = await face.RequireAsync(name, cancel).ConfigureAwait(false);
        }

        foreach (var key in recorded.Layout.Keys)
        {
            if (known.Layout.Has([key.Key])) continue;
            await face.Collections.UpdateAsync(known, known.Config, known.Layout.With(key.Key, key.Shards.Count), cancel).ConfigureAwait(false);
            known = await face.RequireAsync(name, cancel).ConfigureAwait(false);
        }

        var isSame = known.Config.Columns.Count == recorded.Config.Columns.Count && known.Config.Columns.Zip(recorded.Config.Columns, (one, other) => one.Name == other.Name && one.Size == other.Size && one.Distance == other.Distance).All(same => same);
        return isSame ? (known, recorded.Layout) : throw VectorFault.BadInput($"Snapshot is not compatible with existing collection: Collection {name} has other vectors");
    }

    private async Task TakeAsync(CollectionRecord collection, ShardLayout recorded, int? shard, byte[] block, HashSet<PointId> kept, CancellationToken cancel)
    {
        var (number, points) = PointsOf(block, collection);
        if (shard is not null && shard != number) return;
        var key = recorded.KeyOf(number);
        await face.UpsertAsync(collection, points, key is null ? null : [key], cancel).ConfigureAwait(false);
        foreach (var point in points) kept.Add(point.Id);
    }

    /// <summary>What the snapshot does not have goes.</summary>
    private async Task FinishAsync(CollectionRecord? collection, int? shard, HashSet<PointId> kept, CancellationToken cancel)
    {
        if (collection is null) return;
        foreach (var number in collection.Layout.Numbers)
        {
            if (shard is not null && shard != number) continue;
            var here = await face.Collections.ShardAsync(collection, number, cancel).ConfigureAwait(false);
            var names = await here.AskAsync(new NamesQuestion { Part = collection.Layout.PartOf(number) }, Vectors.Routing.ReadDemand.Strong, cancel).ConfigureAwait(false);
            foreach (var gone in names.Points.Select(point => point.Id).Where(id => !kept.Contains(id)).Chunk(CollectionLimits.PointsPerCommandMax)) await here.ProposeAsync(ShardCommand.Delete(gone), cancel).ConfigureAwait(false);
        }
    }

    private static byte[] IndexOf(byte[] block) => TextsOf(block) is var (key, schema) ? ShardCommand.CreateIndex(key, schema) : [];

    private static (string One, string Other) TextsOf(byte[] block)
    {
        var reader = new SpanReader(block);
        return (reader.ReadText(), reader.ReadText());
    }

    private static (int Shard, List<PointWrite> Points) PointsOf(byte[] block, CollectionRecord collection)
    {
        var reader = new SpanReader(block);
        var number = (int)reader.ReadUInt32();
        var points = new List<PointWrite>();
        for (var left = reader.ReadUInt32(); left > 0 && reader.IsWhole; left--) points.Add(ShardCommand.ReadPoint(ref reader, collection.Config.Columns));
        return reader.IsWhole ? (number, points) : throw new InvalidDataException();
    }

    /// <summary>A part, its length, its bytes, and the CRC of them.</summary>
    private static async Task WriteBlockAsync(Stream target, Part part, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var head = new byte[9];
        head[0] = (byte)part;
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(1), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(5), Sum(bytes.Span));
        await target.WriteAsync(head, cancel).ConfigureAwait(false);
        await target.WriteAsync(bytes, cancel).ConfigureAwait(false);
    }

    private static async Task<(Part Part, byte[] Bytes)> ReadBlockAsync(Stream source, CancellationToken cancel)
    {
        var head = new byte[9];
        await source.ReadExactlyAsync(head, cancel).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(1));
        if (length is < 0 or > BlockBytesMax) throw new InvalidDataException();
        var bytes = new byte[length];
        await source.ReadExactlyAsync(bytes, cancel).ConfigureAwait(false);
        return Sum(bytes) == BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(5)) ? ((Part)head[0], bytes) : throw new InvalidDataException();
    }

    private static uint Sum(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(bytes));

    /// <summary>The checksum is kept beside the file, so that listing reads no gigabytes.</summary>
    private static async Task<SnapshotShown> ShowAsync(string file, bool isNew, CancellationToken cancel)
    {
        var beside = file + ".sha256";
        if (isNew || !File.Exists(beside))
        {
            await using var content = File.OpenRead(file);
            await File.WriteAllTextAsync(beside, Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel).ConfigureAwait(false)), cancel).ConfigureAwait(false);
        }

        var about = new FileInfo(file);
        return new SnapshotShown(about.Name, about.Length, about.LastWriteTimeUtc, (await File.ReadAllTextAsync(beside, cancel).ConfigureAwait(false)).Trim());
    }

    private string Folder(string folder) => folder.Length == 0 ? Path.Combine(directory, "full") : Path.Combine(directory, "collections", string.Join(Path.DirectorySeparatorChar, folder.Split('/').Select(Safe)));

    private string Find(string folder, string name)
    {
        var file = Path.Combine(Folder(folder), Safe(name));
        return File.Exists(file) ? file : throw VectorFault.NotFound($"Snapshot {name} not found");
    }

    /// <summary>A name that leads nowhere else.</summary>
    private static string Safe(string name) => name.Length is > 0 and <= 255 && name is not ("." or "..") && name.AsSpan().IndexOfAny("/\\\0") < 0 ? name : throw VectorFault.NotFound($"Snapshot {name} not found");
}
