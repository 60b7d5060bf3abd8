using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A long range of a list, a slice a turn.</summary>
internal sealed class ListReplyRun : ReplyRun
{
    private readonly long start;
    private readonly long end;

    /// <param name="start">The number of the first element, as it was asked for.</param>
    /// <param name="end">The number of the last one.</param>
    public ListReplyRun(long start, long end)
        : base(keyArgument: 1) => (this.start, this.end) = (start, end);

    protected override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.List;

    protected override long BeginElements(CommandCall call) => Bounds(call).Count;

    protected override bool WriteSome(CommandCall call, RespWriter writer)
    {
        var (first, count) = Bounds(call);
        if (count == 0) return true;
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var list = call.Scratch.ListView.Read(call, PlaceOf(0));
        var at = list.Seek(first + Elements);
        for (var left = Math.Min(SliceElements, count - Elements); left > 0; left--, Elements++, at = left > 0 ? list.Next(at) : at) writer.Bulk(list.Value(at, scratch));
        return Elements == count;
    }

    private (long First, long Count) Bounds(CommandCall call)
    {
        var place = PlaceOf(0);
        if (!place.Exists) return default;
        var (first, last) = ListCommands.Clip(start, end, call.Scratch.ListView.Read(call, place).Count);
        return (first, Math.Max(0, last - first + 1));
    }
}
