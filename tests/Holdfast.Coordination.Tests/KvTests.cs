using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

public sealed class KvTests
{
    private readonly Local local = new();

    [Fact]
    public async Task First_put_is_revision_two_as_in_etcd()
    {
        Assert.Equal(1, (await local.Range("a")).Header.Revision);
        Assert.Equal(2, await local.Put("a", "1"));
        Assert.Equal(3, await local.Put("a", "2"));
        var kv = Assert.Single((await local.Range("a")).Kvs);
        Assert.Equal((2, 3, 2), (kv.CreateRevision, kv.ModRevision, kv.Version));
    }

    [Fact]
    public async Task Header_names_cluster_member_and_term()
    {
        var header = (await local.Range("a")).Header;
        Assert.Equal((7UL, 9UL, 1UL), (header.ClusterId, header.MemberId, header.RaftTerm));
    }

    [Fact]
    public async Task Deleted_key_begins_a_new_life()
    {
        await local.Put("a", "1");
        await local.Delete("a");
        await local.Put("a", "2");
        var kv = Assert.Single((await local.Range("a")).Kvs);
        Assert.Equal((4, 4, 1), (kv.CreateRevision, kv.ModRevision, kv.Version));
    }

    [Fact]
    public async Task Deleting_nothing_makes_no_revision()
    {
        var response = await local.Delete("a");
        Assert.Equal((0, 1), (response.Deleted, response.Header.Revision));
        Assert.Equal(2, await local.Put("a", "1"));
    }

    [Fact]
    public async Task Old_revisions_stay_readable()
    {
        await local.Put("a", "1");
        await local.Put("b", "1");
        await local.Delete("a");
        await local.Put("b", "2");
        Assert.Equal("", await local.Show("a", "z", 1));
        Assert.Equal("a=1", await local.Show("a", "z", 2));
        Assert.Equal("a=1 b=1", await local.Show("a", "z", 3));
        Assert.Equal("b=1", await local.Show("a", "z", 4));
        Assert.Equal("b=2", await local.Show("a", "z"));
        Assert.Equal(EtcdErrors.FutureRevision, await Local.ErrorOf(async () => await local.Range("a", revision: 6)));
    }

    [Fact]
    public async Task Range_ends_select_keys()
    {
        foreach (var key in new[] { "a", "ab", "b", "c" }) await local.Put(key, "1");
        Assert.Equal("a=1 ab=1", await local.Show("a", "b"));
        Assert.Equal("b=1 c=1", await local.Show("b", "\0"));
        Assert.Equal("a=1 ab=1 b=1 c=1", await local.Show("\0", "\0"));
        Assert.Equal("", await local.Show("c", "a"));
    }

    [Fact]
    public async Task Limit_says_more_and_count_ignores_it()
    {
        foreach (var key in new[] { "a", "b", "c" }) await local.Put(key, "1");
        var response = await local.Range("a", "z", with: request => request.Limit = 2);
        Assert.Equal((2, true, 3), (response.Kvs.Count, response.More, response.Count));
        response = await local.Range("a", "z", with: request => request.Limit = 3);
        Assert.Equal((3, false, 3), (response.Kvs.Count, response.More, response.Count));
        response = await local.Range("a", "z", with: request => request.CountOnly = true);
        Assert.Equal((0, false, 3), (response.Kvs.Count, response.More, response.Count));
    }

    [Fact]
    public async Task Sorting_and_revision_filters()
    {
        await local.Put("a", "3");
        await local.Put("b", "1");
        await local.Put("c", "2");
        await local.Put("a", "4");
        Assert.Equal("b=1 c=2 a=4", await local.Show("a", "z", with: request => request.SortTarget = RangeRequest.Types.SortTarget.Value));
        Assert.Equal("c=2 b=1 a=4", await local.Show("a", "z", with: request =>
            (request.SortTarget, request.SortOrder) = (RangeRequest.Types.SortTarget.Create, RangeRequest.Types.SortOrder.Descend)));
        Assert.Equal("a=4", await local.Show("a", "z", with: request => request.MinModRevision = 5));
        Assert.Equal("b=1", await local.Show("a", "z", with: request => request.MaxModRevision = 3));
        Assert.Equal("b=1 c=2", await local.Show("a", "z", with: request => request.MinCreateRevision = 3));
        var keys = await local.Range("a", "z", with: request => request.KeysOnly = true);
        Assert.All(keys.Kvs, kv => Assert.True(kv.Value.IsEmpty));
    }

