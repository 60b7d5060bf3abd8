using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Whether 8-bit codes tell a column's rows apart: some rows ask, and of the ten that are closest to each by the full vectors those are counted that a search would measure again. Asked of all rows and not of a
/// sample, because codes fail where rows lie close together: on a line, or where later rows lie beyond what the first ones taught. About a microsecond per row, where inserting one takes a hundred.
/// </summary>
internal sealed unsafe class CodeTrial(VectorColumn column, int visible, Int8Codec codec)
{
    private const int Wanted = 10;
    private const int RowsPerStep = 2048;

    /// <summary>Rows spread over all of them that ask.</summary>
    private const int Spread = 8;

    /// <summary>Rows that lie furthest out that ask too: what is clamped is there.</summary>
    private const int Outermost = 2;

    private readonly VectorParams settings = column.Params;
    private readonly PinnedBuffer<float> floats = new(column.Params.RowBytes);
    private readonly PinnedBuffer<byte> code = new(codec.RowBytes);
    private readonly List<Asker> askers = [];

    /// <summary>Of the rows that are spread over all, the share of their closest that was found; once the steps are done. One where there are too few rows to say.</summary>
    public double FoundAmongMost { get; private set; } = 1;

    /// <summary>The same of the rows that lie furthest out.</summary>
    public double FoundOutside { get; private set; } = 1;

    /// <summary>The rows that lie furthest out.</summary>
    public IEnumerable<int> OutermostRows => askers.Where(asker => asker.IsOutermost).Select(asker => asker.Row);

    /// <summary>Carries it out, in batches of some milliseconds.</summary>
    public IEnumerable<bool> Steps()
    {
        for (var row = 0; row < visible; row += RowsPerStep)
        {
            SeekOutermost(row, Math.Min(visible, row + RowsPerStep));
            yield return true;
        }

        for (var at = 0; at < Spread; at++) AddAsker(LiveBefore((int)((at + 1L) * visible / Spread)));
        Prepare();
        for (var row = 0; row < visible; row += RowsPerStep)
        {
            Measure(row, Math.Min(visible, row + RowsPerStep));
            yield return true;
        }

        FoundAmongMost = Count(isOutermost: false);
        FoundOutside = Count(isOutermost: true);
    }

    private void SeekOutermost(int from, int to)
    {
        for (var row = from; row < to; row++)
        {
            if (!column.IsLive(row)) continue;
            var reach = codec.Reach(Floats(row));
            if (askers.Count == Outermost && reach <= askers.Min(asker => asker.Reach)) continue;
            if (askers.Count == Outermost) askers.Remove(askers.MinBy(asker => asker.Reach)!);
            askers.Add(new Asker(row, reach, true));
        }
    }

    private int LiveBefore(int row)
    {
        do row--;
        while (row >= 0 && !column.IsLive(row));
        return row;
    }

    private void AddAsker(int row)
    {
        if (row >= 0 && askers.TrueForAll(asker => asker.Row != row)) askers.Add(new Asker(row, 0, false));
    }

    private void Prepare()
    {
        foreach (var asker in askers) asker.Prepare(codec, new ReadOnlySpan<float>(Floats(asker.Row), settings.RowBytes / settings.ElementBytes));
        GC.KeepAlive(column);
    }

    private void Measure(int from, int to)
    {
        var metric = GraphFactory.MetricOf(settings);
        for (var row = from; row < to; row++)
        {
            if (!column.IsLive(row)) continue;
            codec.ToRow(Floats(row), code.First);
            foreach (var asker in askers)
            {
                if (asker.Row == row) continue;
                asker.ByVectors.Offer(metric((byte*)asker.Query.First, column.Rows.Row(row), column.Rows.RowBytes), row);
                asker.ByCodes.Offer(codec.Measure(asker.Code.First, code.First), row);
            }
        }

        GC.KeepAlive(column);
    }

    private double Count(bool isOutermost)
    {
        var metric = GraphFactory.MetricOf(settings);
        var (wanted, found) = (0, 0);
        foreach (var asker in askers.Where(asker => asker.IsOutermost == isOutermost))
        {
            var closest = asker.ByVectors.Span;
            if (closest.Length < Wanted) continue;
            wanted += Wanted;
            var hits = 0;
            foreach (var candidate in asker.ByCodes.Span)
                if (metric((byte*)asker.Query.First, column.Rows.Row(candidate.Row), column.Rows.RowBytes) <= closest[^1].Distance) hits++;
            found += Math.Min(hits, Wanted);
        }

        GC.KeepAlive(column);
        return wanted > 0 ? (double)found / wanted : 1;
    }

    /// <summary>A row as it is compared, padded with zeros; valid until the next one.</summary>
    private float* Floats(int row)
    {
        if (settings.Datatype == VectorDatatype.Float32) return (float*)column.Rows.Row(row);
        VectorIndex.ReadCompared(settings, column.Rows.Row(row), floats.Span);
        return floats.First;
    }

    /// <summary>A row that asks.</summary>
    private sealed class Asker(int row, float reach, bool isOutermost)
    {
        public int Row => row;

        public bool IsOutermost => isOutermost;

        public float Reach => reach;

        public PinnedBuffer<float> Query { get; } = new(16);

        public PinnedBuffer<byte> Code { get; } = new(16);

        public ClosestRows ByVectors { get; } = new(Wanted);

        /// <summary>As many as a search for the wanted ones measures again.</summary>
        public ClosestRows ByCodes { get; } = new(VectorIndex.MeasuredAgain(Wanted, new Quantization().Oversampling));

        public void Prepare(Int8Codec codec, ReadOnlySpan<float> vector)
        {
            Query.Ensure(vector.Length);
            vector.CopyTo(Query.Span);
            Code.Ensure(codec.QueryBytes);
            codec.ToQuery(Query.First, Code.First);
        }
    }

    /// <summary>The closest so far.</summary>
    private sealed class ClosestRows(int rowsMax)
    {
        private readonly PinnedBuffer<Candidate> pool = new(rowsMax + 2);
        private int size;

        public ReadOnlySpan<Candidate> Span => pool.Span[..size];

        public void Offer(float distance, int row)
        {
            if (size < rowsMax || distance < pool.First[size - 1].Distance) SortedPool.Enter(pool.First, ref size, rowsMax, distance, row);
        }
    }
}
