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
    public const long StepsMax = 20_000_000;

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

    private sealed class Search(List<Operation> operations)
    {
        private readonly HashSet<Visited> visited = [];
        private readonly ulong[] linearized = new ulong[(operations.Count + 63) / 64];
        private readonly Stack<(Node Call, ulong ValueBefore)> taken = new();

        public LinearizabilityVerdict Run()
        {
            var head = TimeLine();
            var mustReturn = 0;
            foreach (var operation in operations)
                if (operation.HasReturned) mustReturn++;
            ulong value = 0;
            long steps = 0;
            var returned = 0;
            var at = head.Next;
            while (returned < mustReturn)
            {
                if (++steps > StepsMax) return LinearizabilityVerdict.Undecided;
                if (at is { Match: not null })
                {
                    var operation = operations[at.Operation];
                    if (operation.Allows(value))
                    {
                        var next = operation.Apply(value);
                        linearized[at.Operation >> 6] |= 1UL << at.Operation;
                        if (visited.Add(new Visited([.. linearized], next)))
                        {
                            taken.Push((at, value));
                            value = next;
                            if (operation.HasReturned) returned++;
                            Lift(at);
                            at = head.Next;
                            continue;
                        }

                        linearized[at.Operation >> 6] &= ~(1UL << at.Operation);
                    }

                    at = at.Next;
                    continue;
                }

                // A return whose operation has not been linearized, or the end: some earlier choice was wrong.
                if (taken.Count == 0) return LinearizabilityVerdict.Violated;
                (var call, value) = taken.Pop();
                linearized[call.Operation >> 6] &= ~(1UL << call.Operation);
                if (operations[call.Operation].HasReturned) returned--;
                PutBack(call);
                at = call.Next;
            }

            return LinearizabilityVerdict.Linearizable;
        }

        private Node TimeLine()
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

    /// <summary>A set of linearized operations and the value they leave.</summary>
    private readonly struct Visited(ulong[] linearized, ulong value) : IEquatable<Visited>
    {
        private readonly ulong[] linearized = linearized;
        private readonly ulong value = value;

        public bool Equals(Visited other) => value == other.value && linearized.AsSpan().SequenceEqual(other.linearized);

        public override bool Equals(object? obj) => obj is Visited other && Equals(other);

        public override int GetHashCode()
        {
            var hash = value * 0x9E3779B97F4A7C15;
            foreach (var word in linearized) hash = (hash ^ word) * 0xFF51AFD7ED558CCD ^ (hash >> 29);
            return (int)(hash ^ (hash >> 32));
        }
    }
}
