using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Disks of a majority that fill together (issue 3 section 1): puts are refused while there is still room to delete, and nothing ends.</summary>
[Collection(Alone.Name)]
public sealed class DiskSpaceTests : IAsyncLifetime
{
    private const int Nodes = 3;

    /// <summary>Room for the log's files, and a keyspace of somewhat above a hundred megabytes with its snapshots.</summary>
    private const int DiskMegabytes = 640;

    private const int ValueBytes = 512 << 10;

    private readonly List<SmallDisk> disks = [];
    private ProcessCluster? cluster;

    private ProcessCluster Cluster => cluster!;

    public async ValueTask InitializeAsync()
    {
        for (var node = 0; node < Nodes && SmallDisk.TryMount(DiskMegabytes) is { } disk; node++) disks.Add(disk);
        Assert.SkipWhen(disks.Count < Nodes, "only root may mount a small disk");
        cluster = await ProcessCluster.StartAsync(Nodes, beforeStart: starting =>
        {
            for (var node = 0; node < Nodes; node++) starting.Place(node, Path.Combine(disks[node].Folder, "data"));
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null) await cluster.DisposeAsync();
        foreach (var disk in disks) disk.Dispose();
    }

    [Fact]
    public async Task Puts_are_refused_before_the_disks_are_full_and_deleting_makes_room_by_itself()
    {
        await Cluster.PutAsync(0, "kept", "yes");
        var written = await FillByPutsAsync();
        Assert.True(written > 20, $"puts were refused after {written} of half a megabyte on empty disks");
        foreach (var disk in disks) Assert.True(disk.FreeBytes > 64 << 20, $"a disk had {disk.FreeBytes} bytes left when puts were refused");
        // The node refuses by its own judgement, and raises the alarm by an entry of the log.
        await Patient.UntilAsync(async () => (await Cluster.EtcdctlAsync(0, "alarm", "list")).Contains("NOSPACE", StringComparison.Ordinal), () => $"no alarm; last words:\n{Cluster.LastWords()}\n");
        await AssertOthersGoOnAsync();

        var calls = new KV.KVClient(Cluster.Calls(1));
        var gone = await calls.DeleteRangeAsync(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("fill/"), RangeEnd = ByteString.CopyFromUtf8("fill0") }, deadline: In(60));
        Assert.InRange(gone.Deleted, written, written + 1); // One of unknown fate may be there.
        await calls.CompactAsync(new CompactionRequest { Revision = gone.Header.Revision, Physical = true }, deadline: In(60));
        await UntilPutsAreTakenAsync();
        Assert.Equal("yes", await Cluster.GetAsync(1, "kept"));
        for (var node = 0; node < Nodes; node++) Assert.True(Cluster.IsRunning(node), $"node {node} has ended; last words:\n{Cluster.LastWords()}");
    }

    [Fact]
    public async Task What_others_put_on_the_disks_stops_puts_only_and_only_until_it_is_gone()
    {
        await Cluster.PutAsync(0, "kept", "yes");

        // One short disk is no reason to stop the cluster.
        disks[0].Fill(leavingMegabytes: 100);
        for (var i = 0; i < 20; i++) await Cluster.PutAsync(i % Nodes, $"one/{i}", "1");
        Assert.Equal("", (await Cluster.EtcdctlAsync(0, "alarm", "list")).Trim());

        for (var node = 1; node < Nodes; node++) disks[node].Fill(leavingMegabytes: 100);
        await Patient.UntilAsync(async () => await RefusalAsync("two", 1) is { StatusCode: StatusCode.ResourceExhausted }, () => $"puts are still taken; last words:\n{Cluster.LastWords()}\n");
        await AssertOthersGoOnAsync();
        await Cluster.UntilSaidAsync("nospace");
        foreach (var disk in disks) disk.Free();
        await UntilPutsAreTakenAsync();
        Assert.Equal("yes", await Cluster.GetAsync(2, "kept"));
        for (var node = 0; node < Nodes; node++) Assert.True(Cluster.IsRunning(node), $"node {node} has ended; last words:\n{Cluster.LastWords()}");
    }

    /// <summary>Puts until the cluster refuses for want of room; how many were taken.</summary>
    private async Task<int> FillByPutsAsync()
    {
        for (int number = 0, unsure = 0; ;)
        {
            Assert.True(number < 2 * DiskMegabytes, "more was written than a disk holds");
            var refused = await RefusalAsync(string.Create(CultureInfo.InvariantCulture, $"fill/{number}"), ValueBytes);
            if (refused is { StatusCode: StatusCode.ResourceExhausted, Detail: "etcdserver: mvcc: database space exceeded" }) return number;
            if (refused is null) number++; // Else the leader changes, and the same is put again.
            else Assert.True(++unsure < 100, $"put {number}: {refused}; last words:\n{Cluster.LastWords()}");
        }
    }

    private async Task<Status?> RefusalAsync(string key, int bytes)
    {
        try
        {
            await Cluster.Kv(0).PutAsync(new PutRequest { Key = ByteString.CopyFromUtf8(key), Value = ByteString.CopyFrom(new byte[bytes]) }, deadline: In(60));
            return null;
        }
        catch (RpcException refused)
        {
            return refused.Status;
        }
    }

    /// <summary>Reading, deleting, compacting and all of leases, through another member than the one that was written to.</summary>
    private async Task AssertOthersGoOnAsync()
    {
        var (keys, leases) = (Cluster.Kv(2), new Lease.LeaseClient(Cluster.Calls(2)));
        var granted = await leases.LeaseGrantAsync(new LeaseGrantRequest { TTL = 60 }, deadline: In(60));
        using (var renewing = leases.LeaseKeepAlive(deadline: In(60)))
        {
            await renewing.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = granted.ID });
            Assert.True(await renewing.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal(60, renewing.ResponseStream.Current.TTL);
        }

        await leases.LeaseRevokeAsync(new LeaseRevokeRequest { ID = granted.ID }, deadline: In(60));
        Assert.Single((await keys.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("kept") }, deadline: In(60))).Kvs);
        var deleted = await keys.DeleteRangeAsync(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("ready") }, deadline: In(60));
        Assert.Equal(1, deleted.Deleted);
        await keys.CompactAsync(new CompactionRequest { Revision = deleted.Header.Revision - 1 }, deadline: In(60));
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await keys.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = ByteString.CopyFromUtf8("no") } } } }, deadline: In(60)));
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    /// <summary>Nobody disarms anything.</summary>
    private async Task UntilPutsAreTakenAsync()
    {
        await Patient.UntilAsync(async () => (await Cluster.EtcdctlAsync(2, "alarm", "list")).Trim().Length == 0,
            () => $"the alarm is still on; {string.Join(", ", disks.Select(static disk => disk.FreeBytes >> 20))} MiB are free; last words:\n{Cluster.LastWords()}\n");
        for (var node = 0; node < Nodes; node++) await Cluster.PutAsync(node, "again", "yes");
    }

    private static DateTime In(int seconds) => DateTime.UtcNow.AddSeconds(seconds);
}
