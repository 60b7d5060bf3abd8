using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using static Holdfast.Coordination.Tests.DifferentialTests;

namespace Holdfast.Coordination.Tests;

/// <summary>Requests at the edges of what may be asked, to Debian's etcd and to us: the same answer or the same error. Each leaves a mark in the history, which must be the same in the end.</summary>
public sealed class EdgeDifferentialTests
{
    private static readonly ByteString A = Local.B("a"), Z = Local.B("z"), Zero = ByteString.CopyFrom(0);
    private readonly Local local = new();

    [Fact]
    public async Task Requests_at_the_edges_answer_alike()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var (kv, lease) = (new KV.KVClient(etcd.Calls), new Lease.LeaseClient(etcd.Calls));
        await Same(new LeaseGrantRequest { ID = 9, TTL = 5000 }, request => lease.LeaseGrantAsync(request), request => local.Face.LeaseGrantAsync(request));
        foreach (var put in Puts()) await Same(put, request => kv.PutAsync(request), request => local.Face.PutAsync(request));
        foreach (var range in Ranges()) await Same(range, request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
        foreach (var txn in Txns()) await Same(txn, request => kv.TxnAsync(request), request => local.Face.TxnAsync(request));
        foreach (var delete in Deletes()) await Same(delete, request => kv.DeleteRangeAsync(request), request => local.Face.DeleteRangeAsync(request));
        foreach (var revision in (long[])[0, -1, long.MinValue, 2, 2, 1, 9999, long.MaxValue])
            await Same(new CompactionRequest { Revision = revision, Physical = true }, request => kv.CompactAsync(request), request => local.Face.CompactAsync(request));
        foreach (var range in Ranges()) await Same(range, request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
        foreach (var id in (long[])[0, -1, 9, 9, long.MinValue, long.MaxValue])
        {
            await Same(new LeaseTimeToLiveRequest { ID = id, Keys = true }, request => lease.LeaseTimeToLiveAsync(request), request => local.Face.LeaseTimeToLiveAsync(request));
            await Same(new LeaseRevokeRequest { ID = id }, request => lease.LeaseRevokeAsync(request), request => local.Face.LeaseRevokeAsync(request));
        }

        await Same(new RangeRequest { Key = Zero, RangeEnd = Zero }, request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
    }

    private static IEnumerable<PutRequest> Puts() =>
    [
        new(), new() { Value = A }, new() { Key = A }, new() { Key = A, PrevKv = true }, new() { Key = A, Value = A, IgnoreValue = true }, new() { Key = A, IgnoreValue = true },
        new() { Key = A, Lease = -1 }, new() { Key = A, Lease = long.MaxValue }, new() { Key = A, Lease = 9 }, new() { Key = A, Lease = 9, IgnoreLease = true }, new() { Key = A, IgnoreLease = true, Value = Z },
        new() { Key = Local.B("new"), IgnoreLease = true }, new() { Key = Local.B("new"), IgnoreValue = true }, new() { Key = Zero, Value = Zero }, new() { Key = ByteString.CopyFrom(255, 255), Value = A },
        new() { Key = Local.B(new string('k', 4000)), Value = Local.B(new string('v', 100_000)) }, new() { Key = A, IgnoreLease = true, IgnoreValue = true, PrevKv = true },
    ];

    private static IEnumerable<DeleteRangeRequest> Deletes() =>
    [
        new(), new() { RangeEnd = Z }, new() { Key = Z, RangeEnd = A }, new() { Key = A, RangeEnd = A }, new() { Key = A, PrevKv = true }, new() { Key = A, PrevKv = true },
        new() { Key = ByteString.CopyFrom(255, 255), RangeEnd = Zero, PrevKv = true }, new() { Key = Zero, RangeEnd = ByteString.CopyFrom(0, 0), PrevKv = true },
    ];

    private static IEnumerable<RangeRequest> Ranges()
    {
        RangeRequest[] whole =
        [
            new(), new() { RangeEnd = Zero }, new() { Key = Zero, RangeEnd = Zero, KeysOnly = true }, new() { Key = Z, RangeEnd = A }, new() { Key = A, RangeEnd = A }, new() { Key = A, RangeEnd = ByteString.CopyFrom(0, 0) },
            new() { Key = Zero, RangeEnd = Zero, CountOnly = true, KeysOnly = true, Limit = 1 }, new() { Key = A, Limit = -5 }, new() { Key = Zero, RangeEnd = Zero, Limit = long.MaxValue, KeysOnly = true },
            new() { Key = A, MinModRevision = 9999 }, new() { Key = A, MaxModRevision = -1 }, new() { Key = A, MinCreateRevision = -7, MaxCreateRevision = 9999 },
            new() { Key = Zero, RangeEnd = Zero, KeysOnly = true, SortOrder = RangeRequest.Types.SortOrder.Descend, Limit = 2 },
        ];
        foreach (var range in whole) yield return range;
        foreach (var revision in (long[])[-1, 0, 1, 2, 3, 9999, long.MaxValue, long.MinValue]) yield return new RangeRequest { Key = A, RangeEnd = Z, Revision = revision };
    }

    private static IEnumerable<TxnRequest> Txns()
    {
        yield return new TxnRequest();
        yield return new TxnRequest { Success = { new RequestOp() } };
        yield return new TxnRequest { Failure = { new RequestOp() }, Compare = { new Compare { Key = A, Target = Compare.Types.CompareTarget.Version, Version = 99 } } };
        yield return new TxnRequest { Compare = { new Compare() }, Success = { Local.PutOp("t", "1") } };
        foreach (var target in Enum.GetValues<Compare.Types.CompareTarget>())
            foreach (var result in Enum.GetValues<Compare.Types.CompareResult>())
            {
                // A comparison without the value that it compares with, of a key that is there, of one that is not, and of ranges.
                yield return new TxnRequest { Compare = { new Compare { Key = A, Target = target, Result = result } }, Success = { Local.RangeOp("a") } };
                yield return new TxnRequest { Compare = { new Compare { Key = Local.B("nobody"), Target = target, Result = result } }, Success = { Local.RangeOp("a") } };
                yield return new TxnRequest { Compare = { new Compare { Key = A, RangeEnd = Zero, Target = target, Result = result } }, Success = { Local.RangeOp("a") } };
                yield return new TxnRequest { Compare = { new Compare { Key = Z, RangeEnd = A, Target = target, Result = result } }, Success = { Local.RangeOp("a") } };
            }

        yield return new TxnRequest { Success = { Local.PutOp("a", "1"), Local.PutOp("a", "2") } };
        yield return new TxnRequest { Success = { Local.PutOp("a", "1"), Local.DeleteOp("a") } };
        yield return new TxnRequest { Success = { Local.DeleteOp("a"), Local.PutOp("a", "1") } };
        yield return new TxnRequest { Success = { Local.PutOp("a", "1") }, Failure = { Local.PutOp("a", "1") } };
        yield return new TxnRequest { Success = { Local.PutOp("a", "1"), new RequestOp { RequestTxn = new TxnRequest { Success = { Local.PutOp("a", "2") } } } } };
        yield return new TxnRequest { Success = { new RequestOp { RequestTxn = new TxnRequest { Success = { Local.PutOp("a", "1") }, Failure = { Local.PutOp("a", "2") } } } } };
        yield return new TxnRequest { Success = { Local.DeleteOp("a", "c"), Local.PutOp("b", "2") } };
        yield return new TxnRequest { Success = { Local.DeleteOp("a", "c"), Local.DeleteOp("b", "d") } };
        yield return new TxnRequest { Success = { Local.PutOp("m", "1"), Local.RangeOp("a", "z", 9999) } };
        yield return new TxnRequest { Success = { Local.PutOp("m", "2"), Local.RangeOp("a", "z", -1) } };
        yield return new TxnRequest { Success = { Local.PutOp("", "2") } };
        yield return new TxnRequest { Success = { Local.PutOp("m", "3"), Local.RangeOp("m"), Local.PutOp("n", "3"), Local.RangeOp("m", "o") } };
        yield return new TxnRequest { Success = { new RequestOp { RequestPut = new PutRequest { Key = Local.B("l"), Lease = 77 } }, Local.PutOp("m", "4") } };
    }
}
