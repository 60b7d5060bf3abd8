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
}
