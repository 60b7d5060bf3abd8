using Holdfast.Primitives;
using Branch = Holdfast.Keyspace.OrderBranch;
using Entry = Holdfast.Keyspace.OrderEntry;
using Node = Holdfast.Keyspace.OrderNode;
using static Holdfast.Keyspace.OrderNode;

namespace Holdfast.Keyspace;

/// <summary>
/// The order of a large sorted set: a B+ tree of scores and records outside the managed heap, which knows how many elements every branch has, so that ranks are found in as many steps as elements are. Nodes take 1 KiB;
/// a score and an address are 16 bytes in a leaf, so an element takes about 23 where a skip list takes 45 and more. (Bayer and McCreight; the counts are Knuth's, TAOCP 6.2.3.)
/// A struct: keep it where it lives and never copy it.
/// </summary>
internal unsafe struct OrderTree
{
    private const int DepthMax = 16;

    private Node* root;
    private Node* first;
    private int depth;

    /// <summary>The way from the root to a leaf: a node and a place in it for each step.</summary>
    private ref struct Path
    {
        public Span<nint> Nodes;
        public Span<int> Places;
    }

    /// <summary>Elements in it.</summary>
    public long Count { get; private set; }

    /// <summary>Nodes in it.</summary>
    public int Nodes { get; private set; }

    /// <summary>Where an element is, or would be.</summary>
    internal readonly struct Place(nint leaf, int at)
    {
        public nint Leaf { get; } = leaf;

        public int At { get; } = at;
    }

    /// <summary>How many elements are before a bound.</summary>
    public readonly long CountBefore<TBound>(in TBound bound)
        where TBound : IOrderBound, allows ref struct
    {
        if (root is null) return 0;
        var node = root;
        var before = 0L;
        for (var level = depth; level > 0; level--)
        {
            var at = BranchBefore(node, bound);
            for (var i = 0; i < at; i++) before += BranchesOf(node)[i].Size;
            node = BranchesOf(node)[at].Node;
        }

        return before + LeafBefore(node, bound);
    }

    /// <summary>The element of a rank, from which a walk goes on by <see cref="TryNext"/> and <see cref="TryPrevious"/>.</summary>
    public readonly Place At(long rank)
    {
        var node = root;
        for (var level = depth; level > 0; level--)
        {
            var branch = BranchesOf(node);
            while (rank >= branch->Size) rank -= branch++->Size;
            node = branch->Node;
        }

        return new Place((nint)node, (int)rank);
    }

    /// <summary>The record at a place.</summary>
    public static byte* RecordAt(Place place) => EntriesOf((Node*)place.Leaf)[place.At].Record;

    /// <summary>Goes to the next element; false behind the last one.</summary>
    public static bool TryNext(ref Place place)
    {
        var leaf = (Node*)place.Leaf;
        if (place.At + 1 < leaf->Count) place = new Place(place.Leaf, place.At + 1);
        else if (leaf->Next is null) return false;
        else place = new Place((nint)leaf->Next, 0);
        return true;
    }

    /// <summary>Goes to the element before; false before the first one.</summary>
    public static bool TryPrevious(ref Place place)
    {
        var leaf = (Node*)place.Leaf;
        if (place.At > 0) place = new Place(place.Leaf, place.At - 1);
        else if (leaf->Previous is null) return false;
        else place = new Place((nint)leaf->Previous, leaf->Previous->Count - 1);
        return true;
    }

