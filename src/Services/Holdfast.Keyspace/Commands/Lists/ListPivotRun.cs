namespace Holdfast.Keyspace;

/// <summary>The search for the first element of a value, the command's third argument (LINSERT).</summary>
internal sealed class ListPivotRun : ListRun
{
    /// <summary>Where it is; good until the list is changed.</summary>
    public ListPlace Found { get; private set; }

    /// <summary>Begins with another command.</summary>
    public ListPivotRun ForNext()
    {
        Prepare(isBackward: false);
        return this;
    }

    protected override void Restart() => Found = ListPlace.None;

    protected override bool Visit(QuickList list, int block, CommandCall call)
    {
        for (var at = list.FirstOf(block); at.Block == block; at = list.Next(at))
        {
            if (!list.IsEqual(at, call[3])) continue;
            Found = at;
            return true;
        }

        return false;
    }
}
