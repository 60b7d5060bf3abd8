using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

/// <summary>The streamed Range of etcd 3.7.</summary>
public sealed class RangeStreamTests
{
    private readonly Local local = new();

    [Fact]
    public async Task Parts_merged_in_order_are_what_Range_answers()
    {
        var dice = new SeededRandom(11);
        for (var i = 0; i < 300; i++) await local.Face.PutAsync(RandomRequests.Put(dice) is { Key.Length: > 0 } put ? new PutRequest { Key = put.Key, Value = put.Value } : new PutRequest { Key = Local.B("a") });
        for (var i = 0; i < 300; i++)
        {
            var request = RandomRequests.Range(dice, local.Machine.Store.Revision);
            (request.SortOrder, request.SortTarget) = (RangeRequest.Types.SortOrder.None, RangeRequest.Types.SortTarget.Key);
            EtcdError? refusal = null;
            var whole = new RangeResponse();
            try
            {
                whole = await local.Face.RangeAsync(request);
            }
            catch (EtcdException failure)
            {
                refusal = failure.Error;
            }

            if (refusal is null) Assert.Equal(whole, await MergedAsync(request));
            else Assert.Equal(refusal, (await Assert.ThrowsAsync<EtcdException>(() => MergedAsync(request))).Error);
        }
    }

    [Fact]
    public async Task Large_ranges_come_in_parts_of_one_revision_and_compaction_ends_them()
    {
        var value = ByteString.CopyFrom(new byte[200 * 1024]);
        for (var i = 0; i < 20; i++) await local.Face.PutAsync(new PutRequest { Key = Local.B($"k{i:00}"), Value = value });
        var request = new RangeRequest { Key = Local.B("k"), RangeEnd = Local.B("l") };
        var parts = 0;
        await foreach (var part in local.Face.RangeStreamAsync(request))
        {
            if (parts++ == 0) await local.Put("k99", "too late");
            Assert.True(part.RangeResponse.Kvs.Count < 20);
        }

        Assert.True(parts > 3);
        var failure = await Assert.ThrowsAsync<EtcdException>(async () =>
        {
            await foreach (var _ in local.Face.RangeStreamAsync(request))
            {
                await local.Put("other", "1");
                await local.Compact(local.Machine.Store.Revision);
            }
        });
        Assert.Equal(EtcdErrors.Compacted, failure.Error);
    }

    [Fact]
    public async Task Another_order_is_refused()
    {
        var failure = await Assert.ThrowsAsync<EtcdException>(() => MergedAsync(new RangeRequest { Key = Local.B("a"), SortOrder = RangeRequest.Types.SortOrder.Descend }));
        Assert.Equal(EtcdErrors.InvalidSortOption, failure.Error);
    }

    private async Task<RangeResponse> MergedAsync(RangeRequest request)
    {
        var merged = new RangeResponse();
        await foreach (var part in local.Face.RangeStreamAsync(request)) merged.MergeFrom(part.RangeResponse);
        return merged;
    }
}
