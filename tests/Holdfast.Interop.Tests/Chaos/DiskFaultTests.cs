using System.Buffers.Binary;
using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Server.Hosting;
using Holdfast.Wire;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Disks that fill and disks that rot, under real processes (S8, issue 2 section 7).</summary>
[Collection(Alone.Name)]
public sealed class DiskFaultTests
{
    private const int Some = 150;

    /// <summary>Room for the first segment of the log (64 MiB) and little else: the second does not fit beside the ballast.</summary>
    private const int DiskMegabytes = 160;

    private const int BlockBytes = 4096;

    /// <summary>After a segment's header and its ring of batch headers.</summary>
    private const int FirstCommit = 17 * BlockBytes;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_rotten_byte_in_a_stopped_nodes_log_is_repaired_from_the_others_and_nothing_is_lost(bool isAtTail)
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var clients = new RecordedClients(cluster, seed: isAtTail ? 21 : 22);
        await clients.UntilAnsweredAsync(Some);
        var node = await cluster.LeaderAsync();
        cluster.Kill(node);
        Rot(cluster.Data(node), isAtTail);
        await clients.UntilAnsweredAsync(Some);
        cluster.Start(node);
        await cluster.UntilServesAsync(node); // It answers from its own state, so it has been repaired.
        await cluster.UntilSaidAsync("recovery");
        Assert.Contains($"n{node}: ", cluster.LastWords("recovery"), StringComparison.Ordinal);
        await clients.UntilAnsweredAsync(Some);

