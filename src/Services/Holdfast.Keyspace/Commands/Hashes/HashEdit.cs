namespace Holdfast.Keyspace;

/// <summary>
/// A hash that a command changes: fields are set and removed one by one, and <see cref="Save"/> makes it the key's value. A small one is changed beside its key and set as a whole; it becomes large when the settings say so,
/// and never small again, as in Redis.
/// </summary>
internal unsafe ref struct HashEdit
{
    private readonly CommandCall call;
    private readonly RunEditor run;
    private KeyPlace place;
    private BigHash? big;
    private bool isOpen;
    private bool isChanged;

    public HashEdit(CommandCall call, KeyPlace place)
    {
        this.call = call;
        this.place = place;
        run = call.Scratch.Run;
        if (place.IsBig) big = (BigHash)call.Keyspace.BigOf(place);
        else run.Load(place.Exists ? place.Bytes : HashRun.Empty);
    }

    /// <summary>Fields in it.</summary>
    public readonly long Count => big?.Count ?? HashRun.CountOf(run.Bytes);

    /// <summary>Says that no field of a small hash expires before this date; a large one knows.</summary>
    public void SetSoonest(long date)
    {
        if (big is not null) return;
        isChanged = true;
        HashRun.SetSoonest(run, date);
    }

    /// <summary>Looks a field up; what it yields is good until the next change.</summary>
    public readonly bool TryGet(scoped ReadOnlySpan<byte> name, out HashField field)
    {
        if (big is null) return HashRun.TryFind(run.Bytes, name, out field, out _, out _);
        var record = big.Find(name);
        field = record is null ? default : FieldRecord.FieldOf(record);
        return record is not null;
    }

    /// <summary>Makes it large when one of these arguments is longer than a small hash's may be: before any is set, as in Redis.</summary>
    public void Expect(int firstArgument, int lastArgument)
    {
        if (big is not null) return;
        for (var i = firstArgument; i <= lastArgument; i++)
        {
            if (call[i].Length <= call.Node.Settings.Collections.HashValue) continue;
            BecomeBig();
            return;
        }
    }

    /// <summary>Sets a field; true when it is new. One that had a date loses it, unless it is given again.</summary>
    public bool Set(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value, long date = -1)
    {
        isChanged = true;
        if (big is null && Math.Max(name.Length, value.Length) > call.Node.Settings.Collections.HashValue) BecomeBig();
        if (big is not null)
        {
            OpenBig();
            return big.Put(name, value, date);
        }

        var isThere = HashRun.TryFind(run.Bytes, name, out _, out var from, out var to);
        HashRun.Put(run, from, to, name, value, date);
        if (!isThere) HashRun.AddCount(run, 1);
        if (HashRun.CountOf(run.Bytes) > call.Node.Settings.Collections.HashEntries) BecomeBig();
        return !isThere;
    }

    /// <summary>Removes a field; false when it is not there.</summary>
    public bool Remove(scoped ReadOnlySpan<byte> name)
    {
        if (big is not null)
        {
            if (big.Find(name) is null) return false;
            OpenBig();
            isChanged = true;
            return big.Remove(name);
        }

        if (!HashRun.TryFind(run.Bytes, name, out _, out var from, out var to)) return false;
        isChanged = true;
        run.Splice(from, to - from, 0);
        HashRun.AddCount(run, -1);
        return true;
    }

    /// <summary>Sets when a field that is there expires; -1 for never.</summary>
    public void SetDate(scoped ReadOnlySpan<byte> name, long date)
    {
        isChanged = true;
        if (big is not null)
        {
            OpenBig();
            big.Put(name, FieldRecord.ValueOf(big.Find(name)), date);
            return;
        }

        HashRun.TryFind(run.Bytes, name, out _, out var from, out var to);
        HashRun.SetDate(run, from, to, date);
    }

    /// <summary>Calls for every field, as it stands.</summary>
    public readonly void Walk<TVisitor>(ref TVisitor visitor)
        where TVisitor : IFieldVisitor
    {
        if (big is not null)
        {
            var records = new Records<TVisitor>(ref visitor);
            big.Table.WalkAll(ref records);
            return;
        }

        for (var at = HashRun.FirstOf(run.Bytes); HashRun.TryNext(run.Bytes, ref at, out var field);) visitor.Visit(field);
    }

    /// <summary>Makes it the key's value; an empty hash removes the key. True when the key is there afterwards.</summary>
    public bool Save()
    {
        if (!isChanged) return place.Exists;
        if (Count == 0)
        {
            if (place.Exists) call.Keyspace.Remove(ref place);
            return false;
        }

        if (big is null) call.Keyspace.Set(ref place, ValueKind.Hash, ValueEncoding.Listpack, run.Bytes, place.Expiry);
        else if (!isOpen) call.Keyspace.SetBig(ref place, ValueKind.Hash, ValueEncoding.HashTable, big, place.Expiry);
        if ((big?.Soonest ?? HashRun.SoonestOf(run.Bytes)) != long.MaxValue) call.Keyspace.NoteFieldDates(place.Slot);
        isChanged = false;
        return true;
    }

    private void BecomeBig() => big = BigHash.Of(call.Keyspace, run.Bytes);

    /// <summary>A large hash that was there already says that it changes.</summary>
    private void OpenBig()
    {
        if (isOpen || !place.IsBig) return;
        call.Keyspace.OpenBig(place);
        isOpen = true;
    }

    private readonly ref struct Records<TVisitor>(ref TVisitor visitor) : IRecordVisitor
        where TVisitor : IFieldVisitor
    {
        private readonly ref TVisitor visitor = ref visitor;

        public void Visit(byte* record) => visitor.Visit(FieldRecord.FieldOf(record));
    }
}
