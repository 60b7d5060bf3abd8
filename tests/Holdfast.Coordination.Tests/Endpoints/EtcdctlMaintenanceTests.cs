using System.Text.Json;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using static Holdfast.Coordination.Tests.Endpoints.Etcdctl;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Debian's etcdctl: the verbs that operators use, and snapshots that etcd itself can be restored from.</summary>
public sealed class EtcdctlMaintenanceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-etcdctl-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Alarms_defragmentation_and_leadership_read_as_with_etcd()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await keyspace.Face.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 12, Alarm = AlarmType.Nospace });
        Assert.Equal("memberID:12 alarm:NOSPACE \n", await RunAsync(door, "alarm", "list"));
        Assert.Contains("etcdserver: mvcc: database space exceeded", await RunAsync(door, "put", "a", "1"), StringComparison.Ordinal);
        Assert.Equal("memberID:12 alarm:NOSPACE \n", await RunAsync(door, "alarm", "disarm"));
        Assert.Equal("OK\n", await RunAsync(door, "put", "a", "1"));
        Assert.Equal($"Finished defragmenting etcd member[{door.Address}]\n", await RunAsync(door, "defrag"));
        Assert.Contains("etcdserver: bad leader transferee", await RunAsync(door, "move-leader", "5"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: not capable", await RunAsync(door, "member", "remove", "5"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_runs_under_a_lock_and_an_election_is_won_and_listened_to()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        Assert.Equal("held\n", await RunAsync(door, "lock", "job", "echo", "held"));
        using var candidate = Start(door, ["elect", "boss", "me"]);
        using var listener = Start(door, ["elect", "--listen", "boss"]);
        try
        {
            Assert.Matches("^boss/[0-9a-f]+ me$", await ReadLinesAsync(candidate, 2));
            Assert.Matches("^boss/[0-9a-f]+ me$", await ReadLinesAsync(listener, 2));
        }
        finally
        {
            candidate.Kill();
            listener.Kill();
            await candidate.WaitForExitAsync();
            await listener.WaitForExitAsync();
        }
    }

    /// <summary>etcdctl 3.4 then sends the URL as :authority.</summary>
    [Fact]
    public async Task Endpoints_may_be_named_by_their_urls()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        Assert.Contains($"{door.Url}, c, 3.6.0, ", await RunAsync(door, "endpoint", "status", "--endpoints=" + door.Url), StringComparison.Ordinal);
        Assert.Contains($"{door.Url}, ", await RunAsync(door, "endpoint", "hashkv", "--endpoints=" + door.Url), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(3000, true)]
    [InlineData(20_000, true)]
    public async Task Etcd_is_restored_from_our_snapshot_with_the_same_history_and_hash(int changes, bool compacts)
    {
        var local = new Local();
        await using var door = await OpenDoor.OnAsync(local.Face);
        await MakeHistoryAsync(local, changes, compacts);
        var file = Path.Combine(folder, "snapshot.db");
        Assert.Contains("Snapshot saved at", await RunAsync(door, "snapshot", "save", file), StringComparison.Ordinal);
        using var status = JsonDocument.Parse(await RunAsync(door, "snapshot", "status", file, "--write-out=json"));
        if (changes > 0) Assert.Equal(local.Machine.Store.Revision, status.RootElement.GetProperty("revision").GetInt64());

        await using var etcd = await EtcdProcess.StartAsync(file);
        var kv = new KV.KVClient(etcd.Calls);
        var everything = new RangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) };
        var theirs = await kv.RangeAsync(everything);
        var ours = await local.Face.RangeAsync(everything);
        Assert.Equal(ours.Kvs, theirs.Kvs);
        Assert.Equal(ours.Header.Revision, theirs.Header.Revision);
        Assert.Equal((await local.Face.HashKvAsync(new HashKVRequest())).Hash, (await new Maintenance.MaintenanceClient(etcd.Calls).HashKVAsync(new HashKVRequest())).Hash);
        var leases = await new Lease.LeaseClient(etcd.Calls).LeaseLeasesAsync(new LeaseLeasesRequest());
        Assert.Equal(local.Machine.Store.Leases.Granted.Keys, leases.Leases.Select(lease => lease.ID).Order());
        await kv.PutAsync(new PutRequest { Key = Local.B("after"), Value = Local.B("the restore") });
    }

    private static async Task MakeHistoryAsync(Local local, int changes, bool compacts)
    {
        var dice = new SeededRandom(17);
        for (var id = 1; id <= Math.Min(changes, 400); id++) await local.Grant(id, 100_000);
        for (var i = 0; i < changes; i++)
        {
            var key = Local.B($"key{dice.Next(Math.Max(1, changes / 3)):000000}");
            if (dice.Chance(0.2)) await local.Face.DeleteRangeAsync(new DeleteRangeRequest { Key = key });
            else await local.Face.PutAsync(new PutRequest { Key = key, Value = ByteString.CopyFrom(new byte[dice.Chance(0.001) ? 20_000 : dice.Next(200)]), Lease = dice.Chance(0.1) ? 1 + dice.Next(400) : 0 });
            if (compacts && i == changes / 2) await local.Compact(local.Machine.Store.Revision - 50);
        }
    }
}
