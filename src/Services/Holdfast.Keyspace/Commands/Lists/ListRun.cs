namespace Holdfast.Keyspace;

/// <summary>A walk over a list under way, block by block from either end, a slice a turn (<see cref="SlicedRun"/>). Its key is the command's first argument.</summary>
internal abstract class ListRun : SlicedRun
{
    private int passed;

    /// <summary>Whether it walks from the end.</summary>
    protected bool IsBackward { get; private set; }

    /// <summary>Whether there is a list at all, once it has ended.</summary>
    public bool IsThere { get; private set; }

    /// <summary>Begins with another command.</summary>
    protected void Prepare(bool isBackward)
    {
        IsBackward = isBackward;
        Prepare(firstKeyArgument: 1, keyCount: 1);
    }

    protected sealed override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.List;

    protected sealed override long Begin(CommandCall call)
    {
        passed = 0;
        IsThere = PlaceOf(0).Exists;
        Restart();
        return IsThere ? ListOf(call).Count : 0;
    }

    protected override bool GoOn(CommandCall call)
    {
        if (!IsThere) return true;
        var list = ListOf(call);
        for (var left = SliceElements; left > 0 && passed < list.Blocks; passed++)
        {
            var block = IsBackward ? list.Blocks - 1 - passed : passed;
            left -= list.CountOf(block);
            if (Visit(list, block, call)) return true;
        }

        return passed == list.Blocks;
    }

    protected override void Discard()
    {
        // A walk makes nothing outside the managed heap.
    }

    /// <summary>The list, to be looked at.</summary>
    protected QuickList ListOf(CommandCall call) => call.Scratch.ListView.Read(call, PlaceOf(0));

    /// <summary>Forgets what an earlier attempt has found.</summary>
    protected abstract void Restart();

    /// <summary>Looks at the next block; true when that was enough.</summary>
    protected abstract bool Visit(QuickList list, int block, CommandCall call);
}
