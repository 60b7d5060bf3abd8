using Holdfast.Coordination.Protocol;
using static Holdfast.Coordination.Tests.Local;

namespace Holdfast.Coordination.Tests;

public sealed class TxnTests
{
    private readonly Local local = new();

    [Fact]
    public async Task Changes_of_one_transaction_share_a_revision()
    {
        var response = await local.Face.TxnAsync(new TxnRequest { Success = { PutOp("a", "1"), PutOp("b", "2"), RangeOp("a", "z") } });
        Assert.True(response.Succeeded);
        Assert.Equal(2, response.Header.Revision);
        Assert.Equal(2, response.Responses[2].ResponseRange.Count);
        Assert.All((await local.Range("a", "z")).Kvs, kv => Assert.Equal(2, kv.ModRevision));
    }

    [Fact]
    public async Task Each_operation_sees_those_before_it()
    {
        await local.Put("a", "1");
        var response = await local.Face.TxnAsync(new TxnRequest { Success = { RangeOp("a"), DeleteOp("a"), RangeOp("a") } });
        Assert.Equal(1, response.Responses[0].ResponseRange.Count);
        Assert.Equal(2, response.Responses[0].ResponseRange.Header.Revision);
        Assert.Equal(0, response.Responses[2].ResponseRange.Count);
        Assert.Equal(3, response.Responses[2].ResponseRange.Header.Revision);
    }

    [Theory]
    [InlineData(Compare.Types.CompareTarget.Version, 2, true)]
    [InlineData(Compare.Types.CompareTarget.Version, 1, false)]
    [InlineData(Compare.Types.CompareTarget.Create, 2, true)]
    [InlineData(Compare.Types.CompareTarget.Mod, 3, true)]
    [InlineData(Compare.Types.CompareTarget.Lease, 0, true)]
    public async Task Compares_look_at_each_target(Compare.Types.CompareTarget target, long number, bool holds)
    {
        await local.Put("a", "1");
        await local.Put("a", "2");
        var compare = new Compare { Key = B("a"), Target = target };
        switch (target)
        {
            case Compare.Types.CompareTarget.Version: compare.Version = number; break;
            case Compare.Types.CompareTarget.Create: compare.CreateRevision = number; break;
            case Compare.Types.CompareTarget.Mod: compare.ModRevision = number; break;
            default: compare.Lease = number; break;
        }

        Assert.Equal(holds, (await local.Face.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded);
        compare.Result = Compare.Types.CompareResult.NotEqual;
        Assert.Equal(!holds, (await local.Face.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded);
    }

    [Fact]
    public async Task Compare_of_a_range_must_hold_for_every_key()
    {
        await local.Put("a", "1");
        await local.Put("b", "2");
        var compare = new Compare { Key = B("a"), RangeEnd = B("c"), Target = Compare.Types.CompareTarget.Value, Value = B("0"), Result = Compare.Types.CompareResult.Greater };
        Assert.True((await local.Face.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded);
        compare.Value = B("1");
        Assert.False((await local.Face.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded);
    }

    [Fact]
    public async Task Value_of_a_missing_key_compares_with_nothing()
    {
        foreach (var result in Enum.GetValues<Compare.Types.CompareResult>())
        {
            var compare = new Compare { Key = B("nil"), Target = Compare.Types.CompareTarget.Value, Value = B(""), Result = result };
            Assert.False((await local.Face.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded);
        }

        var missing = new Compare { Key = B("nil"), Target = Compare.Types.CompareTarget.Version, Version = 0 };
        Assert.True((await local.Face.TxnAsync(new TxnRequest { Compare = { missing } })).Succeeded);
    }

    [Fact]
    public async Task Nested_compares_look_at_the_store_as_it_was_before()
    {
        var nested = new TxnRequest
        {
            Compare = { new Compare { Key = B("a"), Target = Compare.Types.CompareTarget.Version, Version = 0 } },
            Success = { PutOp("b", "a was missing") },
        };
        var response = await local.Face.TxnAsync(new TxnRequest { Success = { PutOp("a", "1"), new RequestOp { RequestTxn = nested } } });
        Assert.True(response.Responses[1].ResponseTxn.Succeeded);
        Assert.Equal("b=a was missing", await local.Show("b"));
    }

    [Fact]
    public async Task Key_written_twice_is_refused()
    {
        Assert.Equal(EtcdErrors.DuplicateKey, await local.TxnError(new TxnRequest { Success = { PutOp("a", "1"), PutOp("a", "2") } }));
        Assert.Equal(EtcdErrors.DuplicateKey, await local.TxnError(new TxnRequest { Success = { PutOp("b", "1"), DeleteOp("a", "c") } }));
        var nested = new TxnRequest { Success = { PutOp("a", "1") }, Failure = { PutOp("a", "2") } };
        Assert.True((await local.Face.TxnAsync(new TxnRequest { Success = { new RequestOp { RequestTxn = nested } } })).Succeeded);
        Assert.Equal(EtcdErrors.DuplicateKey, await local.TxnError(new TxnRequest { Success = { new RequestOp { RequestTxn = nested }, PutOp("a", "3") } }));
    }

    [Fact]
    public async Task Refused_transaction_changes_nothing()
    {
        var request = new TxnRequest { Success = { PutOp("a", "1"), RangeOp("a", revision: 99) } };
        Assert.Equal(EtcdErrors.FutureRevision, await local.TxnError(request));
        Assert.Equal(1, (await local.Range("a")).Header.Revision);
        request = new TxnRequest { Success = { PutOp("a", "1"), new RequestOp { RequestPut = new PutRequest { Key = B("b"), Lease = 4 } } } };
        Assert.Equal(EtcdErrors.LeaseNotFound, await local.TxnError(request));
        Assert.Equal("", await local.Show("a", "z"));
        Assert.Equal(EtcdErrors.KeyNotFound, await local.TxnError(new TxnRequest { Success = { new RequestOp() } }));
    }

    [Fact]
    public async Task Too_many_operations_are_refused_over_all_levels()
    {
        var wide = new TxnRequest();
        for (var key = 0; key < 129; key++) wide.Success.Add(PutOp($"k{key}", ""));
        Assert.Equal(EtcdErrors.TooManyOps, await local.TxnError(wide));
        var outer = new TxnRequest();
        for (var key = 0; key < 127; key++) outer.Success.Add(PutOp($"k{key}", ""));
        outer.Success.Add(new RequestOp { RequestTxn = new TxnRequest { Success = { PutOp("x", "") } } });
        Assert.Equal(EtcdErrors.TooManyOps, await local.TxnError(outer));
    }
}
