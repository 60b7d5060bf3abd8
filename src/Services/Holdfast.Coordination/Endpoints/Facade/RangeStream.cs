using System.Runtime.CompilerServices;
using Google.Protobuf;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>
/// A Range that leaves in parts (etcd 3.7): merged in order they are what Range would answer. All parts are of one revision; it is not pinned, because a
/// client that does not read must not keep history alive, so a compaction in between ends the stream with the error that etcd gives.
/// </summary>
internal sealed class RangeStream(IKeyspaceGroup group, RangeRequest request, Caller? caller)
{
    /// <summary>Why a request cannot be streamed, or null: what is sorted must be whole first.</summary>
    public static EtcdError? Refusal(RangeRequest request)
    {
        var isInOrder = request is { SortOrder: RangeRequest.Types.SortOrder.None or RangeRequest.Types.SortOrder.Ascend, SortTarget: RangeRequest.Types.SortTarget.Key };
        return RequestCheck.Of(request) ?? (isInOrder ? null : EtcdErrors.InvalidSortOption);
    }

    /// <summary>The parts, the first with the header's revision, the last with count and more.</summary>
    public async IAsyncEnumerable<(RangeResponse Part, Term Term)> PartsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var place = new RangePlace(request);
        for (var isFirst = true; !place.IsDone; isFirst = false)
        {
            var (part, term, error) = await group.ReadAsync(new RangePartRead(request, place) { Caller = caller }, isFirst && !request.Serializable, cancel).ConfigureAwait(false);
            if (error is not null) throw new EtcdException(error);
            yield return (part!, term);
        }
    }
}

/// <summary>How far a streamed range has come.</summary>
internal sealed class RangePlace(RangeRequest request)
{
    /// <summary>What is read.</summary>
    public KeyRange Range { get; } = KeyRange.Of(request.Key, request.RangeEnd);

    /// <summary>The revision, once the first part was read.</summary>
    public long Revision { get; set; }

    /// <summary>The last key looked at.</summary>
    public byte[]? After { get; set; }

    /// <summary>Keys in the range.</summary>
    public long Count { get; set; }

    /// <summary>Keys sent.</summary>
    public long Sent { get; set; }

    /// <summary>Whether the limit left keys out.</summary>
    public bool HasMore { get; set; }

    /// <summary>Whether the last part was read.</summary>
    public bool IsDone { get; set; }
}

/// <summary>Reads one part: about half a megabyte, or what is left.</summary>
internal sealed class RangePartRead(RangeRequest request, RangePlace place) : KeyspaceRead<(RangeResponse? Part, Term Term, EtcdError? Error)>
{
    private const int PartBytes = 512 * 1024;

    private readonly RangeResponse part = new() { Header = new ResponseHeader() };
    private int bytes;

    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        var store = machine.Store;
        if (machine.Guard.IsOn && (machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.RefusalOf(who, request)) is { } refused)
        {
            Result = (null, machine.Role.Term, refused);
            return true;
        }

        if (place.Revision == 0)
        {
            part.Header.Revision = store.Revision;
            place.Revision = request.Revision <= 0 ? store.Revision : request.Revision;
        }

        var error = store.Alarms.IsCorrupt ? EtcdErrors.Corrupt : place.Revision > store.Revision ? EtcdErrors.FutureRevision : place.Revision < store.Compacted ? EtcdErrors.Compacted : null;
        if (error is null && !Slice(store)) return false;
        Result = (part, machine.Role.Term, error);
        return true;
    }

    /// <summary>A slice of keys; true when the part is full or the range at its end.</summary>
    private bool Slice(MvccStore store)
    {
        if (place.Range.IsEmpty) return Finish();
        if (place.Range.IsSingle)
        {
            if (store.Keys.Find(place.Range.Start) is { } only) Look(only);
            return Finish();
        }

        var cursor = place.After is null ? store.Keys.Seek(place.Range.Start) : store.Keys.SeekAfter(place.After);
        for (var count = 0; count < SliceSize.Keys; count++)
        {
            if (cursor.Next() is not { } record || !place.Range.IsBeforeEnd(record.Key)) return Finish();
            place.After = record.Key;
            Look(record);
            if (bytes >= PartBytes) return true;
        }

        return false;
    }

    private bool Finish()
    {
        (part.Count, part.More, place.IsDone) = (place.Count, place.HasMore, true);
        return true;
    }

    private void Look(KeyRecord record)
    {
        var at = record.PlaceAt(place.Revision);
        if (at < 0 || !record[at].IsLive) return;
        place.Count++;
        ref readonly var version = ref record[at];
        if (request.CountOnly || !Passes(version)) return;
        if (request.Limit > 0 && place.Sent == request.Limit)
        {
            place.HasMore = true;
            return;
        }

        var kv = Stored.ToKeyValue(record.Key, version);
        if (request.KeysOnly) kv.Value = ByteString.Empty;
        part.Kvs.Add(kv);
        place.Sent++;
        bytes += kv.CalculateSize();
    }

    private bool Passes(in KeyVersion version) =>
        (request.MaxModRevision == 0 || version.Mod <= request.MaxModRevision) && (request.MinModRevision == 0 || version.Mod >= request.MinModRevision)
        && (request.MaxCreateRevision == 0 || version.Create <= request.MaxCreateRevision) && (request.MinCreateRevision == 0 || version.Create >= request.MinCreateRevision);
}
