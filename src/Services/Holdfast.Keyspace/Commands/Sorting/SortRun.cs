using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// A SORT under way: it copies the elements and orders the copy, a slice a turn, so that nobody waits long for a large one. What it shows is the value as it was when the last element was copied: a change before that begins
/// the copy anew, and one before the result is stored too. Whoever is changed too often is sorted in one go. For the shard's loop.
/// </summary>
internal sealed class SortRun(SortOrder order) : IKeyWatcher
{
    /// <summary>Elements of a slice: about two milliseconds. What has no more is sorted in one go.</summary>
    private const int SliceElements = 16 * 1024;

    /// <summary>Elements that are ordered at once, before they are merged.</summary>
    private const int RunElements = 512;

    /// <summary>Copies that are begun in slices; the one after these is made in one go.</summary>
    private const int CopiesMax = 3;

    private static readonly Mark Sliced = new("keyspace: a sort went on in another turn", elsewhere: "SortingTests: the simulated clients use registers and transactions only");
    private static readonly Mark BegunAnew = new("keyspace: what was being sorted changed, and the sort began anew", elsewhere: "SortingTests: the simulated clients use registers and transactions only");

    private SortOrder order = order;
    private SortTexts texts = new();
    private SortElement[] elements = [];
    private SortElement[] merged = [];
    private WatchTable? watches;
    private byte[] watched = [];
    private int copies;
    private ulong cursor;
    private bool isSliced;
    private bool isCopied;
    private bool isBroken;
    private int ordered;
    private int width;
    private int pairAt;
    private int left;
    private int right;

    /// <summary>Elements so far.</summary>
    public int Count { get; private set; }

    /// <summary>An element is no number, so there is no order.</summary>
    public bool IsFaulty { get; private set; }

    /// <summary>The key holds what cannot be sorted.</summary>
    public bool IsOfOtherKind { get; private set; }

    /// <summary>An element of the result.</summary>
    public ReadOnlySpan<byte> this[int index] => texts[elements[index]];

    /// <summary>The result as a list of elements is longer than so many bytes.</summary>
    public bool IsLongerThan(int from, int count, long bytes)
    {
        for (var i = from; i < from + count && bytes >= 0; i++) bytes -= elements[i].Length;
        return bytes < 0;
    }

    /// <summary>Another slice, or all that is left; true when it has ended.</summary>
    /// <param name="call">The SORT; its second word names what is sorted.</param>
    /// <param name="mayRest">Whether it may go on in another turn.</param>
    public bool TryFinish(CommandCall call, bool mayRest)
    {
        do
        {
            if (isBroken && (!isCopied || order.IsStored)) Restart();
            if (!isCopied) Copy(call, mayRest && copies < CopiesMax);
            else if (IsFaulty || TryMergeSome()) return true;
        }
        while (!isSliced);
        Sliced.Hit();
        return false;
    }

    /// <summary>An element, while it is copied.</summary>
    public void Add(ReadOnlySpan<byte> text)
    {
        var weight = 0d;
        if (order.IsByNumber && !SortOrder.TryWeight(text, out weight)) IsFaulty = true;
        if (Count == elements.Length) Array.Resize(ref elements, Math.Max(16, Count * 2)); // As many as were counted fit; more come only when the value lies about its size.
        elements[Count++] = texts.Add(text, weight);
    }

    /// <summary>What is copied was changed, or is nobody's to say any more.</summary>
    public void OnChanged() => isBroken = true;

    /// <summary>It has ended, or is given up.</summary>
    public void End()
    {
        watches?.Forget(watched, this);
        watches = null;
    }

    private void Restart()
    {
        BegunAnew.Hit();
        End();
        (texts, elements, merged, Count, IsFaulty) = (new SortTexts(), [], [], 0, false);
        (cursor, isCopied, isBroken, ordered, width) = (0, false, false, 0, 0);
        copies++;
    }

    private void Copy(CommandCall call, bool mayRest)
    {
        var isFirst = cursor == 0;
        var place = isFirst ? call.Locate(1) : call.Keyspace.Locate(call[1], call.Slot);
        if (!isFirst && (!place.Exists || (place.Expiry >= 0 && place.Expiry < call.Now)))
        {
            isBroken = true;
            return;
        }

        if (isFirst && !TryBegin(call, place, mayRest)) return;
        do cursor = SortSource.Read(call, place, cursor, SliceElements, this);
        while (cursor != 0 && !isSliced && !IsFaulty);
        isCopied = cursor == 0 || IsFaulty;
        if (isCopied && !order.IsStored) End();
        if (isCopied && order is { IsUnsorted: true, IsDescending: true } && place.Kind != ValueKind.Set) elements.AsSpan(0, Count).Reverse();
    }

    private bool TryBegin(CommandCall call, in KeyPlace place, bool mayRest)
    {
        isSliced = false;
        IsOfOtherKind = place.Exists && !SortSource.CanRead(place.Kind);
        isCopied = IsOfOtherKind || !place.Exists;
        if (isCopied) return false;

        // What is stored, or comes out of a script, must be the same on every replica: a set has no order of its own.
        if (order.IsUnsorted && place.Kind == ValueKind.Set && (order.IsStored || call.DeniesWaiting)) order = order with { IsUnsorted = false, IsAlphabetic = true };
        elements = new SortElement[SortSource.CountOf(call, place)];
        isSliced = mayRest && elements.Length > SliceElements;
        if (!isSliced) return true;
        (watches, watched) = (call.Shard.Watches, call[1].ToArray());
        watches.Watch(watched, this);
        return true;
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
