using System.Buffers.Binary;
using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

public sealed class SnapshotStoreTests
{
    private static readonly ClusterId Cluster = new(77);
    private static readonly GroupId Group = LogFixture.A;
    private static readonly LogPosition At = new(new Term(3), new LogIndex(100));

    private readonly MemoryDisk disk = new();

    private SnapshotStore Store => new(disk, Cluster);

    [Fact]
    public void Committed_snapshot_is_there_after_power_loss_S10()
    {
        Write(At, 5);
        disk.LosePower();
        Assert.Equal(At, Store.Latest(Group)!.Position);
        using var reader = Store.Open(Group, At)!;
        Assert.Equal(4711u, reader.Manifest.StateHash);
        Assert.Equal(2u, reader.Manifest.FeatureLevel);
        Assert.Equal(LogFixture.Three, reader.Manifest.Configuration);
        var buffer = new byte[10_000];
        for (var i = 0; i < 5; i++) Assert.Equal(Chunk(i), buffer[..reader.ReadChunk(i, buffer)]);
    }

    /// <summary>From the root down every folder's name is durable before the snapshot counts: the log is compacted on the strength of it (S10).</summary>
    [Fact]
    public void A_power_loss_takes_no_folder_above_a_snapshot_written_or_fetched_S10()
    {
        Write(At, 1);
        disk.LosePower();
        Assert.Equal(At, Store.Latest(Group)?.Position);

        var elsewhere = new MemoryDisk();
        using (var source = Store.Open(Group, At)!)
        using (var incoming = new SnapshotStore(elsewhere, Cluster).BeginIncoming(Group, source.ManifestBytes.Span)!)
        {
            Assert.True(incoming.AcceptChunk(0, Chunk(0)));
            incoming.Commit();
        }

        elsewhere.LosePower();
        Assert.Equal(At, new SnapshotStore(elsewhere, Cluster).Latest(Group)?.Position);
    }

    [Fact]
    public void Unfinished_snapshot_does_not_exist()
    {
        using (var writer = Store.Begin(Group, At, LogFixture.Three, 2)) writer.AppendChunk(Chunk(0));
        Assert.Null(Store.Latest(Group));
        Assert.Null(Store.Open(Group, At));
    }

    /// <summary>A newer program's snapshot is whole: it is refused by its version, and never taken for damaged.</summary>
    [Fact]
    public void A_snapshot_of_a_newer_version_is_told_from_a_damaged_one()
    {
        Write(At, 1);
        Store.RefuseNewer(Group, At);
        Store.RefuseNewer(Group, default); // There is none.
        var path = disk.Paths.Single(name => name.EndsWith("/manifest", StringComparison.Ordinal));
        var bytes = disk.Content(path).ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, 3);
        Overwrite(path, bytes);
        Store.RefuseNewer(Group, At); // Its checksum does not hold: rot, which other replicas mend.
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(bytes.Length - 4), Crc32C.Of(bytes.AsSpan(0, bytes.Length - 4)));
        Overwrite(path, bytes);
        Assert.Null(Store.Open(Group, At));
        var refusal = Assert.Throws<DataDirectoryException>(() => Store.RefuseNewer(Group, At)).Message;
        Assert.Contains("newer Holdfast (format 3; this program knows 2)", refusal, StringComparison.Ordinal);
        Assert.Contains("Start the newer program", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Rotten_chunk_is_refused()
    {
        Write(At, 3);
        disk.Rot("snapshots/5/3-100/chunks", 1500);
        using var reader = Store.Open(Group, At)!;
        var buffer = new byte[10_000];
        Assert.Throws<SnapshotDamagedException>(() => reader.ReadChunk(1, buffer));
    }

    [Fact]
    public void Rotten_manifest_leaves_the_snapshot_before()
    {
        var later = At with { Index = new LogIndex(200) };
        Write(At, 1);
        Write(later, 1);
        disk.Rot("snapshots/5/3-200/manifest", 20);
        Assert.Equal(At, Store.Latest(Group)!.Position);
        Assert.Null(Store.Open(Group, later));
    }

    [Fact]
    public void Fetch_resumes_after_restart_with_the_chunks_that_are_whole()
    {
        Write(At, 6);
        using var source = Store.Open(Group, At)!;
        var target = new MemoryDisk();
        using (var first = new SnapshotStore(target, Cluster).BeginIncoming(Group, source.ManifestBytes.Span)!)
        {
            Assert.Equal(6, first.MissingCount);
            Assert.False(first.AcceptChunk(0, Chunk(1)));
            Assert.False(first.AcceptChunk(6, Chunk(1)));
            Assert.True(first.AcceptChunk(0, Chunk(0)));
            Assert.True(first.AcceptChunk(4, Chunk(4)));
            Assert.Equal(1, first.FirstMissing);
        }

        using var second = new SnapshotStore(target, Cluster).BeginIncoming(Group, source.ManifestBytes.Span)!;
        Assert.Equal(4, second.MissingCount);
        Assert.True(second.Has(4));
        for (var i = 0; i < 6; i++) Assert.True(second.AcceptChunk(i, Chunk(i)));
        second.Commit();
        target.LosePower();
        Assert.Equal(At, new SnapshotStore(target, Cluster).Latest(Group)!.Position);
    }

    [Fact]
    public void Fetching_what_is_already_whole_keeps_it()
    {
        Write(At, 2);
        using var source = Store.Open(Group, At)!;
        using var again = Store.BeginIncoming(Group, source.ManifestBytes.Span)!;
        Assert.Equal(0, again.MissingCount);
        again.Commit();
        Assert.Equal(At, Store.Latest(Group)!.Position);
    }

    [Fact]
    public void Manifest_of_another_group_or_cluster_or_with_flipped_bits_is_refused()
    {
        Write(At, 2);
        using var source = Store.Open(Group, At)!;
        Assert.Null(Store.BeginIncoming(LogFixture.B, source.ManifestBytes.Span));
        Assert.Null(new SnapshotStore(disk, new ClusterId(1)).BeginIncoming(Group, source.ManifestBytes.Span));
        for (var i = 0; i < source.ManifestBytes.Length; i++)
        {
            var bytes = source.ManifestBytes.ToArray();
            bytes[i] ^= 4;
            Assert.Null(SnapshotManifest.TryDecode(bytes));
            Assert.Null(SnapshotManifest.TryDecode(bytes.AsSpan(0, i)));
        }
    }

    [Fact]
    public void Prune_keeps_the_named_snapshot_and_later_ones()
    {
        var later = At with { Index = new LogIndex(200) };
        Write(At, 1);
        Write(later, 1);
        Store.Prune(Group, later);
        Assert.Null(Store.Open(Group, At));
        Assert.NotNull(Store.Open(Group, later));
        Store.DeleteGroup(Group);
        Assert.Null(Store.Latest(Group));
    }

    private static byte[] Chunk(int number)
    {
        var bytes = new byte[1000 + number];
        new SeededRandom((ulong)number).Fill(bytes);
        return bytes;
    }

    private void Overwrite(string path, byte[] bytes)
    {
        using var file = disk.Open(path);
        file.Write(0, bytes);
    }

    private void Write(LogPosition position, int chunks)
    {
        using var writer = Store.Begin(Group, position, LogFixture.Three, 2);
        for (var i = 0; i < chunks; i++) writer.AppendChunk(Chunk(i));
        writer.Commit(4711);
    }
}
