namespace Holdfast.Keyspace;

/// <summary>The elements of what can be sorted, in their own order.</summary>
internal static class SortSource
{
    public static bool CanRead(ValueKind kind) => kind is ValueKind.List;

    public static List<byte[]> Read(CommandCall call, scoped in KeyPlace place)
    {
        var texts = new List<byte[]>();
        var list = new ListEdit().Read(call, place);
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var at = list.First; at.IsThere; at = list.Next(at)) texts.Add(list.Value(at, scratch).ToArray());
        return texts;
    }
}
