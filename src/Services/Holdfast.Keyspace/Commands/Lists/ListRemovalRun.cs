namespace Holdfast.Keyspace;

/// <summary>
/// An LREM under way: a walk that finds the blocks with what is to go. Few are then changed in place; when there are many, what is left is copied, a slice a turn, and takes the place of all, which dies in slices. Either way the
/// list is cut into the same blocks, whoever did it how.
/// </summary>
internal sealed class ListRemovalRun : ListRun
{
    /// <summary>Blocks that are changed in one go: about a megabyte.</summary>
    private const int BlocksInPlaceMax = 128;

    private readonly List<(int Block, int Elements)> hits = [];
    private long wanted;
    private bool isFound;
    private QuickList? left;
    private int copied;
    private int passedHits;

    /// <summary>Elements that go.</summary>
    public long Removed { get; private set; }

    /// <summary>Begins with another command.</summary>
    /// <param name="count">As LREM's: so many from the beginning, from the end when it is negative, or all.</param>
    public ListRemovalRun For(long count)
    {
        wanted = count is 0 or long.MinValue ? long.MaxValue : Math.Abs(count);
        Prepare(isBackward: count < 0);
        return this;
    }

    /// <summary>Has the key hold what is left.</summary>
    public void Store(CommandCall call, ListEdit edit, scoped ref KeyPlace place)
    {
        if (left is { } made)
        {
            left = null;
            ListEdit.Replace(call, ref place, made);
            return;
        }

        // The last block first: one that goes as a whole changes the numbers of those behind it.
        if (!IsBackward) hits.Reverse();
        var list = edit.Open(call, place);
        foreach (var (block, elements) in hits) list.RemoveEqual(block, call[3], elements, IsBackward);
        edit.Save(call, ref place);
    }

    protected override void Restart()
    {
        hits.Clear();
        (Removed, isFound, copied, passedHits) = (0, false, 0, 0);
    }

    protected override bool GoOn(CommandCall call)
    {
        if (isFound) return CopySome(ListOf(call), call);
        isFound = base.GoOn(call);
        if (!isFound || !IsSliced || hits.Count <= BlocksInPlaceMax) return isFound;
        if (IsBackward) hits.Reverse();
        left = (QuickList)ListOf(call).MakeEmpty();
        return false;
    }

    protected override bool Visit(QuickList list, int block, CommandCall call)
    {
        var found = 0;
        for (var at = IsBackward ? list.LastOf(block) : list.FirstOf(block); at.Block == block && Removed + found < wanted; at = IsBackward ? list.Before(at) : list.Next(at))
            if (list.IsEqual(at, call[3])) found++;
        if (found > 0) hits.Add((block, found));
        Removed += found;
        return Removed == wanted;
    }

    protected override void Discard()
    {
        left?.Abandon();
        left = null;
    }

    private bool CopySome(QuickList list, CommandCall call)
    {
        for (var room = SliceElements; room > 0 && copied < list.Blocks; copied++)
        {
            room -= list.CountOf(copied);
            left!.AddCopy(list, copied);
            if (passedHits == hits.Count || hits[passedHits].Block != copied) continue;
            left.RemoveEqual(left.Blocks - 1, call[3], hits[passedHits++].Elements, IsBackward);
        }

        return copied == list.Blocks;
    }
}