    /// <summary>Adds an element that is not there.</summary>
    public void Add(NativeArena arena, double score, byte* record)
    {
        if (root is null)
        {
            root = first = Take(arena);
            depth = 0;
        }

        var entry = new Entry { Score = score, Record = record };
        var path = new Path { Nodes = stackalloc nint[DepthMax], Places = stackalloc int[DepthMax] };
        var leaf = Descend(new Exact(score, record), path, 1);
        var at = LeafBefore(leaf, new Exact(score, record));
        Count++;
        if (leaf->Count < LeafMax)
        {
            PutEntry(leaf, at, entry);
            if (at == 0) TellFirst(path, depth, entry);
            return;
        }

        // A leaf at the end stays full when what comes is behind it: who adds in order wastes nothing.
        var right = Take(arena);
        var kept = at == LeafMax && leaf->Next is null ? LeafMax : LeafMax / 2;
        new Span<Entry>(EntriesOf(leaf) + kept, LeafMax - kept).CopyTo(new Span<Entry>(EntriesOf(right), LeafMax));
        (leaf->Count, right->Count) = (kept, LeafMax - kept);
        right->Next = leaf->Next;
        right->Previous = leaf;
        if (leaf->Next is not null) leaf->Next->Previous = right;
        leaf->Next = right;
        if (at <= kept && kept < LeafMax) PutEntry(leaf, at, entry);
        else PutEntry(right, at - kept, entry);
        if (at == 0) TellFirst(path, depth, entry);
        AddBranch(arena, path, depth, new Branch { First = EntriesOf(right)[0], Node = right, Size = right->Count });
    }

    /// <summary>Removes an element that is there.</summary>
    public void Remove(NativeArena arena, double score, byte* record)
    {
        var path = new Path { Nodes = stackalloc nint[DepthMax], Places = stackalloc int[DepthMax] };
        var leaf = Descend(new Exact(score, record), path, -1);
        var at = LeafBefore(leaf, new Exact(score, record));
        Invariant.Holds(at < leaf->Count && EntriesOf(leaf)[at].Record == record, "an element that was to be removed is not in its order");
        Count--;
        leaf->Count--;
        new Span<Entry>(EntriesOf(leaf) + at + 1, leaf->Count - at).CopyTo(new Span<Entry>(EntriesOf(leaf) + at, leaf->Count - at));
        if (leaf->Count == 0) Unlink(arena, path, leaf);
        else
        {
            if (at == 0) TellFirst(path, depth, EntriesOf(leaf)[0]);
            MergeLeaf(arena, path, leaf);
        }
    }

    /// <summary>Takes some elements from a rank on out of it, but not all of it has, and returns them in an order of their own: the work is about that of two elements' removal.</summary>
    public OrderTree Cut(NativeArena arena, long rank, long count)
    {
        Invariant.Holds(rank >= 0 && count > 0 && rank + count <= Count && count < Count, "a run was to be cut out of an order that is not in it, or is all of it");
        var made = 0;
        var taken = new OrderTree { root = OrderCut.Take(arena, root, depth, rank, rank + count, ref made), depth = depth, Count = count };
        Count -= count;
        taken.Nodes = OrderCut.NodesOf(taken.root, depth);
        Nodes -= taken.Nodes - made;
        taken.first = OrderCut.LeafOf(taken.root, depth, isLast: false);
        taken.first->Previous = null;
        OrderCut.LeafOf(taken.root, depth, isLast: true)->Next = null;
        var before = rank > 0 ? (Node*)At(rank - 1).Leaf : null;
        var after = rank < Count ? (Node*)At(rank).Leaf : null;
        if (before is null) first = after;
        else if (before != after) before->Next = after;
        if (after is not null && before != after) after->Previous = before;
        Lower(arena);
        return taken;
    }

    /// <summary>Whether this very record is in it, at its score.</summary>
    public readonly bool Contains(byte* record)
    {
        if (root is null) return false;
        var bound = new Exact(ScoreRecord.Score(record), record);
        var node = root;
        for (var level = depth; level > 0; level--) node = BranchesOf(node)[bound.BranchOf(node)].Node;
        var at = LeafBefore(node, bound);
        return at < node->Count && EntriesOf(node)[at].Record == record;
    }

    /// <summary>Frees up to so many leaves; nothing is looked up any more. True when no node is left.</summary>
    public bool FreeSome(NativeArena arena, int leavesMax)
    {
        var visitor = default(Nobody);
        return FreeSome(arena, leavesMax, ref visitor);
    }

