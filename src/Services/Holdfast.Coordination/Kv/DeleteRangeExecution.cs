using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>A DeleteRange within a batch, in slices: a range may hold the whole keyspace. All its deletions share the batch's revision, so nobody sees half of it.</summary>
internal sealed class DeleteRangeExecution(MvccStore store, DeleteRangeRequest request, bool isReplyWanted)
{
    private readonly KeyRange range = KeyRange.Of(request.Key, request.RangeEnd);
    private readonly DeleteRangeResponse response = new();
    private byte[]? after;

    /// <summary>Looks at up to <paramref name="keysMax"/> keys; true when the range is through.</summary>
    public bool Step(int keysMax)
    {
        if (range.IsSingle)
        {
            if (store.FindLive(range.Start) is { } only) Delete(only);
            return true;
        }

        if (range.IsEmpty) return true;
        var cursor = after is null ? store.Keys.Seek(range.Start) : store.Keys.SeekAfter(after);
        while (keysMax-- > 0)
        {
            if (cursor.Next() is not { } record || !range.IsBeforeEnd(record.Key)) return true;
            after = record.Key;
            if (record.IsLive) Delete(record);
        }

        return false;
    }

    /// <summary>The response, once <see cref="Step"/> said true and before the batch ends.</summary>
    public DeleteRangeResponse Response()
    {
        response.Header = new ResponseHeader { Revision = store.ReadRevision };
        return response;
    }

    private void Delete(KeyRecord record)
    {
        if (request.PrevKv && isReplyWanted) response.PrevKvs.Add(Stored.ToKeyValue(record.Key, record.Latest));
        store.Delete(record);
        response.Deleted++;
    }
}
