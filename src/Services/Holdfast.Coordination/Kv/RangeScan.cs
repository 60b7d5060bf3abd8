using Google.Protobuf;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Kv;

/// <summary>
/// A Range in slices. It fixes its revision when it begins and pins it, so that what it returns is one moment of the store however long it takes.
/// Dispose it when it is done or given up.
/// </summary>
internal sealed class RangeScan : IDisposable
{
    private readonly MvccStore store;
    private readonly RangeRequest request;
    private readonly KeyRange range;
    private readonly long collectMax;
    private readonly List<KeyValue> found = [];
    private byte[] after;
    private bool isBegun, isDone, isPinned;
    private long count;

    /// <summary>A scan that begins at the store's present revision, or the one that the request names.</summary>
    public RangeScan(MvccStore store, RangeRequest request)
    {
        (this.store, this.request) = (store, request);
        range = KeyRange.Of(request.Key, request.RangeEnd);
        after = range.Start;
        HeaderRevision = store.ReadRevision;
        Revision = request.Revision <= 0 ? HeaderRevision : request.Revision;

        // What is sorted or filtered needs everything first. etcd does not count a sort target without an order among these, and nor do we.
        var needsAll = request.SortOrder != RangeRequest.Types.SortOrder.None || request.MinModRevision != 0 || request.MaxModRevision != 0
            || request.MinCreateRevision != 0 || request.MaxCreateRevision != 0;
        collectMax = request.CountOnly ? 0 : needsAll || request.Limit is <= 0 or long.MaxValue ? long.MaxValue : request.Limit + 1;

        if (request.Revision > HeaderRevision) Error = EtcdErrors.FutureRevision;
        else if (Revision < store.Compacted) Error = EtcdErrors.Compacted;
        isDone = Error is not null || range.IsEmpty;
    }

    /// <summary>The revision that is read.</summary>
    public long Revision { get; }

    /// <summary>The store's revision when the scan began.</summary>
    public long HeaderRevision { get; }

    /// <summary>Why there is no response, or null.</summary>
    public EtcdError? Error { get; }

    /// <summary>Looks at up to <paramref name="keysMax"/> keys; true when the response is ready.</summary>
    public bool Step(int keysMax)
    {
        if (isDone) return true;
        if (range.IsSingle) return StepSingle();
        var cursor = isBegun ? store.Keys.SeekAfter(after) : store.Keys.Seek(after);
        isBegun = true;
        while (keysMax-- > 0)
        {
            if (cursor.Next() is not { } record || !range.IsBeforeEnd(record.Key)) return Finish();
            after = record.Key;
            Look(record);
        }

        if (!isPinned) store.Pin(Revision);
        isPinned = true;
        return false;
    }

    /// <summary>The response, once <see cref="Step"/> said true and there is no error.</summary>
    public RangeResponse Response()
    {
        if (request.MaxModRevision != 0) found.RemoveAll(kv => kv.ModRevision > request.MaxModRevision);
        if (request.MinModRevision != 0) found.RemoveAll(kv => kv.ModRevision < request.MinModRevision);
        if (request.MaxCreateRevision != 0) found.RemoveAll(kv => kv.CreateRevision > request.MaxCreateRevision);
        if (request.MinCreateRevision != 0) found.RemoveAll(kv => kv.CreateRevision < request.MinCreateRevision);
        var response = new RangeResponse { Header = new ResponseHeader { Revision = HeaderRevision }, Count = count };
        var sorted = RangeSort.Sorted(found, request.SortTarget, request.SortOrder);
        if (request.Limit > 0 && sorted.Count > request.Limit)
        {
            sorted.RemoveRange((int)request.Limit, sorted.Count - (int)request.Limit);
            response.More = true;
        }

        // Only now: a sort by value needs the values.
        if (request.KeysOnly)
            foreach (var kv in sorted) kv.Value = ByteString.Empty;
        response.Kvs.AddRange(sorted);
        return response;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isPinned) store.Unpin(Revision);
        isPinned = false;
    }

    private bool StepSingle()
    {
        if (store.Keys.Find(range.Start) is { } record) Look(record);
        return Finish();
    }

    private bool Finish()
    {
        isDone = true;
        Dispose();
        return true;
    }

    private void Look(KeyRecord record)
    {
        var place = record.PlaceAt(Revision);
        if (place < 0 || !record[place].IsLive) return;
        count++;
        if (found.Count < collectMax) found.Add(Stored.ToKeyValue(record.Key, record[place]));
    }
}

/// <summary>Orders a range's findings. Stable, so that ties stay in key order.</summary>
internal static class RangeSort
{
    /// <summary>The findings in the asked-for order. A target other than the key without an order means ascending, as in etcd.</summary>
    public static List<KeyValue> Sorted(List<KeyValue> found, RangeRequest.Types.SortTarget target, RangeRequest.Types.SortOrder order)
    {
        if (order == RangeRequest.Types.SortOrder.None)
        {
            if (target == RangeRequest.Types.SortTarget.Key) return found;
            order = RangeRequest.Types.SortOrder.Ascend;
        }

        // They come in key order already.
        if (order == RangeRequest.Types.SortOrder.Ascend && target == RangeRequest.Types.SortTarget.Key) return found;
        var comparer = new Order(target, order == RangeRequest.Types.SortOrder.Descend);
        return [.. found.Order(comparer)];
    }

    private sealed class Order(RangeRequest.Types.SortTarget target, bool isDescending) : IComparer<KeyValue>
    {
        public int Compare(KeyValue? left, KeyValue? right) => isDescending ? Ascending(right!, left!) : Ascending(left!, right!);

        private int Ascending(KeyValue left, KeyValue right) => target switch
        {
            RangeRequest.Types.SortTarget.Version => left.Version.CompareTo(right.Version),
            RangeRequest.Types.SortTarget.Create => left.CreateRevision.CompareTo(right.CreateRevision),
            RangeRequest.Types.SortTarget.Mod => left.ModRevision.CompareTo(right.ModRevision),
            RangeRequest.Types.SortTarget.Value => left.Value.Span.SequenceCompareTo(right.Value.Span),
            RangeRequest.Types.SortTarget.Key => left.Key.Span.SequenceCompareTo(right.Key.Span),

            // etcd ignores a target that it does not know.
            _ => 0,
        };
    }
}

/// <summary>Stored versions as the protocol shows them.</summary>
internal static class Stored
{
    /// <summary>A live version, without copying its bytes.</summary>
    public static KeyValue ToKeyValue(byte[] key, in KeyVersion version) => new()
    {
        Key = Bytes.Wrap(key),
        Value = Bytes.Wrap(version.Value ?? []),
        CreateRevision = version.Create,
        ModRevision = version.Mod,
        Version = version.Number,
        Lease = version.Lease,
    };
}
