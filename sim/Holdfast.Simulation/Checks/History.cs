namespace Holdfast.Simulation.Checks;

/// <summary>What a client asked of a register.</summary>
internal enum OperationKind : byte
{
    Get = 0,
    Put = 1,
    Delete = 2,
    CompareAndSwap = 3,
}

/// <summary>One client operation: when it was called, and if it was answered, when and with what.</summary>
internal sealed class Operation
{
    /// <summary>An operation whose outcome is never learnt may take effect at any later time.</summary>
    public const long NeverReturned = long.MaxValue;

    public required int Id { get; init; }

    public required int Key { get; init; }

    public required OperationKind Kind { get; init; }

    /// <summary>What a put or a successful compare-and-swap leaves; unique in the history.</summary>
    public ulong Value { get; init; }

    /// <summary>What a compare-and-swap expects to find; zero is "absent".</summary>
    public ulong Expected { get; init; }

    public required long CalledAt { get; init; }

    public long ReturnedAt { get; set; } = NeverReturned;

    /// <summary>What the register held just before the operation took effect; meaningful once it returned and <see cref="ObservesPrior"/>.</summary>
    public ulong Observed { get; set; }

    /// <summary>Whether the answer tells what the register held before.</summary>
    public bool ObservesPrior { get; set; } = true;

    public bool HasReturned => ReturnedAt != NeverReturned;

    /// <summary>Whether the register may hold <paramref name="value"/> when the operation takes effect.</summary>
    public bool Allows(ulong value) => !HasReturned || !ObservesPrior || Observed == value;

    /// <summary>What the register holds afterwards; zero is "absent".</summary>
    public ulong Apply(ulong value) => Kind switch
    {
        OperationKind.Get => value,
        OperationKind.Put => Value,
        OperationKind.Delete => 0,
        _ => value == Expected ? Value : value,
    };

    /// <summary>Whether it writes anything into the log where it is executed at append and finds <paramref name="before"/>.</summary>
    public bool HasEffect(ulong before) => Kind switch
    {
        OperationKind.Get => false,
        OperationKind.CompareAndSwap => before == Expected,
        _ => true,
    };

    public override string ToString() =>
        $"#{Id} {Kind} key {Key} value {Value} expected {Expected} called {CalledAt} " + (HasReturned ? $"returned {ReturnedAt} saw {Observed}" : "outcome unknown");
}

/// <summary>Everything that all clients of a run did, in the order of their calls.</summary>
internal sealed class History
{
    private readonly List<Operation> operations = [];

    public IReadOnlyList<Operation> Operations => operations;

    public int Acknowledged { get; private set; }

    public Operation Call(int key, OperationKind kind, ulong value, ulong expected, long now)
    {
        var operation = new Operation { Id = operations.Count, Key = key, Kind = kind, Value = value, Expected = expected, CalledAt = now };
        operations.Add(operation);
        return operation;
    }

    public void Return(Operation operation, ulong observed, long now)
    {
        operation.Observed = observed;
        operation.ReturnedAt = now;
        Acknowledged++;
    }

    /// <summary>The operations that certainly had no effect are taken out: a refused one, and a read that nobody saw the answer of.</summary>
    public List<Operation> ForKey(int key, HashSet<int> withoutEffect)
    {
        var chosen = new List<Operation>();
        foreach (var operation in operations)
            if (operation.Key == key && !withoutEffect.Contains(operation.Id)) chosen.Add(operation);
        return chosen;
    }
}
