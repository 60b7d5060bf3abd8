using Holdfast.Primitives;

namespace Holdfast.Storage.Tests;

public sealed class RealDiskTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-storage-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Data_directory_keeps_its_identity_and_counts_its_starts()
    {
        var path = Path.Combine(folder, "data");
        NodeId node;
        using (var first = DataDirectory.Open(path, "n1"))
        {
            Assert.True(first.IsNew);
            Assert.Equal(1ul, first.BootCount);
            first.JoinCluster(new ClusterId(9));
            node = first.Node;
        }

        using var second = DataDirectory.Open(path, "n1");
        Assert.False(second.IsNew);
        Assert.Equal(2ul, second.BootCount);
        Assert.Equal(node, second.Node);
        Assert.Equal(new ClusterId(9), second.Cluster);
        Assert.Throws<DataDirectoryException>(() => second.JoinCluster(new ClusterId(10)));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Data_directory_in_use_names_its_owner()
    {
        var path = Path.Combine(folder, "data");
        using var owner = DataDirectory.Open(path, "n1");
        var refusal = Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(path, "n1"));
        Assert.Contains($"in use by process {Environment.ProcessId}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_directory_of_another_name_a_newer_version_or_damaged_is_refused()
    {
        var path = Path.Combine(folder, "data");
        DataDirectory.Open(path, "n1").Dispose();
        Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(path, "n2"));
        var identity = Path.Combine(path, "identity");
        var bytes = File.ReadAllBytes(identity);
        bytes[20] ^= 1;
        File.WriteAllBytes(identity, bytes);
        Assert.Contains("damaged", Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(path, "n1")).Message, StringComparison.Ordinal);
        bytes[0] = 2;
        File.WriteAllBytes(identity, bytes);
        Assert.Contains("newer", Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(path, "n1")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Log_without_identity_is_not_taken_for_a_new_node()
    {
        Directory.CreateDirectory(Path.Combine(folder, "wal"));
        File.WriteAllText(Path.Combine(folder, "wal", "0000000000000001.seg"), "");
        Assert.Throws<DataDirectoryException>(() => DataDirectory.Open(folder, "n1"));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("wal", false)]
    [InlineData("wal", true)]
    public void Log_on_the_real_disk_is_read_back(string? logFolder, bool direct)
    {
        var options = new WalOptions { Cluster = new ClusterId(77), SegmentBytes = 1 << 20 };
        var disk = new DirectoryDisk(folder) { LogFolder = logFolder, PrefersDirect = direct };
        var completions = new Completions();
        using (var thread = new WalThread(WriteAheadLog.Open(disk, options, out _), completions, options.CommitBytesMax))
        {
            for (var loop = 0; loop < 3; loop++)
            {
                var batch = new WalBatch(loop);
                batch.AppendGroupCreated(new GroupId((ulong)loop), LogFixture.Three, 1);
                for (ulong index = 1; index <= 2000; index++) batch.AppendEntry(new GroupId((ulong)loop), LogFixture.EntryOf(1, index));
                thread.Submit(batch);
            }
        }

        Assert.Equal(3, completions.Durable);
        WriteAheadLog.Open(disk, options, out var recovery).Dispose();
        Assert.Empty(recovery.Findings);
        Assert.Equal(3, recovery.Groups.Count);
        foreach (var group in recovery.Groups) Assert.Equal(2000, group.Entries.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Filling_reserved_space_ahead_leaves_alone_what_was_written(bool direct)
    {
        const int Block = 4096;
        var disk = new DirectoryDisk(folder) { LogFolder = "wal", PrefersDirect = direct };
        disk.CreateFolder("wal");
        var block = new AlignedBuffer().Take(Block);

        // Behind the first hole there are data, written by a program that filled nothing: they end what may be filled.
        using (var plain = new DirectoryDisk(folder).Open("wal/log"))
        {
            plain.Allocate(16 << 20);
            foreach (var place in new[] { 9, 3 })
            {
                block.Fill((byte)place);
                plain.Write(place << 20, block);
            }

            plain.Sync();
        }

        using var again = disk.Open("wal/log");
        again.Write(0, block);
        again.Sync();
        var read = new byte[16 << 20];
        Assert.Equal(read.Length, again.Read(0, read));
        foreach (var (place, value) in new[] { (0, 3), (3, 3), (9, 9) }) Assert.True(read.AsSpan(place << 20, Block).IndexOfAnyExcept((byte)value) < 0, $"block at {place} MiB");
        Assert.Equal(3 * Block, read.Count(one => one != 0));
    }

    [Fact]
    public void Failed_log_says_so_once_and_completes_nothing_afterwards()
    {
        var disk = new MemoryDisk();
        var options = new WalOptions { Cluster = new ClusterId(77) };
        var completions = new Completions();
        using (var thread = new WalThread(WriteAheadLog.Open(disk, options with { SegmentBytes = 1 << 20 }, out _), completions, options.CommitBytesMax))
        {
            disk.FailSyncs = true;
            for (var loop = 0; loop < 3; loop++)
            {
                var batch = new WalBatch(loop);
                batch.AppendGroupCreated(new GroupId((ulong)loop), LogFixture.Three, 1);
                thread.Submit(batch);
            }
        }

        Assert.Equal(1, completions.Failures);
        Assert.Equal(0, completions.Durable);
    }

    [Fact]
    public void Snapshots_and_state_files_are_written_pruned_and_deleted_on_the_real_disk()
    {
        var store = new SnapshotStore(new DirectoryDisk(folder), new ClusterId(77));
        foreach (var index in new ulong[] { 10, 20 })
        {
            using var file = store.FilesOf(LogFixture.A).Begin();
            file.Append([1, 2, (byte)index]);
            var hash = file.Seal();
            using var writer = store.Begin(LogFixture.A, new LogPosition(new Term(1), new LogIndex(index)), LogFixture.Three, 1);
            writer.AppendChunk([1, 2, 3]);
            writer.AddFile(hash);
            var position = writer.Commit(5).Position;
            store.FilesOf(LogFixture.A).Release(hash);
            store.Prune(LogFixture.A, position);
        }

        Assert.Equal(["1-20", "files"], Directory.EnumerateFileSystemEntries(Path.Combine(folder, "snapshots", "5")).Select(Path.GetFileName).Order());
        using (var reader = store.Open(LogFixture.A, new LogPosition(new Term(1), new LogIndex(20)))!) Assert.Equal(3, reader.ReadChunk(1, new byte[10]));
        store.DeleteGroup(LogFixture.A);
        store.DeleteGroup(LogFixture.B);
        Assert.Null(store.Latest(LogFixture.A));
    }

    [Fact]
    public void Uncached_reads_agree_with_cached_ones_at_any_offset()
    {
        using var file = new DirectoryDisk(folder).Open("file");
        var content = new byte[(3 * 1024 * 1024) + 123];
        new SeededRandom(5).Fill(content);
        file.Write(0, content);
        foreach (var (offset, count) in new[] { (0, content.Length), (1, 4096), (4095, 2), (1024 * 1024 - 7, 1024 * 1024 + 20), (content.Length - 50, 100), (content.Length + 5, 10) })
        {
            var (cached, uncached) = (new byte[count], new byte[count]);
            Assert.Equal(file.Read(offset, cached), file.ReadUncached(offset, uncached));
            Assert.Equal(cached, uncached);
        }
    }

    [Fact]
    public void Probe_says_what_it_measured()
    {
        var (_, finding) = WriteProbe.Measure(folder);
        Assert.NotEmpty(finding);
        Assert.Empty(Directory.GetFiles(folder));
    }

    private sealed class Completions : IWalCompletions
    {
        public int Durable { get; private set; }

        public int Failures { get; private set; }

        public void OnBatchDurable(WalBatch batch) => Durable++;

        public void OnWalFailed(Exception failure) => Failures++;
    }
}
