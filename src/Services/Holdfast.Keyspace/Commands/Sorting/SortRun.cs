namespace Holdfast.Keyspace;

/// <summary>
/// A SORT under way: it copies the elements, orders the copy, and makes a list of what is to be stored, a slice a turn. What it shows is the value as it was when the last element was copied: the key is needed no longer than
/// that, unless the result is stored.
/// </summary>
internal sealed class SortRun : SlicedRun
{
    /// <summary>Elements that are ordered at once, before they are merged.</summary>
    private const int RunElements = 512;

    private SortOrder order;
    private SortTexts texts = new();
    private SortElement[] elements = [];
    private SortElement[] merged = [];
    private ulong cursor;
    private bool isCopied;
    private readonly long from;
    private readonly long count;
    private Keyspace? home;
    private QuickList? list;
    private int listed;
    private int ordered;
    private int width;
    private int pairAt;
    private int left;
    private int right;

    /// <param name="order">How it is to be ordered.</param>
    /// <param name="from">Elements that are passed over.</param>
    /// <param name="count">Elements that are wanted; fewer than none for all.</param>
    public SortRun(SortOrder order, long from, long count)
    {
        (this.order, this.from, this.count) = (order, from, count);
        Prepare(firstKeyArgument: 1, keyCount: 1);
    }

    /// <summary>Elements so far.</summary>
    public int Count { get; private set; }

    /// <summary>An element is no number, so there is no order.</summary>
    public bool IsFaulty { get; private set; }

    /// <summary>Elements of the result.</summary>
    public int Wanted => count < 0 ? Count - First : (int)Math.Min(count, Count - First);

    private int First => (int)Math.Clamp(from, 0, Count);

    /// <summary>An element of the result.</summary>
    public ReadOnlySpan<byte> this[int index] => texts[elements[First + index]];

    /// <summary>The result as a list, which is the caller's from now on; for what is stored.</summary>
    public QuickList TakeList()
    {
        var taken = list!;
        list = null;
        return taken;
    }

    /// <summary>An element, while it is copied.</summary>
    public void Add(ReadOnlySpan<byte> text)
    {
        var weight = 0d;
        if (order.IsByNumber && !SortOrder.TryWeight(text, out weight)) IsFaulty = true;
        if (Count == elements.Length) Array.Resize(ref elements, Math.Max(16, Count * 2)); // As many as were counted fit; more come only when the value lies about its size.
        elements[Count++] = texts.Add(text, weight);
    }

    protected override bool Takes(ValueKind kind) => kind == ValueKind.None || SortSource.CanRead(kind);

    protected override long Begin(CommandCall call)
    {
        (Count, IsFaulty, cursor, isCopied, ordered, width, listed) = (0, false, 0, false, 0, 0, 0);
        var place = PlaceOf(0);
        if (!place.Exists) return 0;

        // What is stored, or comes out of a script, must be the same on every replica: a set has no order of its own.
        if (order.IsUnsorted && place.Kind == ValueKind.Set && (order.IsStored || call.DeniesWaiting)) order = order with { IsUnsorted = false, IsAlphabetic = true };
        elements = new SortElement[SortSource.CountOf(call, place)];
        return elements.Length;
    }

    protected override bool GoOn(CommandCall call)
    {
        if (isCopied) return IsFaulty || (TryMergeSome() && (!order.IsStored || TryListSome(call.Keyspace)));
        Copy(call);
        return IsFaulty;
    }

    protected override void Discard()
    {
        (texts, elements, merged) = (new SortTexts(), [], []);
        if (list is not null) home!.Discard(list);
        list = null;
    }

    private void Copy(CommandCall call)
    {
        var place = PlaceOf(0);
        if (place.Exists) cursor = SortSource.Read(call, place, cursor, SliceElements, this);
        isCopied = cursor == 0 || IsFaulty;
        if (!isCopied) return;
        if (!order.IsStored) LetGo();
        if (order is { IsUnsorted: true, IsDescending: true } && place.Kind != ValueKind.Set) elements.AsSpan(0, Count).Reverse();
    }

    /// <summary>Orders some: first runs of a few, then merges them two by two (a merge sort from below). True when all is in order.</summary>
    private bool TryMergeSome()
    {
        if (order.IsUnsorted) return true;
        var budget = SliceElements;
        for (; ordered < Count; budget -= RunElements)
        {
            if (budget <= 0) return false;
            var run = elements.AsSpan(ordered, Math.Min(RunElements, Count - ordered));
            run.Sort((one, other) => order.Compare(texts, one, other));
            ordered += run.Length;
        }

        if (width == 0)
        {
            if (Count > RunElements) merged = new SortElement[Count];
            BeginPass(RunElements);
        }

        while (width < Count)
        {
            if (!TryMergePass(ref budget)) return false;
            (elements, merged) = (merged, elements);
            BeginPass(width * 2);
        }

        return true;
    }

    private bool TryListSome(Keyspace keyspace)
    {
        home = keyspace;
        list ??= new QuickList(keyspace.Arena, keyspace);
        for (var left = SliceElements; left > 0 && listed < Wanted; left--) list.Push(this[listed++], isFirst: false);
        return listed == Wanted;
    }

    private bool TryMergePass(ref int budget)
    {
        while (pairAt < Count)
        {
            var middle = Math.Min(pairAt + width, Count);
            var end = (int)Math.Min(pairAt + (2L * width), Count);
            while (left < middle || right < end)
            {
                if (budget-- <= 0) return false;
                var target = left + right - middle;
                merged[target] = right >= end || (left < middle && order.Compare(texts, elements[left], elements[right]) <= 0) ? elements[left++] : elements[right++];
            }

            BeginPair(end);
        }

        return true;
    }

    private void BeginPass(int runs)
    {
        width = runs;
        BeginPair(0);
    }

    private void BeginPair(int at)
    {
        pairAt = left = at;
        right = (int)Math.Min((long)at + width, Count);
    }
}
