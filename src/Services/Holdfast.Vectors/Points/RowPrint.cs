namespace Holdfast.Vectors.Points;

/// <summary>
/// Says of a row which point it is, with which vector: a hash over the id and the vector as it is stored. A graph file carries one per row, so that another replica, whose rows lie elsewhere and in another order, knows
/// which of its own rows the links are between. A point whose vector was written anew is another row. Part of the format of graph files.
/// </summary>
internal static class RowPrint
{
    /// <summary>Of a row without a vector in the column: nobody has the same.</summary>
    public const ulong None = 0;

    /// <summary>A row's print in a column; of the dead too, while their segment is there.</summary>
    public static ulong Of(Segment segment, int row, int column)
    {
        if ((segment.Head(row).Has & (1UL << column)) == 0) return None;
        var hash = new ContentHash(segment.IdOf(row).StableHash);
        hash.Add(segment.Columns[column].Content(row));
        GC.KeepAlive(segment);
        return hash.Value == None ? 1 : hash.Value;
    }

    /// <summary>The prints of a segment's first rows.</summary>
    public static ulong[] OfAll(Segment segment, int column, int rows)
    {
        var prints = new ulong[rows];
        for (var row = 0; row < rows; row++) prints[row] = Of(segment, row, column);
        return prints;
    }
}
