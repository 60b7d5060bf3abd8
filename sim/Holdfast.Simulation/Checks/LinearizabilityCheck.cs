using Holdfast.Primitives;

namespace Holdfast.Simulation.Checks;

/// <summary>What the check found.</summary>
internal enum LinearizabilityVerdict : byte
{
    Linearizable = 0,
    Violated = 1,

    /// <summary>The search was given up at its bound; counted, printed, and never taken for a yes.</summary>
    Undecided = 2,
}

/// <summary>
/// Decides whether one register's history could have been produced by a single copy that executes every operation at one moment between its call
/// and its return (Herlihy and Wing). The search is Wing and Gong's, with Lowe's memoisation: of all orders that linearize the same set of
/// operations and leave the same value, only the first is followed. Registers are independent, so each key is checked alone (P-compositionality).
/// </summary>
internal static class LinearizabilityCheck
{
    /// <summary>Steps after which a search is given up.</summary>
    public const long StepsMax = 5_000_000;

    public static LinearizabilityVerdict Decide(IReadOnlyList<Operation> history) => new Search(Relevant(history)).Run();

    /// <summary>
    /// Leaves out what cannot matter: unanswered reads, and unanswered writes of a value that nobody saw. (In any order that has such a write, the
    /// next operation that learns what it found is separated from it by another write; so without it the order is still a witness.)
    /// </summary>
    private static List<Operation> Relevant(IReadOnlyList<Operation> history)
    {
        var seen = new HashSet<ulong>();
        foreach (var operation in history)
        {
            if (operation.HasReturned && operation.ObservesPrior) seen.Add(operation.Observed);
            if (operation.Kind == OperationKind.CompareAndSwap && !(operation.HasReturned && operation.ObservesPrior)) seen.Add(operation.Expected);
        }

        var relevant = new List<Operation>(history.Count);
        foreach (var operation in history)
        {
            var leavesTrace = operation.Kind switch
            {
                OperationKind.Get => false,
                OperationKind.Delete => seen.Contains(0),
                _ => seen.Contains(operation.Value),
            };
            if (operation.HasReturned || leavesTrace) relevant.Add(operation);
        }

        return relevant;
    }

    /// <summary>A call or a return in the history's time line, doubly linked so that lifting an operation out and putting it back is O(1).</summary>
    private sealed class Node
    {
        public required int Operation { get; init; }

        /// <summary>Of a call: its return. Of a return: null.</summary>
        public Node? Match { get; set; }

        public Node? Next { get; set; }

        public Node? Previous { get; set; }
    }

    /// <summary>
    /// Operations that were answered are tried before those whose outcome nobody knows, and of the latter only one that changes the register to what somebody finds who may be next. (Any other
    /// can be left out of an order that has it: what it leaves there nobody learns.) So a pile of unanswered writes is not tried in all its subsets.
    /// </summary>
    private sealed class Search(List<Operation> operations)
    {
        private readonly UInt128[] names = Named(operations.Count);
        private readonly HashSet<(UInt128 Linearized, ulong Value)> visited = [];
        private readonly Stack<Choice> taken = new();
        private readonly Node head = TimeLine(operations);

        private readonly record struct Choice(Node Call, ulong ValueBefore, bool WasUnanswered);

        public LinearizabilityVerdict Run()
        {
            var mustReturn = operations.Count(static operation => operation.HasReturned);
            var (value, linearized, triesUnanswered, returned) = (0UL, UInt128.Zero, false, 0);
            var at = head.Next;
            for (var steps = 0L; returned < mustReturn; steps++)
            {
                if (steps > StepsMax) return LinearizabilityVerdict.Undecided;
                if (at is { Match: not null })
                {
                    var operation = operations[at.Operation];
                    if (operation.HasReturned != triesUnanswered && operation.Allows(value) && (operation.HasReturned || IsLearnt(at, value)))
                    {
                        var (set, next) = (linearized ^ names[at.Operation], operation.Apply(value));
                        if (visited.Add((set, next)))
                        {
                            taken.Push(new Choice(at, value, triesUnanswered));
                            Lift(at);
                            if (operation.HasReturned) returned++;
                            (linearized, value, triesUnanswered, at) = (set, next, false, head.Next);
                            continue;
                        }
                    }

                    at = at.Next;
                    continue;
                }

                // A return whose operation has not been linearized, or the end.
                if (!triesUnanswered)
                {
                    (triesUnanswered, at) = (true, head.Next);
                    continue;
                }

                // Some earlier choice was wrong.
                if (!taken.TryPop(out var choice)) return LinearizabilityVerdict.Violated;
                if (operations[choice.Call.Operation].HasReturned) returned--;
                linearized ^= names[choice.Call.Operation];
                PutBack(choice.Call);
                (value, triesUnanswered, at) = (choice.ValueBefore, choice.WasUnanswered, choice.Call.Next);
            }

            return LinearizabilityVerdict.Linearizable;
        }

        /// <summary>A number for each operation: the sum of a set's, without carry, stands for the set. Two of the at most some million sets of a search have the same with a probability below 2^-80.</summary>
        private static UInt128[] Named(int count)
        {
            var dice = new SeededRandom((ulong)count);
            var names = new UInt128[count];
            for (var i = 0; i < count; i++) names[i] = new UInt128(dice.NextUInt64(), dice.NextUInt64());
            return names;
        }

        /// <summary>Whether an unanswered write leaves something that an operation finds which may come next.</summary>
        private bool IsLearnt(Node call, ulong value)
        {
            var left = operations[call.Operation].Apply(value);
            if (left == value) return false;
            for (var at = head.Next; at is { Match: not null }; at = at.Next)
            {
                if (at == call) continue;
                var next = operations[at.Operation];
                if (next.HasReturned && next.ObservesPrior ? next.Observed == left : next.Kind == OperationKind.CompareAndSwap && next.Expected == left) return true;
            }

            return false;
        }

        private static Node TimeLine(List<Operation> operations)
        {
            var moments = new List<(long At, int Order, Node Node)>(operations.Count * 2);
            for (var i = 0; i < operations.Count; i++)
            {
                var back = new Node { Operation = i };
                // Calls come before returns of the same moment: that overlaps the two operations, which is the weaker claim.
                moments.Add((operations[i].CalledAt, 0, new Node { Operation = i, Match = back }));
                moments.Add((operations[i].ReturnedAt, 1, back));
            }

            moments.Sort(static (left, right) =>
                left.At != right.At ? left.At.CompareTo(right.At) : left.Order != right.Order ? left.Order.CompareTo(right.Order) : left.Node.Operation.CompareTo(right.Node.Operation));
            var head = new Node { Operation = -1 };
            var last = head;
            foreach (var (_, _, node) in moments)
            {
                last.Next = node;
                node.Previous = last;
                last = node;
            }

            return head;
        }

        private static void Lift(Node call)
        {
            call.Previous!.Next = call.Next;
            if (call.Next is not null) call.Next.Previous = call.Previous;
            var back = call.Match!;
            back.Previous!.Next = back.Next;
            if (back.Next is not null) back.Next.Previous = back.Previous;
        }

        private static void PutBack(Node call)
        {
            var back = call.Match!;
            back.Previous!.Next = back;
            if (back.Next is not null) back.Next.Previous = back;
            call.Previous!.Next = call;
            if (call.Next is not null) call.Next.Previous = call;
        }
    }
}