    [Fact]
    public async Task Put_keeps_what_it_is_told_to_keep()
    {
        await local.Grant(5, 60);
        Assert.Equal(EtcdErrors.KeyNotFound, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a"), IgnoreValue = true })));
        await local.Put("a", "1", 5);
        var response = await local.Face.PutAsync(new PutRequest { Key = Local.B("a"), IgnoreValue = true, PrevKv = true });
        Assert.Equal(5, response.PrevKv.Lease);
        var kv = Assert.Single((await local.Range("a")).Kvs);
        Assert.Equal(("1", 0L), (kv.Value.ToStringUtf8(), kv.Lease));
        Assert.Equal(EtcdErrors.ValueProvided, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("x"), IgnoreValue = true })));
        Assert.Equal(EtcdErrors.LeaseProvided, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a"), Lease = 5, IgnoreLease = true })));
        Assert.Equal(EtcdErrors.LeaseNotFound, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest { Key = Local.B("a"), Lease = 6 })));
        Assert.Equal(EtcdErrors.EmptyKey, await Local.ErrorOf(() => local.Face.PutAsync(new PutRequest())));
        Assert.Equal(EtcdErrors.RequestTooLarge, await Local.ErrorOf(() => local.Face.PutAsync(
            new PutRequest { Key = Local.B("a"), Value = Google.Protobuf.ByteString.CopyFrom(new byte[CoordinationFace.RequestBytesMax]) })));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(-1, 0)]
    [InlineData(1, 5)]
    [InlineData(0, -1)]
    public async Task An_order_that_etcd_does_not_know_is_refused_in_transactions_too(int order, int target)
    {
        var range = new RangeRequest { Key = Local.B("a"), SortOrder = (RangeRequest.Types.SortOrder)order, SortTarget = (RangeRequest.Types.SortTarget)target };
        Assert.Equal(EtcdErrors.InvalidSortOption, await Local.ErrorOf(() => local.Face.RangeAsync(range)));
        var inner = new TxnRequest { Failure = { new RequestOp { RequestRange = range } } };
        Assert.Equal(EtcdErrors.InvalidSortOption, await local.TxnError(inner));
        Assert.Equal(EtcdErrors.InvalidSortOption, await local.TxnError(new TxnRequest { Success = { Local.PutOp("b", "1"), new RequestOp { RequestTxn = inner } } }));
        Assert.Equal("", await local.Show("b"));
    }

    [Fact]
    public async Task A_larger_bound_on_requests_lets_larger_ones_through()
    {
        var wide = new Local(new CoordinationOptions { RequestBytesMax = 10 * 1024 * 1024 });
        await wide.Face.PutAsync(new PutRequest { Key = Local.B("a"), Value = Google.Protobuf.ByteString.CopyFrom(new byte[9 * 1024 * 1024]) });
        Assert.Equal(EtcdErrors.RequestTooLarge, await Local.ErrorOf(() => wide.Face.PutAsync(new PutRequest { Key = Local.B("a"), Value = Google.Protobuf.ByteString.CopyFrom(new byte[10 * 1024 * 1024]) })));
    }

    [Fact]
    public async Task Deletion_of_many_keys_takes_slices_and_one_revision()
    {
        for (var key = 0; key < 3000; key++) await local.Put($"k{key:D5}", "1");
        var entry = new Holdfast.Replication.CommittedEntry
        {
            Position = new(new(1), new(9999)),
            TimeMicros = 0,
            FeatureLevel = 1,
            Command = Command.Encode(CommandKind.DeleteRange, new DeleteRangeRequest { Key = Local.B("k"), RangeEnd = Local.B("l") }),
            ReplyWanted = false,
        };
        var slices = 1;
        while (!local.Machine.Apply(entry).IsDone)
        {
            Assert.Equal(3001, local.Machine.Store.Revision);
            slices++;
        }

        Assert.Equal(3, slices);
        Assert.Equal(3002, local.Machine.Store.Revision);
        Assert.Equal(3000, (await local.Range("k", "l", 3001)).Count);
        Assert.Equal(0, (await local.Range("k", "l")).Count);
    }

    [Fact]
    public async Task Compaction_forgets_and_refuses()
    {
        for (var round = 0; round < 4; round++) await local.Put("a", round.ToString());
        await local.Delete("a");
        await local.Put("b", "1");
        await local.Compact(4);
        Assert.Equal(EtcdErrors.Compacted, await Local.ErrorOf(async () => await local.Range("a", revision: 3)));
        Assert.Equal("a=2", await local.Show("a", revision: 4));
        Assert.Equal(EtcdErrors.Compacted, await Local.ErrorOf(() => local.Face.CompactAsync(new CompactionRequest { Revision = 4 })));
        Assert.Equal(EtcdErrors.FutureRevision, await Local.ErrorOf(() => local.Face.CompactAsync(new CompactionRequest { Revision = 99 })));
        await local.Compact(7);
        Assert.Equal(1, local.Machine.Store.Keys.Count);
        Assert.Equal(2, local.Machine.Store.Bytes);
    }

    [Fact]
    public async Task Long_range_sees_one_moment_while_writes_and_compaction_go_on()
    {
        for (var key = 0; key < 5000; key++) await local.Put($"k{key:D5}", "old");
        var read = new RangeRead(new RangeRequest { Key = Local.B("k"), RangeEnd = Local.B("l") });
        Assert.False(read.Run(local.Machine, default));
        for (var key = 0; key < 5000; key += 2) await local.Put($"k{key:D5}", "new");
        var last = (await local.Delete("k04000", "l")).Header.Revision;
        await local.Compact(last);
        while (!read.Run(local.Machine, default))
        {
            // The next slice.
        }

        var response = Assert.IsType<RangeResponse>(read.Result.Message);
        Assert.Equal(5000, response.Count);
        Assert.All(response.Kvs, kv => Assert.Equal("old", kv.Value.ToStringUtf8()));

        // With the read gone, what it held back is forgotten too.
        await local.Put("x", "1");
        await local.Compact(last + 1);
        Assert.Equal(4001, local.Machine.Store.Keys.Count);
    }
}
