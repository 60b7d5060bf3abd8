namespace Holdfast.Keyspace;

/// <summary>A COPY under way: what a large value holds, a slice a turn. What is small is copied by whoever asked.</summary>
internal sealed class CopyRun : SlicedRun
{
    /// <summary>Bytes of a slice: large elements make fewer of it.</summary>
    private const int SliceBytes = 2 * 1024 * 1024;

    private BigValue? copy;
    private ulong cursor;

    public CopyRun() => Prepare(firstKeyArgument: 1, keyCount: 1);

    /// <summary>The copy, which is the caller's from now on; null when what is copied is small, or nothing.</summary>
    public BigValue? Take()
    {
        var taken = copy;
        copy = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => true;

    protected override long Begin(CommandCall call)
    {
        var source = SourceOf(call);
        (copy, cursor) = (source?.MakeEmpty(), 0);
        return source is null ? 0 : Math.Max(source.Count, source.Bytes / (SliceBytes / SliceElements));
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

    private BigValue? SourceOf(CommandCall call)
    {
        var place = PlaceOf(0);
        return place.IsBig ? call.Keyspace.BigOf(place) : null;
    }
}
