namespace Holdfast.Keyspace;

/// <summary>The elements of what can be sorted, in their own order.</summary>
internal static class SortSource
{
    public static bool CanRead(ValueKind kind) => kind is ValueKind.List or ValueKind.Set or ValueKind.SortedSet;

    public static List<byte[]> Read(CommandCall call, scoped in KeyPlace place)
    {
        var texts = new List<byte[]>();
        var gathering = new Gathering { Texts = texts };
        if (place.Kind == ValueKind.Set)
        {
            SetValue.Walk(call.Keyspace, place, ref gathering);
            return texts;
        }

        if (place.Kind == ValueKind.SortedSet)
        {
            SortedSetValue.WalkAll(call, place, ref gathering);
            return texts;
        }

        var list = new ListEdit().Read(call, place);
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var at = list.First; at.IsThere; at = list.Next(at)) texts.Add(list.Value(at, scratch).ToArray());
        return texts;
    }

    private struct Gathering : IMemberVisitor, IScoreVisitor
    {
        public List<byte[]> Texts;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Texts.Add(member.ToArray());

        public readonly void Visit(ReadOnlySpan<byte> member, double score) => Texts.Add(member.ToArray());
    }
}
