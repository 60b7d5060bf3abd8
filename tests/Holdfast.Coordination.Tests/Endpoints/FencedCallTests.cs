using System.Text;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Writes under a lock (S22): done while it is held, and refused, whole, once it is gone or another's.</summary>
public sealed class FencedCallTests : IAsyncLifetime
{
    private readonly Local local = new();
    private OpenDoor door = null!;
    private KV.KVClient kv = null!;

    public async ValueTask InitializeAsync()
    {
        door = await OpenDoor.OnAsync(local.Face);
        kv = new KV.KVClient(door.Channel);
    }

    public ValueTask DisposeAsync() => door.DisposeAsync();

    [Fact]
    public async Task Puts_deletions_and_transactions_are_done_while_the_lock_is_held_and_answered_as_without_it()
    {
        await local.Put("a", "0");
        var held = await LockAsync(1);
        var put = await kv.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("1"), PrevKv = true }, Fence(held));
        Assert.Equal(("0", 9UL), (put.PrevKv.Value.ToStringUtf8(), put.Header.MemberId));
        Assert.Equal(put.Header.Revision, (await local.Range("a")).Kvs[0].ModRevision);
        var txn = await kv.TxnAsync(new TxnRequest { Compare = { new Compare { Target = Compare.Types.CompareTarget.Version, Key = Local.B("a"), Version = 7 } }, Success = { Local.DeleteOp("a") }, Failure = { Local.PutOp("b", "2"), Local.RangeOp("b") } }, Fence(held));
        Assert.Equal((false, 2, "2"), (txn.Succeeded, txn.Responses.Count, txn.Responses[1].ResponseRange.Kvs[0].Value.ToStringUtf8()));
        Assert.Equal(put.Header.Revision + 1, txn.Header.Revision);
        var deleted = await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Local.B("a"), RangeEnd = Local.B("c") }, Fence(held));
        Assert.Equal((2, txn.Header.Revision + 1), (deleted.Deleted, deleted.Header.Revision));
        await RefusedAsync(StatusCode.InvalidArgument, EtcdErrors.EmptyKey.Message, async () => await kv.PutAsync(new PutRequest(), Fence(held)));
        await RefusedAsync(StatusCode.InvalidArgument, EtcdErrors.KeyNotFound.Message, async () => await kv.PutAsync(new PutRequest { Key = Local.B("new"), IgnoreValue = true }, Fence(held)));
    }

    [Fact]
    public async Task A_former_holder_changes_nothing_whatever_it_calls()
    {
        await local.Put("a", "0");
        var old = await LockAsync(1);
        await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        await RefusedAsync(async () => await kv.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("late") }, Fence(old)));
        var held = await LockAsync(2);
        Assert.True(held.Fence > old.Fence);
        var before = (await local.Range("a")).Header.Revision;
        await RefusedAsync(async () => await kv.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("late") }, Fence(old)));
        await RefusedAsync(async () => await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Local.B("a") }, Fence(old)));
        await RefusedAsync(async () => await kv.TxnAsync(new TxnRequest { Success = { Local.PutOp("a", "late") } }, Fence(old)));

        // The same key under the other's token is no more worth.
        await RefusedAsync(async () => await kv.PutAsync(new PutRequest { Key = Local.B("a") }, new Metadata { { "holdfast-fence", $"{old.Key.ToStringUtf8()} {held.Fence}" } }));
        Assert.Equal((before, "a=0"), ((await local.Range("a")).Header.Revision, await local.Show("a")));
        Assert.Equal("0", (await kv.RangeAsync(new RangeRequest { Key = Local.B("a") }, Fence(old))).Kvs[0].Value.ToStringUtf8()); // Reads are not fenced.
        await kv.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("1") }, Fence(held));
    }

    [Fact]
    public async Task Json_and_the_pages_of_keys_take_the_same_header()
    {
        var held = await LockAsync(1);
        Assert.Equal(200, (await SendAsync(HttpMethod.Post, "/v3/kv/put", """{"key":"YQ==","value":"MQ=="}""", "holdfast-fence", held)).Status);
        Assert.Equal((200, "true"), await SendAsync(HttpMethod.Put, "/v1/kv/b", "1", "Holdfast-Fence", held));
        await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        foreach (var header in (string[])["holdfast-fence", "Grpc-Metadata-Holdfast-Fence"])
        {
            var (status, said) = await SendAsync(HttpMethod.Post, "/v3/kv/put", """{"key":"YQ==","value":"Mg=="}""", header, held);
            Assert.Equal((400, true), (status, said.Contains(EtcdErrors.Fenced.Message, StringComparison.Ordinal)));
        }

        Assert.Equal(400, (await SendAsync(HttpMethod.Put, "/v1/kv/b", "2", "Holdfast-Fence", held)).Status);
        Assert.Equal(400, (await SendAsync(HttpMethod.Delete, "/v1/kv/b", "", "Holdfast-Fence", held)).Status);
        Assert.Equal("a=1 b=1", await local.Show("a", "c"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("key")]
    [InlineData("key 0")]
    [InlineData("key -1")]
    [InlineData("key 99999999999999999999")]
    public async Task A_fence_that_cannot_be_read_is_refused(string fence)
    {
        await RefusedAsync(StatusCode.InvalidArgument, EtcdErrors.FenceUnread.Message, async () => await kv.PutAsync(new PutRequest { Key = Local.B("a") }, new Metadata { { "holdfast-fence", fence } }));
        Assert.Empty((await local.Range("a")).Kvs);
    }

    [Fact]
    public async Task What_cannot_be_done_under_a_lock_is_not_done_without_it()
    {
        var held = await LockAsync(1);
        await local.Put("a", "1", lease: 1);
        await RefusedAsync(StatusCode.Unimplemented, EtcdErrors.FenceNotForThis.Message, async () => await new Lease.LeaseClient(door.Channel).LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 }, Fence(held)));
        await RefusedAsync(StatusCode.Unimplemented, EtcdErrors.FenceNotForThis.Message, async () => await kv.CompactAsync(new CompactionRequest { Revision = 2 }, Fence(held)));
        Assert.Equal("a=1", await local.Show("a"));
    }

    private async Task<LockResponse> LockAsync(long lease)
    {
        await local.Grant(lease, 60);
        return await new Protocol.Locks.Lock.LockClient(door.Channel).LockAsync(new LockRequest { Name = Local.B("jobs"), Lease = lease });
    }

    private static Metadata Fence(LockResponse held) => new() { { "holdfast-fence", Text(held) } };

    private static string Text(LockResponse held) => $"{held.Key.ToStringUtf8()} {held.Fence}";

    private static Task RefusedAsync(Func<Task> call) => RefusedAsync(StatusCode.FailedPrecondition, EtcdErrors.Fenced.Message, call);

    private static async Task RefusedAsync(StatusCode code, string text, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal((code, text), (failure.StatusCode, failure.Status.Detail));
    }

    private async Task<(int Status, string Body)> SendAsync(HttpMethod method, string path, string body, string header, LockResponse held)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, door.Url + path) { Content = new StringContent(body, Encoding.UTF8), Headers = { { header, Text(held) } } };
        using var response = await http.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
