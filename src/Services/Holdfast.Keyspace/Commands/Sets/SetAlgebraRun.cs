using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>What is made of some sets.</summary>
internal enum SetOperation : byte
{
    Union = 0,
    Intersection = 1,
    Difference = 2,
}

/// <summary>A union, intersection or difference of sets under way: it walks one set after the other, or the smallest and asks the others. What is to be stored and will be large is made large on the way.</summary>
internal sealed class SetAlgebraRun : SlicedRun
{
    private readonly List<int> order = [];
    private SetOperation operation;
    private long limit;
    private bool isStored;
    private BigSet? made;
    private int walked;
    private ulong cursor;
    private int built;
    private bool isFound;

    /// <summary>The members of the result.</summary>
    public GatheredStrings Found { get; private set; } = new();

    /// <summary>Begins with another command.</summary>
    /// <param name="operation">What is made of the sets.</param>
    /// <param name="firstKey">The argument of the first key.</param>
    /// <param name="keys">How many there are.</param>
    /// <param name="limit">Members that are enough.</param>
    /// <param name="isStored">Whether <see cref="TakeLarge"/> will be asked for.</param>
    public SetAlgebraRun For(SetOperation operation, int firstKey, int keys, long limit = long.MaxValue, bool isStored = false)
    {
        (this.operation, this.limit, this.isStored) = (operation, limit, isStored);
        Prepare(firstKey, keys);
        return this;
    }

    /// <summary>The result as a large set that is the caller's from now on; null when it is small.</summary>
    public BigSet? TakeLarge()
    {
        var taken = made;
        made = null;
        return taken;
    }

    protected override bool Takes(ValueKind kind) => kind is ValueKind.None or ValueKind.Set;

    protected override long Begin(CommandCall call)
    {
        Found.Clear();
        (walked, cursor, built, isFound) = (0, 0, 0, false);
        order.Clear();
        for (var i = 0; i < Keys; i++) order.Add(i);
        if (operation == SetOperation.Intersection) Order(call.Keyspace);
        if (operation != SetOperation.Union) return CountOf(call.Keyspace, order[0]) * Math.Max(1, Keys - 1);
        made = new BigSet(call.Keyspace);
        var size = 0L;
        for (var i = 0; i < Keys; i++) size += CountOf(call.Keyspace, i);
        return size;
    }

    protected override bool GoOn(CommandCall call)
    {
        if (!isFound)
        {
            isFound = operation == SetOperation.Union ? UniteSome(call.Keyspace) : FilterSome(call.Keyspace);
            return isFound && !IsToBeLarge(call);
        }

        made ??= new BigSet(call.Keyspace);
        for (var left = SliceElements; left > 0 && built < Found.Count; left--) made.Add(Found[built++]);
        return built == Found.Count;
    }

    protected override void Discard()
    {
        if (IsSliced) Found = new GatheredStrings();
        Drop();
    }

    /// <summary>What was made is not needed; what is large dies in slices.</summary>
    private void Drop()
    {
        if (IsSliced) made?.Abandon();
        else made?.FreeAll();
        made = null;
    }

    /// <summary>The small ones first.</summary>
    private void Order(Keyspace keyspace)
    {
        for (var i = 1; i < Keys; i++)
            for (var at = i; at > 0 && CountOf(keyspace, order[at]) < CountOf(keyspace, order[at - 1]); at--)
                (order[at], order[at - 1]) = (order[at - 1], order[at]);
    }

    private long CountOf(Keyspace keyspace, int key) => SetValue.CountOf(keyspace, PlaceOf(key));

    /// <summary>The result is found: whether it is still to be made large. More members than any setting allows in a small form are large, whatever they are.</summary>
    private bool IsToBeLarge(CommandCall call)
    {
        var limits = call.Node.Settings.Collections;
        var isLarge = isStored && Found.Count > Math.Max(limits.SetEntries, limits.SetIntegers);
        if (operation != SetOperation.Union) return isLarge;
        if (isLarge) return false; // What was seen is the result.
        Drop();
        return false;
    }

    private bool UniteSome(Keyspace keyspace)
    {
        var uniting = new Uniting { Seen = made!, Into = Found };
        for (var left = (long)SliceElements; walked < Keys && left > 0;)
        {
            cursor = SetValue.WalkSome(keyspace, PlaceOf(walked), cursor, (int)left, ref uniting);
            left -= cursor == 0 ? Math.Max(1, CountOf(keyspace, walked)) : left;
            if (cursor == 0) walked++;
        }

        return walked == Keys;
    }

    private bool FilterSome(Keyspace keyspace)
    {
        var filtering = new Filtering { Run = this, Keyspace = keyspace, Wanted = operation == SetOperation.Intersection };
        cursor = SetValue.WalkSome(keyspace, PlaceOf(order[0]), cursor, Math.Max(1, SliceElements / Math.Max(1, Keys - 1)), ref filtering);
        return cursor == 0 || filtering.IsDone;
    }

    /// <summary>Takes the members that are in all of the others, or in none.</summary>
    private struct Filtering : IMemberVisitor
    {
        public SetAlgebraRun Run;
        public Keyspace Keyspace;
        public bool Wanted;

        public readonly bool IsDone => Run.Found.Count >= Run.limit;

        public readonly void Visit(ReadOnlySpan<byte> member)
        {
            for (var i = 1; i < Run.Keys; i++)
                if (SetValue.Contains(Keyspace, Run.PlaceOf(Run.order[i]), member) != Wanted) return;
            Run.Found.Add(member);
        }
    }

    private struct Uniting : IMemberVisitor
    {
        public BigSet Seen;
        public GatheredStrings Into;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member)
        {
            if (Seen.Add(member)) Into.Add(member);
        }
    }
}