    /// <summary>As <see cref="FreeSome(NativeArena, int)"/>, and shows each element before its leaf is freed.</summary>
    public bool FreeSome<TVisitor>(NativeArena arena, int leavesMax, ref TVisitor visitor)
        where TVisitor : IOrderVisitor, allows ref struct
    {
        for (; leavesMax > 0 && first is not null; leavesMax--)
        {
            var leaf = first;
            for (var i = 0; i < leaf->Count; i++) visitor.Visit(EntriesOf(leaf)[i]);
            first = leaf->Next;
            Give(arena, leaf);
        }

        if (first is not null) return false;
        if (root is not null && depth > 0) FreeBranches(arena, root, depth);
        root = null;
        Count = 0;
        return true;
    }

    private readonly struct Nobody : IOrderVisitor
    {
        public void Visit(in Entry entry)
        {
            // Only the nodes are freed.
        }
    }

    /// <summary>The element at the beginning of a node at this many steps has changed: those above learn of it, as far as it is theirs too.</summary>
    private static void TellFirst(in Path path, int steps, in Entry entry)
    {
        for (var step = steps - 1; step >= 0; step--)
        {
            BranchesOf((Node*)path.Nodes[step])[path.Places[step]].First = entry;
            if (path.Places[step] > 0) return;
        }
    }

    /// <summary>Goes down to where an element is or belongs, and counts it on the way.</summary>
    private readonly Node* Descend(in Exact bound, in Path path, int change)
    {
        var node = root;
        for (var step = 0; step < depth; step++)
        {
            var at = bound.BranchOf(node);
            (path.Nodes[step], path.Places[step]) = ((nint)node, at);
            BranchesOf(node)[at].Size += change;
            node = BranchesOf(node)[at].Node;
        }

        return node;
    }

    /// <summary>A node at this many steps has a new sibling to its right.</summary>
    private void AddBranch(NativeArena arena, in Path path, int steps, Branch added)
    {
        for (var step = steps - 1; step >= 0; step--)
        {
            var node = (Node*)path.Nodes[step];
            var at = path.Places[step] + 1;
            BranchesOf(node)[at - 1].Size -= added.Size;
            if (node->Count < BranchMax)
            {
                PutBranch(node, at, added);
                return;
            }

            var right = Take(arena);
            var kept = at == BranchMax ? BranchMax - 1 : BranchMax / 2;
            new Span<Branch>(BranchesOf(node) + kept, BranchMax - kept).CopyTo(new Span<Branch>(BranchesOf(right), BranchMax));
            (node->Count, right->Count) = (kept, BranchMax - kept);
            if (at <= kept) PutBranch(node, at, added);
            else PutBranch(right, at - kept, added);
            added = new Branch { First = BranchesOf(right)[0].First, Node = right, Size = SizeOf(right) };
        }

        var top = Take(arena);
        var left = depth == 0 ? EntriesOf(root)[0] : BranchesOf(root)[0].First;
        top->Count = 2;
        BranchesOf(top)[0] = new Branch { First = left, Node = root, Size = Count - added.Size };
        BranchesOf(top)[1] = added;
        root = top;
        depth++;
        Invariant.Holds(depth < DepthMax, "an order is deeper than any memory");
    }

    /// <summary>A leaf that is empty goes, and with it the nodes above that held nothing else.</summary>
    private void Unlink(NativeArena arena, in Path path, Node* leaf)
    {
        if (leaf->Previous is not null) leaf->Previous->Next = leaf->Next;
        else first = leaf->Next;
        if (leaf->Next is not null) leaf->Next->Previous = leaf->Previous;
        Give(arena, leaf);
        for (var step = depth - 1; step >= 0; step--)
        {
            var node = (Node*)path.Nodes[step];
            TakeBranch(node, path.Places[step]);
            if (node->Count > 0)
            {
                if (path.Places[step] == 0) TellFirst(path, step, BranchesOf(node)[0].First);
                Lower(arena);
                return;
            }

            Give(arena, node);
        }

        root = first = null;
        depth = 0;
    }

