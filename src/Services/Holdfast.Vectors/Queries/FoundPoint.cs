using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>Which of a point's content a reader wants to see.</summary>
/// <param name="Payload">Its payload.</param>
/// <param name="Columns">A bit for each column whose vector is wanted.</param>
internal readonly record struct ContentWanted(bool Payload, ulong Columns)
{
    /// <summary>Names and scores alone.</summary>
    public static ContentWanted Nothing => default;

    /// <summary>Everything.</summary>
    public static ContentWanted Everything => new(true, ulong.MaxValue);

    /// <summary>Whether anything.</summary>
    public bool IsAnything => Payload || Columns != 0;

    /// <summary>The same, of columns that were not deleted.</summary>
    public ContentWanted Known(PointStore store) => this with { Columns = Columns & store.Known };
}

/// <summary>The value by which points were put in order.</summary>
/// <param name="Number">The number; a moment in microseconds since the Unix epoch.</param>
/// <param name="IsWhole">Whether it is shown as a whole number.</param>
internal readonly record struct OrderValue(double Number, bool IsWhole);

/// <summary>A point as a reader sees it, apart from where it lies: it may have come from another node.</summary>
internal sealed record FoundPoint(PointId Id)
{
    /// <summary>How well it answers, as clients see it.</summary>
    public float Score { get; init; }

    /// <summary>The entry that wrote it last.</summary>
    public ulong Version { get; init; }

    /// <summary>What it carries, if that was wanted.</summary>
    public Payload Payload { get; init; } = Payload.Empty;

    /// <summary>Its vectors, those that were wanted.</summary>
    public IReadOnlyList<NamedVector> Vectors { get; init; } = [];

    /// <summary>What it was put in order by.</summary>
    public OrderValue? Order { get; init; }

    /// <summary>The shard it came from; -1 when nobody said.</summary>
    public int Shard { get; init; } = -1;

    /// <summary>A row's content, copied.</summary>
    public static FoundPoint Of(Segment segment, int row, in ContentWanted wanted)
    {
        var head = segment.Head(row);
        var vectors = new List<NamedVector>();
        for (var (column, bits) = (0, head.Has & wanted.Columns); bits != 0 && column < segment.Columns.Length; column++)
            if ((bits & (1UL << column)) != 0) vectors.Add(segment.Columns[column].ReadWhole(row));
        return new FoundPoint(segment.IdOf(row)) { Version = head.Version, Payload = wanted.Payload ? segment.PayloadOf(row) : Payload.Empty, Vectors = vectors };
    }
}
