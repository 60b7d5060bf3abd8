using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>Executes single operations on the store, within a batch that its caller has begun.</summary>
internal sealed class KvExecutor(MvccStore store)
{
    /// <summary>Whether somebody waits for the reply here. Decides only how much of it is built, never what is stored.</summary>
    public bool IsReplyWanted { get; set; } = true;

    /// <summary>What a put needs and does not find, or null.</summary>
    public EtcdError? Refusal(PutRequest request)
    {
        if (request.Lease != 0 && !store.Leases.Contains(request.Lease)) return EtcdErrors.LeaseNotFound;
        var keeps = request.IgnoreValue || request.IgnoreLease;
        return keeps && store.FindLive(request.Key.Span) is null ? EtcdErrors.KeyNotFound : null;
    }

    /// <summary>Writes one key and tells of it; <see cref="Refusal"/> was asked before.</summary>
    public PutResponse Put(PutRequest request)
    {
        var response = new PutResponse { Header = new ResponseHeader { Revision = store.Revision + 1 } };
        if (request.PrevKv && store.FindLive(request.Key.Span) is { } before) response.PrevKv = Stored.ToKeyValue(before.Key, before.Latest);
        Write(request);
        return response;
    }

    /// <summary>Writes one key; <see cref="Refusal"/> was asked before.</summary>
    public void Write(PutRequest request)
    {
        // In a transaction an earlier nested deletion may have taken the key whose value was to be kept: then there is nothing to keep.
        var before = request.IgnoreValue || request.IgnoreLease ? store.FindLive(request.Key.Span) : null;
        var value = request.IgnoreValue ? before?.Latest.Value ?? [] : Bytes.Of(request.Value);
        var lease = request.IgnoreLease ? before?.Latest.Lease ?? 0 : request.Lease;
        store.Put(Bytes.Of(request.Key), value, lease);
    }

    /// <summary>Deletes a range of keys in one piece.</summary>
    public DeleteRangeResponse DeleteRange(DeleteRangeRequest request)
    {
        var execution = new DeleteRangeExecution(store, request, IsReplyWanted);
        execution.Step(int.MaxValue);
        return execution.Response();
    }

    /// <summary>Reads within a batch; errors were excluded before.</summary>
    public RangeResponse Range(RangeRequest request)
    {
        // On the other replicas nobody reads what a transaction has read.
        if (!IsReplyWanted) return new RangeResponse();
        using var scan = new RangeScan(store, request);
        if (scan.Error is not null) return new RangeResponse { Header = new ResponseHeader { Revision = store.ReadRevision } };
        scan.Step(int.MaxValue);
        return scan.Response();
    }

    /// <summary>The live keys of a range, in order.</summary>
    public List<KeyRecord> LiveIn(in KeyRange range)
    {
        List<KeyRecord> live = [];
        if (range.IsSingle)
        {
            if (store.FindLive(range.Start) is { } only) live.Add(only);
            return live;
        }

        if (range.IsEmpty) return live;
        var cursor = store.Keys.Seek(range.Start);
        while (cursor.Next() is { } record && range.IsBeforeEnd(record.Key))
            if (record.IsLive) live.Add(record);
        return live;
    }
}