    /// <summary>A leaf of which little is left joins its neighbour under the same node, and so do the nodes above.</summary>
    private void MergeLeaf(NativeArena arena, in Path path, Node* leaf)
    {
        if (depth == 0 || leaf->Count > LeafMax / 4) return;
        var above = (Node*)path.Nodes[depth - 1];
        var at = path.Places[depth - 1];
        if (above->Count == 1) return;
        var leftAt = at == above->Count - 1 ? at - 1 : at;
        ref var left = ref BranchesOf(above)[leftAt];
        ref var right = ref BranchesOf(above)[leftAt + 1];
        var target = left.Node;
        var source = right.Node;
        if (target->Count + source->Count > LeafMax * 3 / 4) return;
        new Span<Entry>(EntriesOf(source), source->Count).CopyTo(new Span<Entry>(EntriesOf(target) + target->Count, source->Count));
        target->Count += source->Count;
        target->Next = source->Next;
        if (source->Next is not null) source->Next->Previous = target;
        left.Size += right.Size;
        Give(arena, source);
        TakeBranch(above, leftAt + 1);
        for (var step = depth - 1; step > 0; step--) MergeBranch(arena, path, step);
        Lower(arena);
    }

    private void MergeBranch(NativeArena arena, in Path path, int step)
    {
        var node = (Node*)path.Nodes[step];
        var above = (Node*)path.Nodes[step - 1];
        var at = path.Places[step - 1];
        if (node->Count > BranchMax / 4 || above->Count == 1) return;
        var leftAt = at == above->Count - 1 ? at - 1 : at;
        ref var left = ref BranchesOf(above)[leftAt];
        ref var right = ref BranchesOf(above)[leftAt + 1];
        var target = left.Node;
        var source = right.Node;
        if (target->Count + source->Count > BranchMax * 3 / 4) return;
        new Span<Branch>(BranchesOf(source), source->Count).CopyTo(new Span<Branch>(BranchesOf(target) + target->Count, source->Count));
        target->Count += source->Count;
        left.Size += right.Size;
        Give(arena, source);
        TakeBranch(above, leftAt + 1);
    }

    /// <summary>A root with one branch is none.</summary>
    private void Lower(NativeArena arena)
    {
        while (depth > 0 && root->Count == 1)
        {
            var old = root;
            root = BranchesOf(old)[0].Node;
            depth--;
            Give(arena, old);
        }
    }

    private void FreeBranches(NativeArena arena, Node* node, int level)
    {
        for (var i = 0; level > 1 && i < node->Count; i++) FreeBranches(arena, BranchesOf(node)[i].Node, level - 1);
        Give(arena, node);
    }

    private Node* Take(NativeArena arena)
    {
        Nodes++;
        var node = (Node*)arena.Take(Node.Bytes);
        *node = default;
        return node;
    }

    private void Give(NativeArena arena, Node* node)
    {
        Nodes--;
        arena.Give((byte*)node, Node.Bytes);
    }

    /// <summary>Where one element stands: behind all that are smaller.</summary>
    private readonly ref struct Exact(double score, byte* record) : IOrderBound
    {
        private readonly ReadOnlySpan<byte> member = RecordHead.KeyOf(record);

        public bool IsBefore(double other, ReadOnlySpan<byte> otherMember) => other < score || (other == score && otherMember.SequenceCompareTo(member) < 0);

        /// <summary>The branch it is in: the last one whose first element is not behind it.</summary>
        public int BranchOf(Node* node)
        {
            var (low, high) = (1, node->Count);
            while (low < high)
            {
                var middle = (low + high) >> 1;
                ref var entry = ref BranchesOf(node)[middle].First;
                if (entry.Record == record || IsBefore(entry.Score, RecordHead.KeyOf(entry.Record))) low = middle + 1;
                else high = middle;
            }

            return low - 1;
        }
    }
}
