using Entry = Holdfast.Keyspace.OrderEntry;
using Branch = Holdfast.Keyspace.OrderBranch;
using Node = Holdfast.Keyspace.OrderNode;
using static Holdfast.Keyspace.OrderNode;

namespace Holdfast.Keyspace;

/// <summary>
/// Takes a run of elements out of an order, in about the work of two ways from the root to a leaf, whatever lies between: what is whole in the run goes as it is, and of each node at an edge of it a new one takes what the run has
/// of that node. (Nodes at the edges may be left with little; what is added and removed there later fills and merges them.)
/// </summary>
internal static unsafe class OrderCut
{
    /// <summary>Takes the elements from a place on up to another out of a node that has more than these; the node that has them, at the same level.</summary>
    /// <param name="arena">Where nodes come from.</param>
    /// <param name="node">The node.</param>
    /// <param name="level">Levels below it; zero is a leaf.</param>
    /// <param name="from">Elements of the node before the run.</param>
    /// <param name="to">Elements of the node before the run's end.</param>
    /// <param name="made">Counts nodes that are new.</param>
    public static Node* Take(NativeArena arena, Node* node, int level, long from, long to, ref int made)
    {
        made++;
        var taken = (Node*)arena.Take(Node.Bytes);
        *taken = default;
        if (level == 0) TakeEntries(node, taken, (int)from, (int)to);
        else TakeBranches(arena, node, taken, level, from, to, ref made);
        return taken;
    }

    /// <summary>The first element under a node.</summary>
    public static Entry FirstOf(Node* node, int level) => level == 0 ? EntriesOf(node)[0] : BranchesOf(node)[0].First;

    /// <summary>The leaf at an end.</summary>
    public static Node* LeafOf(Node* node, int level, bool isLast)
    {
        for (; level > 0; level--) node = BranchesOf(node)[isLast ? node->Count - 1 : 0].Node;
        return node;
    }

    /// <summary>Nodes from this one down; leaves are counted without being looked at.</summary>
    public static int NodesOf(Node* node, int level)
    {
        var nodes = 1;
        if (level == 1) nodes += node->Count;
        for (var i = 0; level > 1 && i < node->Count; i++) nodes += NodesOf(BranchesOf(node)[i].Node, level - 1);
        return nodes;
    }

    /// <summary>Of a leaf. The new one is its neighbour on the side where the run goes on; links to what stays are set by whoever cuts.</summary>
    private static void TakeEntries(Node* leaf, Node* taken, int from, int to)
    {
        var all = leaf->Count;
        new Span<Entry>(EntriesOf(leaf) + from, to - from).CopyTo(new Span<Entry>(EntriesOf(taken), LeafMax));
        new Span<Entry>(EntriesOf(leaf) + to, all - to).CopyTo(new Span<Entry>(EntriesOf(leaf) + from, LeafMax - from));
        (leaf->Count, taken->Count) = (all - (to - from), to - from);
        if (to == all && leaf->Next is not null)
        {
            taken->Next = leaf->Next;
            leaf->Next->Previous = taken;
        }

        if (from == 0 && leaf->Previous is not null)
        {
            taken->Previous = leaf->Previous;
            leaf->Previous->Next = taken;
        }
    }

    private static void TakeBranches(NativeArena arena, Node* node, Node* taken, int level, long from, long to, ref int made)
    {
        var (kept, begin) = (0, 0L);
        for (var i = 0; i < node->Count; i++)
        {
            var branch = BranchesOf(node)[i];
            var (first, behind) = (Math.Max(from - begin, 0), Math.Min(to - begin, branch.Size));
            begin += branch.Size;
            if (first == 0 && behind == branch.Size)
            {
                BranchesOf(taken)[taken->Count++] = branch;
                continue;
            }

            if (first < behind)
            {
                var part = Take(arena, branch.Node, level - 1, first, behind, ref made);
                BranchesOf(taken)[taken->Count++] = new Branch { First = FirstOf(part, level - 1), Node = part, Size = behind - first };
                branch = new Branch { First = FirstOf(branch.Node, level - 1), Node = branch.Node, Size = branch.Size - (behind - first) };
            }

            BranchesOf(node)[kept++] = branch;
        }

        node->Count = kept;
    }
}
