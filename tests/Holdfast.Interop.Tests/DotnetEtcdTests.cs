using System.Threading.Channels;
using dotnet_etcd;
using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using V3Electionpb;
using V3Lockpb;

namespace Holdfast.Interop.Tests;

/// <summary>The NuGet package dotnet-etcd, an etcd client that is not ours.</summary>
public sealed class DotnetEtcdTests
{
    [Fact]
    public async Task The_dotnet_client_finds_no_difference()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        using var client = new EtcdClient(cluster.Client(0), configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);
        await client.PutAsync("net/a", "one");
        await client.PutAsync("net/b", "two");
        Assert.Equal("one", await client.GetValAsync("net/a"));
        Assert.Equal(new Dictionary<string, string> { ["net/a"] = "one", ["net/b"] = "two" }, await client.GetRangeValAsync("net/"));

        var lease = await client.LeaseGrantAsync(new LeaseGrantRequest { TTL = 600 });
        var held = await client.LockAsync(new LockRequest { Name = ByteString.CopyFromUtf8("net/job"), Lease = lease.ID });
        Assert.Equal($"net/job/{lease.ID:x}", held.Key.ToStringUtf8());
        await client.UnlockAsync(held.Key.ToStringUtf8());
        var won = await client.CampaignAsync(new CampaignRequest { Name = ByteString.CopyFromUtf8("net/boss"), Lease = lease.ID, Value = ByteString.CopyFromUtf8("me") });
        Assert.Equal("me", (await client.LeaderAsync(new LeaderRequest { Name = ByteString.CopyFromUtf8("net/boss") })).Kv.Value.ToStringUtf8());
        Assert.True(won.Leader.Rev > held.Header.Revision);

        var status = await client.StatusAsync(new StatusRequest());
        Assert.StartsWith("3.6.", status.Version, StringComparison.Ordinal);
        Assert.Equal("infra0", Assert.Single((await client.MemberListAsync(new MemberListRequest())).Members).Name);
        Assert.Equal(2, (await client.DeleteRangeAsync("net/")).Deleted - 1); // The election's key goes too.
    }

    [Fact]
    public async Task The_dotnet_client_watches_and_transacts_and_keeps_a_lease()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        using var client = new EtcdClient(cluster.Client(0), configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);

        // The watch begins some time: puts go on until one is told, and everything after it must come in order.
        var told = Channel.CreateUnbounded<string>();
        client.WatchRange("seen/", (WatchResponse response) =>
        {
            foreach (var one in response.Events) told.Writer.TryWrite($"{one.Type} {one.Kv.Key.ToStringUtf8()}={one.Kv.Value.ToStringUtf8()}");
        });
        await Patient.UntilAsync(async () =>
        {
            await client.PutAsync("seen/first", "x");
            return told.Reader.TryPeek(out _);
        }, () => "the watch tells nothing");
        await client.PutAsync("seen/a", "1");
        await client.DeleteAsync("seen/a");
        var events = new List<string>();
        using var patience = new CancellationTokenSource(Patient.Most);
        while (events.LastOrDefault() != "Delete seen/a=") events.Add(await told.Reader.ReadAsync(patience.Token));
        Assert.Equal(["Put seen/a=1", "Delete seen/a="], events.SkipWhile(one => one == "Put seen/first=x"));

        var key = ByteString.CopyFromUtf8("txn/a");
        TxnRequest IfAbsent(string value) => new()
        {
            Compare = { new Compare { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = key, CreateRevision = 0 } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(value) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        };
        Assert.True((await client.TransactionAsync(IfAbsent("one"))).Succeeded);
        var refused = await client.TransactionAsync(IfAbsent("two"));
        Assert.False(refused.Succeeded);
        Assert.Equal("one", Assert.Single(Assert.Single(refused.Responses).ResponseRange.Kvs).Value.ToStringUtf8());

        var lease = await client.LeaseGrantAsync(new LeaseGrantRequest { TTL = 600 });
        var kept = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stop = new CancellationTokenSource();
        var keeping = client.LeaseKeepAlive(new LeaseKeepAliveRequest { ID = lease.ID }, answer => kept.TrySetResult(answer.TTL), stop.Token);
        Assert.Equal(600, await kept.Task.WaitAsync(Patient.Most));
        await stop.CancelAsync();
        await keeping.ContinueWith(static _ => { }, TaskScheduler.Default);
        await client.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease.ID });
    }

    [Fact]
    public async Task The_dotnet_client_signs_in_and_is_held_to_its_role()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        using (var admin = new EtcdClient(cluster.Client(0), configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure))
        {
            await admin.PutAsync("mine/a", "1");
            await admin.UserAddAsync(new AuthUserAddRequest { Name = "root", Password = "toor" });
            await admin.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "root", Role = "root" });
            await admin.UserAddAsync(new AuthUserAddRequest { Name = "ann", Password = "pass" });
            await admin.RoleAddAsync(new AuthRoleAddRequest { Name = "reader" });
            await admin.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = "reader", Perm = new Authpb.Permission { PermType = Authpb.Permission.Types.Type.Read, Key = ByteString.CopyFromUtf8("mine/"), RangeEnd = ByteString.CopyFromUtf8("mine0") } });
            await admin.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = "ann", Role = "reader" });
            await admin.AuthEnableAsync(new AuthEnableRequest());
        }

        using var ann = new EtcdClient(cluster.Client(0), "ann", "pass", configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);
        Assert.Equal("1", await ann.GetValAsync("mine/a"));
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => ann.PutAsync("mine/a", "2"))).StatusCode);
        using var root = new EtcdClient(cluster.Client(0), "root", "toor", configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);
        await root.PutAsync("mine/a", "2");
        Assert.Equal("2", await ann.GetValAsync("mine/a"));
    }
}
