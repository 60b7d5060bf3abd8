using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>What a query may know while it runs.</summary>
public readonly ref struct QueryContext
{
    private readonly SliceBudget? budget;

    internal QueryContext(ReadGrant grant, LogIndex applied, SliceBudget? budget)
    {
        Grant = grant;
        Applied = applied;
        this.budget = budget;
    }

    /// <summary>The read's leave.</summary>
    public ReadGrant Grant { get; }

    /// <summary>The last entry applied before this slice; may be later than the grant's.</summary>
    public LogIndex Applied { get; }

    /// <summary>Whether the slice of about a millisecond is used up: keep your place and return false.</summary>
    public bool IsSliceOver => budget is not null && budget.IsSpent;
}

/// <summary>A read that runs on the group's loop, between entries, in slices of about a millisecond.</summary>
public abstract class Query<TResult>
{
    /// <summary>What the query found; meaningful once <see cref="Run"/> has returned true.</summary>
    public TResult Result { get; protected set; } = default!;

    /// <summary>Runs, or goes on. True when done; false to be called again after others had their turn. Entries may be applied in between.</summary>
    protected internal abstract bool Run(in QueryContext context);
}

/// <summary>A read that is over at once.</summary>
internal sealed class ShortQuery<TResult>(Func<TResult> read) : Query<TResult>
{
    protected internal override bool Run(in QueryContext context)
    {
        Result = read();
        return true;
    }
}

/// <summary>No leader could confirm the read in time: nothing was read, asking again is safe.</summary>
public sealed class ReadRefusedException() : Exception("no leader could confirm the read in time");
