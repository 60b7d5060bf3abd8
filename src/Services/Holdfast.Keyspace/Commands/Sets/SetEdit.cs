using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A set that a command changes: <see cref="Save"/> makes it the key's value. Whole numbers alone are an integer set; other small ones a run of members; what grows over the settings becomes large.</summary>
internal ref struct SetEdit
{
    private readonly CommandCall call;
    private readonly RunEditor run;
    private readonly bool replaces;
    private KeyPlace place;
    private BigSet? big;
    private ValueEncoding encoding;
    private bool isOpen;
    private bool isChanged;

    /// <param name="call">The command.</param>
    /// <param name="place">The key.</param>
    /// <param name="replaces">Whether it begins empty, and takes the place of whatever the key holds.</param>
    public SetEdit(CommandCall call, KeyPlace place, bool replaces = false)
    {
        this.call = call;
        this.place = place;
        this.replaces = isChanged = replaces;
        run = call.Scratch.Run;
        encoding = place.Exists && !replaces ? place.Encoding : ValueEncoding.None;
        if (encoding == ValueEncoding.HashTable) big = (BigSet)call.Keyspace.BigOf(place);
        else if (encoding != ValueEncoding.None) run.Load(place.Bytes);
    }

    /// <summary>Members in it.</summary>
    public readonly long Count => encoding switch
    {
        ValueEncoding.None => 0,
        ValueEncoding.IntSet => IntSetRun.CountOf(run.Bytes),
        ValueEncoding.Listpack => SetRun.CountOf(run.Bytes),
        _ => big!.Count,
    };

    /// <summary>Adds a member; false when it is there.</summary>
    public bool Add(scoped ReadOnlySpan<byte> member)
    {
        if (encoding == ValueEncoding.None) Begin(member);
        if (encoding == ValueEncoding.IntSet)
        {
            if (RespNumber.TryParse(member, out long number))
            {
                if (!IntSetRun.Add(run, number)) return false;
                isChanged = true;
                if (IntSetRun.CountOf(run.Bytes) > call.Node.Settings.Collections.SetIntegers) BecomeBig();
                return true;
            }

            BecomeRun();
        }

        if (encoding == ValueEncoding.Listpack)
        {
            if (SetRun.TryFind(run.Bytes, member, out _, out _)) return false;
            isChanged = true;
            if (SetRun.CountOf(run.Bytes) < call.Node.Settings.Collections.SetEntries && member.Length <= call.Node.Settings.Collections.SetValue)
            {
                SetRun.Add(run, member);
                return true;
            }

            BecomeBig();
        }

        OpenBig();
        if (!big!.Add(member)) return false;
        isChanged = true;
        return true;
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(scoped ReadOnlySpan<byte> member)
    {
        var isRemoved = false;
        if (encoding == ValueEncoding.IntSet) isRemoved = RespNumber.TryParse(member, out long number) && IntSetRun.Remove(run, number);
        else if (encoding == ValueEncoding.Listpack) isRemoved = SetRun.Remove(run, member);
        else if (encoding != ValueEncoding.None)
        {
            OpenBig();
            isRemoved = big!.Remove(member);
        }

        isChanged |= isRemoved;
        return isRemoved;
    }

    /// <summary>Makes it the key's value; an empty set removes the key. True when the key is there afterwards.</summary>
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
        if (big is null) call.Keyspace.Set(ref place, ValueKind.Set, encoding, run.Bytes, expiry);
        else if (!isOpen) call.Keyspace.SetBig(ref place, ValueKind.Set, ValueEncoding.HashTable, big, expiry);
        return true;
    }

    private void Begin(scoped ReadOnlySpan<byte> member)
    {
        encoding = RespNumber.TryParse(member, out long _) ? ValueEncoding.IntSet : ValueEncoding.Listpack;
        run.Load(encoding == ValueEncoding.IntSet ? IntSetRun.Empty : SetRun.Empty);
    }

    /// <summary>An integer set gets a member that is no number.</summary>
    private void BecomeRun()
    {
        var count = IntSetRun.CountOf(run.Bytes);
        if (count >= call.Node.Settings.Collections.SetEntries)
        {
            BecomeBig();
            return;
        }

        var gathered = call.Scratch.Members;
        gathered.Clear();
        GatherIntegers(gathered);
        run.Load(SetRun.Empty);
        encoding = ValueEncoding.Listpack;
        for (var i = 0; i < gathered.Count; i++) SetRun.Add(run, gathered[i]);
    }

    private void BecomeBig()
    {
        big = new BigSet(call.Keyspace);
        if (encoding == ValueEncoding.IntSet)
        {
            Span<byte> text = stackalloc byte[24];
            for (var i = 0; i < IntSetRun.CountOf(run.Bytes); i++) big.Add(text[..RespNumber.Format(IntSetRun.At(run.Bytes, i), text)]);
        }
        else
        {
            for (var at = PackedRun.HeadBytes; at < run.Length;) big.Add(PackedRun.Next(run.Bytes, ref at));
        }

        encoding = ValueEncoding.HashTable;
    }

    private readonly void GatherIntegers(GatheredStrings into)
    {
        Span<byte> text = stackalloc byte[24];
        for (var i = 0; i < IntSetRun.CountOf(run.Bytes); i++) into.Add(text[..RespNumber.Format(IntSetRun.At(run.Bytes, i), text)]);
    }

    /// <summary>A large set that was there already says that it changes.</summary>
    private void OpenBig()
    {
        if (isOpen || replaces || !place.IsBig) return;
        call.Keyspace.OpenBig(place);
        isOpen = true;
    }
}
