namespace Holdfast.Keyspace;

/// <summary>Says of each element whether it stands before a bound. Whatever comes after one that does not, does not either.</summary>
internal interface IOrderBound
{
    /// <summary>Whether an element is before the bound.</summary>
    bool IsBefore(double score, ReadOnlySpan<byte> member);
}

/// <summary>An element in its order: its score, so that most comparisons touch the node alone, and its record.</summary>
internal unsafe struct OrderEntry
{
    public double Score;
    public byte* Record;
}

/// <summary>Sees the elements of an order.</summary>
internal interface IOrderVisitor
{
    /// <summary>An element.</summary>
    void Visit(in OrderEntry entry);
}

/// <summary>A branch: the first element under it, its node, and how many elements it has.</summary>
internal unsafe struct OrderBranch
{
    public OrderEntry First;
    public OrderNode* Node;
    public long Size;
}

/// <summary>A node of an <see cref="OrderTree"/>, 1 KiB: this head, then entries (a leaf, whose neighbours are linked) or branches.</summary>
internal unsafe struct OrderNode
{
    public const int LeafMax = 62;
    public const int BranchMax = 31;
    public const int Bytes = 1024;

    public int Count;
    public OrderNode* Next;
    public OrderNode* Previous;

    public static OrderEntry* EntriesOf(OrderNode* node) => (OrderEntry*)(node + 1);

    public static OrderBranch* BranchesOf(OrderNode* node) => (OrderBranch*)(node + 1);

    /// <summary>The branch in which the bound is: the last one whose first element is before it.</summary>
    public static int BranchBefore<TBound>(OrderNode* node, in TBound bound)
        where TBound : IOrderBound, allows ref struct
    {
        var (low, high) = (1, node->Count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            ref var entry = ref BranchesOf(node)[middle].First;
            if (bound.IsBefore(entry.Score, RecordHead.KeyOf(entry.Record))) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    public static int LeafBefore<TBound>(OrderNode* leaf, in TBound bound)
        where TBound : IOrderBound, allows ref struct
    {
        var (low, high) = (0, leaf->Count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            ref var entry = ref EntriesOf(leaf)[middle];
            if (bound.IsBefore(entry.Score, RecordHead.KeyOf(entry.Record))) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    public static void PutEntry(OrderNode* leaf, int at, in OrderEntry entry)
    {
        new Span<OrderEntry>(EntriesOf(leaf) + at, leaf->Count - at).CopyTo(new Span<OrderEntry>(EntriesOf(leaf) + at + 1, leaf->Count - at));
        EntriesOf(leaf)[at] = entry;
        leaf->Count++;
    }

    public static void PutBranch(OrderNode* node, int at, in OrderBranch branch)
    {
        new Span<OrderBranch>(BranchesOf(node) + at, node->Count - at).CopyTo(new Span<OrderBranch>(BranchesOf(node) + at + 1, node->Count - at));
        BranchesOf(node)[at] = branch;
        node->Count++;
    }

    public static void TakeBranch(OrderNode* node, int at)
    {
        node->Count--;
        new Span<OrderBranch>(BranchesOf(node) + at + 1, node->Count - at).CopyTo(new Span<OrderBranch>(BranchesOf(node) + at, node->Count - at));
    }

    public static long SizeOf(OrderNode* node)
    {
        var size = 0L;
        for (var i = 0; i < node->Count; i++) size += BranchesOf(node)[i].Size;
        return size;
    }
}
