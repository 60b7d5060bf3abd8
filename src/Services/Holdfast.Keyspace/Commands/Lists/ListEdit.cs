namespace Holdfast.Keyspace;

/// <summary>
/// A list being read or changed, small or large alike: <see cref="List"/> is a view of the record of a small one, a copy of it while it is changed, or the large value itself; <see cref="Save"/> puts
/// back what was changed, in the encoding that its size asks for. For one command at a time.
/// </summary>
internal sealed class ListEdit
{
    private readonly QuickList view = new(new NativeArena());
    private QuickList? copy;

    public QuickList List { get; private set; } = null!;

    /// <summary>Looks at a list that is there.</summary>
    public QuickList Read(CommandCall call, scoped in KeyPlace place)
    {
        if (place.IsBig) return List = (QuickList)call.Keyspace.BigOf(place);
        view.Borrow(place.Bytes);
        return List = view;
    }

    /// <summary>Has a list at hand to be changed; an empty one for a key that is not there.</summary>
    public QuickList Open(CommandCall call, scoped in KeyPlace place)
    {
        if (place.IsBig)
        {
            copy = null;
            return List = (QuickList)call.Keyspace.OpenBig(place);
        }

        copy = new QuickList(call.Keyspace.Arena, call.Keyspace);
        if (place.Exists) copy.Load(place.Bytes);
        return List = copy;
    }

    /// <summary>Sets a key to a list that was made for it, in the encoding that its size asks for.</summary>
    public static void Set(CommandCall call, scoped ref KeyPlace place, QuickList list, long expiry)
    {
        if (!Limits(call).IsSmall(list, isShrinking: false))
        {
            call.Keyspace.SetBig(ref place, ValueKind.List, ValueEncoding.Quicklist, list, expiry);
            return;
        }

        call.Keyspace.Set(ref place, ValueKind.List, ValueEncoding.Listpack, list.Single, expiry);
        list.Free(int.MaxValue);
    }

    /// <summary>Gives a large list's key what is left of the list, in the encoding in which it would have been had it been changed in place. A list without elements is removed. Its time to live stays.</summary>
    public static void Replace(CommandCall call, scoped ref KeyPlace place, QuickList left)
    {
        if (left.Count == 0) call.Keyspace.Remove(ref place);
        else if (!Limits(call).IsSmall(left, isShrinking: true)) call.Keyspace.SetBig(ref place, ValueKind.List, ValueEncoding.Quicklist, left, place.Expiry);
        else
        {
            call.Keyspace.Set(ref place, ValueKind.List, ValueEncoding.Listpack, left.Single, place.Expiry);
            left.Free(int.MaxValue);
        }
    }

    private static CollectionLimits Limits(CommandCall call) => call.Node.Settings.Collections;

    /// <summary>The change is made: stores it. A list without elements is removed. Its time to live stays.</summary>
    public void Save(CommandCall call, scoped ref KeyPlace place)
    {
        var list = List;
        var isSmall = Limits(call).IsSmall(list, isShrinking: copy is null);
        if (list.Count == 0)
        {
            if (place.Exists) call.Keyspace.Remove(ref place);
        }
        else if (copy is not null && !isSmall)
        {
            call.Keyspace.SetBig(ref place, ValueKind.List, ValueEncoding.Quicklist, copy, place.Expiry);
            copy = null;
            return;
        }
        else if (copy is not null || isSmall)
        {
            call.Keyspace.Set(ref place, ValueKind.List, ValueEncoding.Listpack, list.Single, place.Expiry);
        }

        copy?.Free(int.MaxValue);
        copy = null;
    }
}
