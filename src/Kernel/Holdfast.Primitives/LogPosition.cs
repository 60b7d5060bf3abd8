using System.Globalization;

namespace Holdfast.Primitives;

/// <summary>A reign: at most one leader per term and group. Zero is before the first election.</summary>
public readonly record struct Term(ulong Value) : IComparable<Term>
{
    /// <summary>Before the first election.</summary>
    public static readonly Term Zero;

    /// <summary>The term that a candidate of this term stands for.</summary>
    public Term Next => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <summary>Earlier than.</summary>
    public static bool operator <(Term left, Term right) => left.Value < right.Value;

    /// <summary>Later than.</summary>
    public static bool operator >(Term left, Term right) => left.Value > right.Value;

    /// <summary>Not later than.</summary>
    public static bool operator <=(Term left, Term right) => left.Value <= right.Value;

    /// <summary>Not earlier than.</summary>
    public static bool operator >=(Term left, Term right) => left.Value >= right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A place in one group's log. The first entry has index 1; zero is before it.</summary>
public readonly record struct LogIndex(ulong Value) : IComparable<LogIndex>
{
    /// <summary>Before the first entry.</summary>
    public static readonly LogIndex Zero;

    /// <summary>The following place.</summary>
    public LogIndex Next => new(Value + 1);

    /// <summary>The place before; zero stays zero.</summary>
    public LogIndex Previous => new(Value == 0 ? 0 : Value - 1);

    /// <summary>The smaller of two.</summary>
    public static LogIndex Min(LogIndex left, LogIndex right) => left <= right ? left : right;

    /// <summary>The larger of two.</summary>
    public static LogIndex Max(LogIndex left, LogIndex right) => left >= right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(LogIndex other) => Value.CompareTo(other.Value);

    /// <summary>Before.</summary>
    public static bool operator <(LogIndex left, LogIndex right) => left.Value < right.Value;

    /// <summary>After.</summary>
    public static bool operator >(LogIndex left, LogIndex right) => left.Value > right.Value;

    /// <summary>Not after.</summary>
    public static bool operator <=(LogIndex left, LogIndex right) => left.Value <= right.Value;

    /// <summary>Not before.</summary>
    public static bool operator >=(LogIndex left, LogIndex right) => left.Value >= right.Value;

    /// <summary>The place <paramref name="count"/> entries later.</summary>
    public static LogIndex operator +(LogIndex index, ulong count) => new(index.Value + count);

    /// <summary>How many entries lie between two places.</summary>
    public static ulong operator -(LogIndex left, LogIndex right) => left.Value - right.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>An entry's identity: two logs that hold the same position hold the same entries up to it (Raft paper 5.3, log matching).</summary>
public readonly record struct LogPosition(Term Term, LogIndex Index) : IComparable<LogPosition>
{
    /// <summary>Before the first entry.</summary>
    public static readonly LogPosition Zero;

    /// <summary>Orders logs by who is more up to date: last term first, then length (Raft paper 5.4.1).</summary>
    public int CompareTo(LogPosition other) => Term != other.Term ? Term.CompareTo(other.Term) : Index.CompareTo(other.Index);

    /// <summary>Whether a log that ends here is at least as up to date as one that ends at <paramref name="other"/>.</summary>
    public bool IsAtLeast(LogPosition other) => CompareTo(other) >= 0;

    /// <inheritdoc/>
    public override string ToString() => $"{Term}/{Index}";
}
