using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

/// <summary>Snapshots that consist of files by hash (S10): shared, fetched only where absent, gone when nothing names them.</summary>
public sealed class StateFilesTests
{
    private static readonly ClusterId Cluster = new(77);
    private static readonly GroupId Group = LogFixture.A;

    private readonly MemoryDisk disk = new();
    private readonly SnapshotStore store;

    public StateFilesTests() => store = new SnapshotStore(disk, Cluster);

    private StateFiles Files => store.FilesOf(Group);

    [Fact]
    public void A_sealed_file_is_there_after_power_loss_under_the_hash_of_its_content()
    {
        var hash = Seal(1, 700_000);
        disk.LosePower();
        Assert.True(Files.Has(hash));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Content(1, 700_000))), hash.ToString());
        using var file = Files.Open(hash);
        var read = new byte[700_000];
        Assert.Equal(read.Length, file.Read(0, read));
        Assert.Equal(Content(1, 700_000), read);
        Assert.Equal(hash, Seal(1, 700_000));
    }

    [Fact]
    public void Successive_snapshots_share_files_and_what_nothing_names_goes()
    {
        var (kept, dropped, added) = (Seal(1, 300_000), Seal(2, 1000), Seal(3, 1000));
        Write(100, kept, dropped);
        Write(200, kept, added);
        foreach (var hash in new[] { kept, dropped, added }) Files.Release(hash);
        store.Prune(Group, At(100));
        Assert.True(Files.Has(dropped));
        store.Prune(Group, At(200));
        Assert.False(Files.Has(dropped));
        Assert.True(Files.Has(kept) && Files.Has(added));
        using var reader = store.Open(Group, At(200))!;
        Assert.Equal(1, reader.Manifest.OwnChunks);
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        var pieces = Enumerable.Range(1, 2).SelectMany(chunk => buffer[..reader.ReadChunk(chunk, buffer)]).ToArray();
        Assert.Equal(Content(1, 300_000), pieces);
        disk.LosePower();
        Assert.NotNull(store.Open(Group, At(200)));
    }

    [Fact]
    public void A_held_file_stays_although_no_snapshot_names_it()
    {
        var held = Seal(1, 1000);
        Write(100);
        store.Prune(Group, At(100));
        Assert.True(Files.Has(held));
        Files.Release(held);
        store.Prune(Group, At(100));
        Assert.False(Files.Has(held));
        Assert.Throws<InvariantBrokenException>(() => Files.Release(held));
    }

    [Fact]
    public void A_fetch_asks_only_for_absent_files_and_resumes_within_one()
    {
        var (shared, absent) = (Seal(1, 600_000), Seal(2, 600_000));
        Write(100, shared, absent);
        using var source = store.Open(Group, At(100))!;
        var target = new MemoryDisk();
        var other = new SnapshotStore(target, Cluster);
        using (var writer = other.FilesOf(Group).Begin())
        {
            writer.Append(Content(1, 600_000));
            Assert.Equal(shared, writer.Seal());
        }

        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        ReadOnlySpan<byte> Chunk(int chunk) => buffer.AsSpan(0, source.ReadChunk(chunk, buffer));
        using (var first = other.BeginIncoming(Group, source.ManifestBytes.Span)!)
        {
            Assert.Equal(4, first.MissingCount);
            Assert.True(first.AcceptChunk(0, Chunk(0)));
            Assert.True(first.AcceptChunk(5, Chunk(5)));
        }

        using var second = new SnapshotStore(target, Cluster).BeginIncoming(Group, source.ManifestBytes.Span)!;
        Assert.Equal(2, second.MissingCount);
        Assert.True(second.AcceptChunk(4, Chunk(4)));
        Assert.True(second.AcceptChunk(6, Chunk(6)));
        second.Commit();
        target.LosePower();
        var reborn = new SnapshotStore(target, Cluster);
        Assert.True(reborn.FilesOf(Group).Has(absent));
        Assert.NotNull(reborn.Open(Group, At(100)));
    }

    [Fact]
    public void A_file_that_is_here_and_rotten_is_fetched_again_and_takes_its_place()
    {
        var hash = Seal(1, 600_000);
        Write(100, hash);
        var target = new MemoryDisk();
        var other = new SnapshotStore(target, Cluster);
        using (var writer = other.FilesOf(Group).Begin())
        {
            writer.Append(Content(1, 600_000));
            writer.Seal();
        }

        using (var file = target.Open($"snapshots/{Group}/files/{hash}")) file.Write(300_000, [1, 2, 3, 4]);
        var buffer = new byte[SnapshotManifest.ChunkBytesMax];
        using var source = store.Open(Group, At(100))!;
        using (var incoming = other.BeginIncoming(Group, source.ManifestBytes.Span)!)
        {
            Assert.Equal(4, incoming.MissingCount); // Its own chunk, and all three pieces.
            for (var chunk = 0; chunk < 4; chunk++) Assert.True(incoming.AcceptChunk(chunk, buffer.AsSpan(0, source.ReadChunk(chunk, buffer))));
            incoming.Commit();
        }

        target.LosePower();
        using var mended = new SnapshotStore(target, Cluster).Open(Group, At(100))!;
        for (var chunk = 0; chunk < 4; chunk++) mended.ReadChunk(chunk, buffer);
    }

    /// <summary>Checksums of pieces come with the manifest; only the name says what the file must be.</summary>
    [Fact]
    public void A_file_that_is_not_what_its_name_says_is_refused()
    {
        Write(100, Seal(2, 1000));
        var bytes = store.Open(Group, At(100))!.ManifestBytes.ToArray();
        var honest = SnapshotManifest.TryDecode(bytes)!;
        var lying = new SnapshotManifest([.. honest.Chunks], new SnapshotFile(new FileHash(new byte[32]), 1, 1))
        {
            Cluster = honest.Cluster,
            Group = honest.Group,
            Position = honest.Position,
            Configuration = honest.Configuration,
            FeatureLevel = honest.FeatureLevel,
            StateHash = honest.StateHash,
        };
        var other = new SnapshotStore(new MemoryDisk(), Cluster);
        using var incoming = other.BeginIncoming(Group, lying.Encode())!;
        Assert.True(incoming.AcceptChunk(0, Own));
        Assert.True(incoming.AcceptChunk(1, Content(2, 1000)));
        Assert.Throws<SnapshotDamagedException>(incoming.Commit);
        Assert.Null(other.Latest(Group));
    }

    [Fact]
    public void A_snapshot_whose_file_is_missing_is_not_whole()
    {
        var hash = Seal(1, 1000);
        Write(100, hash);
        disk.Delete($"snapshots/{Group}/files/{hash}");
        Assert.Null(store.Open(Group, At(100)));
    }

    private static byte[] Own => [1, 2, 3];

    private static byte[] Content(int seed, int length)
    {
        var bytes = new byte[length];
        new SeededRandom((ulong)seed).Fill(bytes);
        return bytes;
    }

    private static LogPosition At(ulong index) => new(new Term(1), new LogIndex(index));

    private FileHash Seal(int seed, int length)
    {
        using var writer = Files.Begin();
        writer.Append(Content(seed, length).AsSpan(0, length / 3));
        writer.Append(Content(seed, length).AsSpan(length / 3));
        return writer.Seal();
    }

    private void Write(ulong index, params FileHash[] files)
    {
        using var writer = store.Begin(Group, At(index), LogFixture.Three, 1);
        writer.AppendChunk(Own);
        foreach (var file in files) writer.AddFile(file);
        writer.Commit(1);
    }
}
