using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Files;

/// <summary>What another replica's graph says: who is linked to whom, by which codes it was built, and which rows they are.</summary>
/// <param name="links">By the numbers that the rows have there.</param>
/// <param name="codec">What turned vectors into codes; null where there were none.</param>
/// <param name="prints">A <see cref="RowPrint"/> for each of its rows.</param>
internal sealed class LentGraph(LinkTable links, RowCodec? codec, ulong[] prints)
{
    private Dictionary<ulong, int>? rows;

    /// <summary>By the numbers that the rows have there.</summary>
    public LinkTable Links => links;

    /// <summary>What turned vectors into codes; null where there were none.</summary>
    public RowCodec? Codec => codec;

    /// <summary>How many rows it has, those without a vector included.</summary>
    public int Rows => prints.Length;

    /// <summary>The number that a row has there; -1 when it is not there. For one thread.</summary>
    public int RowOf(ulong print)
    {
        if (rows is null)
        {
            rows = new Dictionary<ulong, int>(prints.Length);
            for (var row = 0; row < prints.Length; row++)
                if (prints[row] != RowPrint.None) rows[prints[row]] = row;
        }

        return print != RowPrint.None && rows.TryGetValue(print, out var found) ? found : -1;
    }
}