        // The repaired node is needed for a majority now: what it acknowledges must be on its disk.
        cluster.Kill((node + 1) % 3);
        await clients.UntilAnsweredAsync(Some);
        cluster.Start((node + 1) % 3);
        await cluster.UntilServesAsync((node + 1) % 3);
        await clients.AssertLinearizableAsync();
    }

    /// <summary>The rack's power comes back, and on two of three disks the end of the log cannot be read: nobody can elect anybody until all have answered (S8).</summary>
    [Fact]
    public async Task When_the_tails_of_two_of_three_logs_are_rotten_the_third_has_everything_that_was_acknowledged()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var clients = new RecordedClients(cluster, seed: 24);
        await clients.UntilAnsweredAsync(Some);
        for (var node = 0; node < 3; node++) cluster.Kill(node);
        Rot(cluster.Data(0), isAtTail: true);
        Rot(cluster.Data(1), isAtTail: true);
        cluster.Start(0);
        cluster.Start(1);
        await cluster.UntilSaidAsync("n2 has not agreed"); // Two damaged voters wait, and say for whom.
        Assert.False(await cluster.TryPutAsync(0, "too", "early"));
        cluster.Start(2);
        for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
        await cluster.UntilSaidAsync("all members answered");
        await clients.UntilAnsweredAsync(Some);
        await clients.AssertLinearizableAsync();
    }

    /// <summary>What a node restores its state from is read again only when it starts. Rot since then is found by its checksums, and the state comes from another node.</summary>
    [Fact]
    public async Task A_rotten_snapshot_is_noticed_at_start_and_the_state_comes_from_another_node_S10()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var clients = new RecordedClients(cluster, seed: 25);
        await clients.UntilAnsweredAsync(Some);
        // A snapshot whose files are there but which is not recorded yet would be thrown away at the next start, rotten or not.
        for (var number = 0; !cluster.LastWords("snapshot_taken").Contains("n0: ", StringComparison.Ordinal); number++)
        {
            Assert.True(number < 1000, "half a gigabyte was written and no snapshot was taken");
            await WriteMuchAsync(cluster, number);
        }

        cluster.Kill(0);
        foreach (var manifest in Snapshots(cluster.Data(0))) RotMiddle(Path.Combine(Path.GetDirectoryName(manifest)!, "chunks"));
        await clients.UntilAnsweredAsync(Some);
        cluster.Start(0);
        await cluster.UntilSaidAsync("snapshot_installed");
        await cluster.UntilServesAsync(0);

        // It is needed for a majority now, and answers from its own state.
        cluster.Kill(1);
        await clients.UntilAnsweredAsync(Some);
        cluster.Start(1);
        await cluster.UntilServesAsync(1);
        await clients.AssertLinearizableAsync();
    }

    [Fact]
    public async Task A_node_whose_disk_is_full_stops_the_others_go_on_and_it_comes_back_when_there_is_room()
    {
        using var disk = SmallDisk.TryMount(DiskMegabytes);
        Assert.SkipWhen(disk is null, "only root may mount a small disk");
        await using var cluster = await ProcessCluster.StartAsync(beforeStart: starting => starting.Place(0, Path.Combine(disk.Folder, "data")));
        await using var clients = new RecordedClients(cluster, seed: 23);
        await clients.UntilAnsweredAsync(Some);
        disk.Fill();
        for (var number = 0; cluster.IsRunning(0); number++)
        {
            Assert.True(number < 1000, "half a gigabyte was written and the full disk did not matter");
            await WriteMuchAsync(cluster, number);
        }

        // One sentence with what, why and what to do, a code of its own, and no stack trace.
        Assert.Equal(ExitCode.DiskFull, await cluster.UntilGoneAsync(0));
        Assert.Contains("node n0 has stopped: the disk that holds", cluster.LastWords("disk_full"), StringComparison.Ordinal);
        Assert.DoesNotContain("   at Holdfast.", cluster.LastWords("n0: "), StringComparison.Ordinal);
        await clients.UntilAnsweredAsync(Some);
        disk.Free();
        cluster.Start(0);
        await cluster.UntilServesAsync(0);
        await clients.UntilAnsweredAsync(Some);
        await clients.AssertLinearizableAsync();
    }

    private static async Task WriteMuchAsync(ProcessCluster cluster, int number)
    {
        try
        {
            var half = new PutRequest { Key = ByteString.CopyFromUtf8($"ballast/{(number % 4).ToString(CultureInfo.InvariantCulture)}"), Value = ByteString.CopyFrom(new byte[512 << 10]) };
            await cluster.Kv(1 + (number % 2)).PutAsync(half, deadline: DateTime.UtcNow.AddSeconds(10));
        }
        catch (RpcException)
        {
            // The leader may be the one whose disk is full.
        }
    }

    /// <summary>
    /// Changes one byte in the middle of the log, or at the end of what its ring of batch headers announces. A commit behind that is one that the kill cut short: nobody was told of it, and rot there is rightly passed over.
    /// </summary>
    private static void Rot(string data, bool isAtTail)
    {
        var segment = Directory.EnumerateFiles(Path.Combine(data, "wal"), "*.seg").Order(StringComparer.Ordinal).Last();
        var bytes = File.ReadAllBytes(segment);
        var last = AnnouncedEnd(bytes);
        Assert.True(last > FirstCommit + (8 * BlockBytes), "the log is too short to have a middle");
        var at = isAtTail ? last : NonZero(bytes, (FirstCommit + last) / 2);
        using var file = File.OpenWrite(segment);
        file.Position = at;
        file.WriteByte((byte)~bytes[at]);
    }

    /// <summary>Where the last body ends that belongs to a commit in the ring.</summary>
    private static int AnnouncedEnd(byte[] segment)
    {
        var announced = 0UL;
        for (var block = BlockBytes; block < FirstCommit; block += BlockBytes) announced = Math.Max(announced, BinaryPrimitives.ReadUInt64LittleEndian(segment.AsSpan(block + 8)));
        var end = 0;
        for (var at = FirstCommit; at < segment.Length - WalRecordHeader.Size; at += 8)
            if (WalRecordHeader.TryRead(segment.AsSpan(at), out var header) && header.Sequence <= announced && header.BodyLength > 0) end = at + WalRecordHeader.Size + (int)header.BodyLength - 1;
        return end;
    }

    /// <summary>The manifests of the whole snapshots of the keyspace.</summary>
    private static string[] Snapshots(string data)
    {
        var folder = Path.Combine(data, "snapshots", "1");
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "manifest", SearchOption.AllDirectories) : [];
    }

    private static void RotMiddle(string path)
    {
        using var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
        file.Position = file.Length / 2;
        var one = file.ReadByte();
        file.Position = file.Length / 2;
        file.WriteByte((byte)~one);
    }

    private static int NonZero(byte[] bytes, int from) => from + bytes.AsSpan(from).IndexOfAnyExcept((byte)0);
}
