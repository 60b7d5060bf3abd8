using Holdfast.Vectors.Files;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>Which living rows of a segment a lent graph holds, by their prints: the only thing that is believed of it without a look.</summary>
internal sealed class LoanMatch(LentGraph graph, Segment segment, int column)
{
    private const int RowsPerStep = 4096;

    /// <summary>By the graph's numbers, the segment's row; -1 for none.</summary>
    public int[] Copies { get; } = New(graph.Rows);

    /// <summary>How many of the segment's rows the graph holds.</summary>
    public int Covered { get; private set; }

    /// <summary>Whether so much of the graph is here that its links lead somewhere.</summary>
    public bool IsUsable => Covered >= graph.Rows * SegmentPlan.TakenOverShareMin;

    /// <summary>Carries it out, in batches of some milliseconds.</summary>
    public IEnumerable<bool> Steps()
    {
        for (var row = 0; row < segment.Visible; row++)
        {
            if (segment.IsLive(row) && graph.RowOf(RowPrint.Of(segment, row, column)) is var lent && lent >= 0)
            {
                Copies[lent] = row;
                Covered++;
            }

            if (row % RowsPerStep == RowsPerStep - 1) yield return true;
        }
    }

    private static int[] New(int rows)
    {
        var none = new int[rows];
        Array.Fill(none, -1);
        return none;
    }
}
