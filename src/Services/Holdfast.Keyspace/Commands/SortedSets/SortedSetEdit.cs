namespace Holdfast.Keyspace;

/// <summary>A sorted set that a command changes: <see cref="Save"/> makes it the key's value. A small one is a run in order; it becomes large when the settings say so, and never small again.</summary>
internal ref struct SortedSetEdit
{
    /// <summary>Members from which on a run of them is cut out at once: fewer are removed one by one, which frees them at once.</summary>
    public const int CutMin = 1024;

    private readonly CommandCall call;
    private readonly RunEditor run;
    private readonly bool replaces;
    private KeyPlace place;
    private BigSortedSet? big;
    private bool isOpen;
    private bool isChanged;

    /// <param name="call">The command.</param>
    /// <param name="place">The key.</param>
    /// <param name="replaces">Whether it begins empty, and takes the place of whatever the key holds.</param>
    public SortedSetEdit(CommandCall call, KeyPlace place, bool replaces = false)
    {
        this.call = call;
        this.place = place;
        this.replaces = isChanged = replaces;
        run = call.Scratch.Run;
        if (!replaces && place.IsBig) big = (BigSortedSet)call.Keyspace.BigOf(place);
        else run.Load(place.Exists && !replaces ? place.Bytes : SortedSetRun.Empty);
    }

    /// <summary>Removes members from a rank on, many at once (<see cref="BigSortedSet.Cut"/>). True when the key is there afterwards.</summary>
    public static bool RemoveRange(CommandCall call, KeyPlace place, long rank, long count)
    {
        if (count == SortedSetValue.CountOf(call.Keyspace, place))
        {
            call.Keyspace.Remove(ref place);
            return false;
        }

        if (place.IsBig && count >= CutMin)
        {
            ((BigSortedSet)call.Keyspace.OpenBig(place)).Cut(rank, count);
            return true;
        }

        var gathering = new ScoreGathering { Members = call.Scratch.Gathered, Scores = call.Scratch.Scores };
        gathering.Begin();
        SortedSetValue.Walk(call, place, rank, count, isReverse: false, ref gathering);
        var edit = new SortedSetEdit(call, place);
        for (var i = 0; i < gathering.Members.Count; i++) edit.Remove(gathering.Members[i]);
        return edit.Save();
    }

    /// <summary>Members in it.</summary>
    public readonly long Count => big?.Count ?? SortedSetRun.CountOf(run.Bytes);

    /// <summary>The score of a member; false when it is not there.</summary>
    public readonly bool TryScore(scoped ReadOnlySpan<byte> member, out double score) =>
        big is not null ? big.TryScore(member, out score) : SortedSetRun.TryFind(run.Bytes, member, out score, out _, out _);

    /// <summary>So many members will come, the longest of so many bytes: one that will be large is large at once.</summary>
    public void Expect(long count, int longest)
    {
        var limits = call.Node.Settings.Collections;
        if (big is null && (count > limits.SortedSetEntries || longest > limits.SortedSetValue)) BecomeBig();
    }

    /// <summary>Adds a member, or gives it another score.</summary>
    public void Put(scoped ReadOnlySpan<byte> member, double score)
    {
        isChanged = true;
        if (big is null)
        {
            var isThere = SortedSetRun.TryFind(run.Bytes, member, out _, out var from, out var to);
            if (isThere) SortedSetRun.Remove(run, from, to);
            else Expect(Count + 1, member.Length);
        }

        if (big is null)
        {
            SortedSetRun.Add(run, member, score);
            return;
        }

        OpenBig();
        big.Put(member, score);
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(scoped ReadOnlySpan<byte> member)
    {
        if (big is not null)
        {
            OpenBig();
            if (!big.Remove(member)) return false;
        }
        else
        {
            if (!SortedSetRun.TryFind(run.Bytes, member, out _, out var from, out var to)) return false;
            SortedSetRun.Remove(run, from, to);
        }

        return isChanged = true;
    }

    /// <summary>Makes it the key's value; an empty one removes the key. True when the key is there afterwards.</summary>
    public bool Save()
    {
        if (!isChanged) return place.Exists;
        isChanged = false;
        if (Count == 0)
        {
            if (place.Exists) call.Keyspace.Remove(ref place);
            return false;
        }

        var expiry = replaces ? -1 : place.Expiry;
        if (big is null) call.Keyspace.Set(ref place, ValueKind.SortedSet, ValueEncoding.Listpack, run.Bytes, expiry);
        else if (!isOpen) call.Keyspace.SetBig(ref place, ValueKind.SortedSet, ValueEncoding.SkipList, big, expiry);
        return true;
    }

    private void BecomeBig()
    {
        big = new BigSortedSet(call.Keyspace);
        for (var at = PackedRun.HeadBytes; at < run.Length;)
        {
            var member = SortedSetRun.Next(run.Bytes, ref at, out var score);
            big.Put(member, score);
        }
    }

    /// <summary>A large one that was there already says that it changes.</summary>
    private void OpenBig()
    {
        if (isOpen || replaces || !place.IsBig) return;
        call.Keyspace.OpenBig(place);
        isOpen = true;
    }
}
