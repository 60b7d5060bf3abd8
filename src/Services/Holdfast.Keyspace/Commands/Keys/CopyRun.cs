namespace Holdfast.Keyspace;

/// <summary>A COPY under way: the elements of a large hash, set or sorted set, a slice a turn. What is small, a list or a stream is copied by whoever asked, once it is the time: blocks of bytes at a time.</summary>
internal sealed class CopyRun : SlicedRun
{
    /// <summary>Bytes of a slice: large elements make fewer of it.</summary>
    private const int SliceBytes = 2 * 1024 * 1024;

    private TableValue? copy;
    private ulong cursor;

    public CopyRun() => Prepare(firstKeyArgument: 1, keyCount: 1);

    /// <summary>The copy, which is the caller's from now on; null when there was nothing to be copied so.</summary>
    public TableValue? Take()
    {
        var taken = copy;
        copy = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => true;

    protected override long Begin(CommandCall call)
    {
        (copy, cursor) = (SourceOf(call)?.MakeEmpty(), 0);
        return SourceOf(call)?.Count ?? 0;
    }

    protected override bool GoOn(CommandCall call)
    {
        if (SourceOf(call) is not { } source) return true;
        cursor = copy!.CopySome(source, cursor, SliceElements, SliceBytes);
        return cursor == 0;
    }

    protected override void Discard()
    {
        copy?.Abandon();
        copy = null;
    }

    private TableValue? SourceOf(CommandCall call)
    {
        var place = PlaceOf(0);
        return place.IsBig ? call.Keyspace.BigOf(place) as TableValue : null;
    }
}
