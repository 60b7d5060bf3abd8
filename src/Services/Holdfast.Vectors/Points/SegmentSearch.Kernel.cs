using System.Numerics;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Graphs;

namespace Holdfast.Vectors.Points;

/// <summary>What is wanted of a column: how many, how thoroughly, and among which rows.</summary>
internal readonly ref struct SegmentQuestion
{
    /// <summary>The query as floats, padded with zeros to whole rows of the column; of a multi-vector one row behind another; of a sparse one what is not zero, weighted.</summary>
    public required ReadOnlySpan<float> Query { get; init; }

    /// <summary>The places of a sparse query, rising.</summary>
    public ReadOnlySpan<uint> Indices { get; init; }

    /// <summary>How many are wanted.</summary>
    public required int Limit { get; init; }

    /// <summary>Candidates kept on a walk.</summary>
    public required int Ef { get; init; }

    /// <summary>Whether every admitted row is measured.</summary>
    public bool IsExact { get; init; }

    /// <summary>Whether a graph is walked by the full vectors although there are codes.</summary>
    public bool IgnoresCodes { get; init; }

    /// <summary>How many times the wanted rows are measured by the full vectors; NaN, or what was never said, for the codes' own measure.</summary>
    public double? Oversampling { get; init; }

    /// <summary>Bits of the rows that may be returned; those of the dead are never asked. Empty for all.</summary>
    public ReadOnlySpan<ulong> Admitted { get; init; }

    /// <summary>Rows that are looked at: those that show and, where some are admitted, had come when that was found out. The bits are of that moment, and rows come while a search runs.</summary>
    public int RowsOf(Segment segment) => Admitted.Length > 0 ? Math.Min(segment.Visible, Admitted.Length << 6) : segment.Visible;

    /// <summary>How many bits are set in <see cref="Admitted"/>, or, where more is asked of rows that are met, about how many pass.</summary>
    public int AdmittedCount { get; init; }

    /// <summary>So few admitted rows are scanned; null for what the column was made with.</summary>
    public int? ScanRowsMax { get; init; }

    /// <summary>The graph of the tenant that all admitted rows belong to; null where there is none.</summary>
    public TenantGraph? Own { get; init; }

    /// <summary>What is asked of an admitted row when a walk meets it; null for nothing. For a column of single vectors that has a graph.</summary>
    public LazyRows? Rest { get; init; }
}

/// <summary>How a segment was searched, for explain.</summary>
/// <param name="Segment">Its number.</param>
/// <param name="Strategy">"graph", "graph among admitted", "graph, then scan", "graph of the tenant", "graph of the tenant, then scan", "scan", "inverted index", "maximal similarity by scan".</param>
/// <param name="Rows">Rows that live there.</param>
/// <param name="Visited">Rows whose distance was computed; of an inverted index, entries that were read.</param>
/// <param name="Scanned">Of these, rows of the tail that the index does not hold yet.</param>
internal readonly record struct SegmentTrace(int Segment, string Strategy, int Rows, int Visited, int Scanned)
{
    /// <summary>Levels of the graph that were walked.</summary>
    public int Levels { get; init; }

    /// <summary>Candidates that were kept and, where there are codes, measured again.</summary>
    public int Candidates { get; init; }

    /// <summary>By what the graph was walked.</summary>
    public GraphEncoding Encoding { get; init; }

    /// <summary>Where the graph comes from.</summary>
    public GraphOrigin Origin { get; init; }

    /// <summary>Rows that the filter admits; -1 without one.</summary>
    public int Admitted { get; init; } = -1;

    /// <summary>How the filter was answered; empty without one.</summary>
    public string Filter { get; init; } = "";

    /// <summary>Microseconds that the filter took; zero when nobody gave a clock.</summary>
    public long FilterMicros { get; init; }

    /// <summary>Microseconds that the search took; zero when nobody gave a clock.</summary>
    public long SearchMicros { get; init; }
}

/// <summary>
/// Searches one column of one segment, on any thread: the index, and then exactly the tail that it does not hold yet, so that recall never dips. Few admitted rows are measured one by one, and so is everything
/// when a walk among the admitted found fewer than there are.
/// </summary>
internal static unsafe class SegmentSearch
{
    /// <summary>So many rows of a tail at least are scanned by their codes: fewer are scanned as they are in no time.</summary>
    private const int CodedRowsMin = 500;

    /// <summary>Of a scan by codes, more are not put into order.</summary>
    private const int CodedLimitMax = 256;

    /// <summary>Below one admitted row in so many, a walk finds no way through them.</summary>
    private const int ScanShare = 50;

    /// <summary>Whether a filter that indexes cannot answer is better asked of the rows that a walk meets than of all of them.</summary>
    public static bool Walks(Segment segment, int columnNumber, bool isExact) => !isExact && segment.Columns[columnNumber].Index is { } index && index.Indexed > segment.Visible / 2;

    /// <summary>Adds what is found to the best so far.</summary>
    public static SegmentTrace Run(Segment segment, int columnNumber, in SegmentQuestion question, BestRows best)
    {
        var column = segment.Columns[columnNumber];
        return column.Params.Kind switch
        {
            VectorKind.Dense => Dense(segment, column, question, best),
            VectorKind.Multi => Multi(segment, column, question, best),
            _ => Sparse(segment, column, question, best),
        };
    }

    private static SegmentTrace Sparse(Segment segment, VectorColumn column, in SegmentQuestion question, BestRows best)
    {
        var (read, scanned) = column.Postings!.Search(segment, column, question.RowsOf(segment), question.Indices, question.Query, question.Admitted, best);
        return new SegmentTrace(segment.Number, "inverted index", column.LiveCount, read + scanned, scanned);
    }

    private static SegmentTrace Dense(Segment segment, VectorColumn column, in SegmentQuestion question, BestRows best)
    {
        var visible = question.RowsOf(segment);
        var rows = column.LiveCount;
        fixed (float* query = question.Query)
        fixed (ulong* admitted = question.Admitted)
        {
            var (index, count) = (column.Index, question.Admitted.Length > 0 ? question.AdmittedCount : rows);
            var scanMax = question.ScanRowsMax ?? column.Params.ScanRowsMax;
            if (question.Own is { } own && question.Rest is null && !question.IsExact && count > scanMax && TryOfTenant(segment, column, own, question, query, admitted, scanMax, best, out var ofTenant)) return ofTenant;
            var isFew = question.Admitted.Length > 0 && (count <= scanMax || (long)count * ScanShare < rows);
            if (index is null || question.IsExact || isFew)
            {
                var all = Scan(segment, column, query, 0, visible, admitted, best, question.Rest);
                return new SegmentTrace(segment.Number, "scan", rows, all, all);
            }

            // Before the walk: a row that is indexed in between is found twice rather than not at all.
            var indexed = index.Indexed;
            var scratch = segment.Scratch.Rent();
            var gate = admitted is not null ? admitted : rows < visible ? column.Live : null;
            var asked = new GraphQuestion(question.Limit, Math.Max(question.Ef, question.Limit), question.IgnoresCodes, question.Oversampling ?? double.NaN, visible);
            var found = index.Search(query, asked, gate, scratch, question.Rest);
            for (var at = 0; at < found; at++)
                if (column.IsLive(scratch.Pool.First[at].Row)) best.Offer(scratch.Pool.First[at].Distance, segment, scratch.Pool.First[at].Row);
            var (visited, levels) = (scratch.Visited, scratch.Levels);
            segment.Scratch.Return(scratch);
            // With an estimate nobody knows how many there are. Around rows that died together no walk finds a way.
            var isShort = found < (question.Rest is not null ? (admitted is null ? 0 : question.Limit) : Math.Min(question.Limit, admitted is null ? rows - (visible - indexed) : count));
            var scanned = isShort ? Scan(segment, column, query, 0, visible, admitted, best, question.Rest) : ScanTail(segment, column, index, question, query, indexed, visible, admitted, best);
            GC.KeepAlive(index);
            return new SegmentTrace(segment.Number, isShort ? "graph, then scan" : admitted is null ? "graph" : "graph among admitted", rows, visited + scanned, scanned)
            {
                Levels = levels,
                Candidates = found,
                Encoding = EncodingOf(index, column, question),
                Origin = index.Origin,
            };
        }
    }

    /// <summary>Rows that the graph does not hold yet: by their codes where they have some and are many, else as they are.</summary>
    private static int ScanTail(Segment segment, VectorColumn column, VectorIndex index, in SegmentQuestion question, float* query, int from, int visible, ulong* admitted, BestRows best)
    {
        var coded = Math.Min(index.Coded, visible);
        if (coded - from < CodedRowsMin || question.Limit > CodedLimitMax || question.IgnoresCodes || question.Rest is not null || question.Oversampling is not null) return Scan(segment, column, query, from, visible, admitted, best, question.Rest);
        var scratch = segment.Scratch.Rent();
        var found = index.ScanCodes(query, question.Limit, from, coded, column.Live, admitted, scratch);
        for (var at = 0; at < found; at++)
            if (column.IsLive(scratch.Pool.First[at].Row)) best.Offer(scratch.Pool.First[at].Distance, segment, scratch.Pool.First[at].Row);
        var measured = scratch.Visited;
        segment.Scratch.Return(scratch);
        return measured + Scan(segment, column, query, coded, visible, admitted, best);
    }

    /// <summary>
    /// Walks the graph that a tenant has for itself, and scans the few admitted rows that lie outside of it. Not where these are many, or where a filter admits so few of the tenant's that no walk finds a way through.
    /// </summary>
    private static bool TryOfTenant(Segment segment, VectorColumn column, TenantGraph own, in SegmentQuestion question, float* query, ulong* admitted, int scanMax, BestRows best, out SegmentTrace trace)
    {
        trace = default;
        var (visible, rows) = (question.RowsOf(segment), own.To - own.From);
        if (own.To > visible) return false;
        var inRun = 0;
        for (var word = own.From >> 6; word << 6 < own.To; word++) inRun += BitOperations.PopCount(own.To - (word << 6) < 64 ? admitted[word] & ((1UL << own.To) - 1) : admitted[word]);
        var outside = question.AdmittedCount - inRun;
        if (outside > scanMax || (long)inRun * ScanShare < rows) return false;
        var scratch = segment.Scratch.Rent();
        var asked = new GraphQuestion(question.Limit, Math.Max(question.Ef, question.Limit), question.IgnoresCodes, question.Oversampling ?? double.NaN, rows);
        var found = own.Index.Search(query, asked, admitted + (own.From >> 6), scratch);
        for (var at = 0; at < found; at++)
            if (own.From + scratch.Pool.First[at].Row is var row && column.IsLive(row)) best.Offer(scratch.Pool.First[at].Distance, segment, row);
        var (visited, levels) = (scratch.Visited, scratch.Levels);
        segment.Scratch.Return(scratch);
        var isShort = found < Math.Min(question.Limit, inRun);
        var scanned = isShort ? Scan(segment, column, query, 0, visible, admitted, best) : outside == 0 ? 0 : Scan(segment, column, query, 0, own.From, admitted, best) + Scan(segment, column, query, own.To, visible, admitted, best);
        GC.KeepAlive(own);
        trace = new SegmentTrace(segment.Number, isShort ? "graph of the tenant, then scan" : "graph of the tenant", column.LiveCount, visited + scanned, scanned)
        {
            Levels = levels,
            Candidates = found,
            Encoding = EncodingOf(own.Index, column, question),
        };
        return true;
    }

    /// <summary>By what a graph is walked.</summary>
    private static GraphEncoding EncodingOf(VectorIndex index, VectorColumn column, in SegmentQuestion question) =>
        index.Codec is null || question.IgnoresCodes ? GraphEncoding.Exact : RowCodec.EncodingOf(column.Params.Quantization, column.Params.Distance);

    private static int Scan(Segment segment, VectorColumn column, float* query, int from, int to, ulong* admitted, BestRows best, LazyRows? rest = null)
    {
        var metric = GraphFactory.MetricOf(column.Params);
        var measured = 0;
        for (var word = from >> 6; word << 6 < to; word++)
        {
            var bits = Volatile.Read(ref column.Live[word]);
            if (admitted is not null) bits &= admitted[word];
            if (word == from >> 6) bits &= ulong.MaxValue << from;
            for (; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                if (row >= to) break;
                if (rest is not null && !rest.Admits(row)) continue;
                best.Offer(metric((byte*)query, column.Rows.Row(row), column.Rows.RowBytes), segment, row);
                measured++;
            }
        }

        GC.KeepAlive(column);
        return measured;
    }

    /// <summary>Each of a query's vectors seeks its closest in a row, and what they find is added (Khattab and Zaharia, "ColBERT"). There is no graph of these: every admitted row is measured.</summary>
    private static SegmentTrace Multi(Segment segment, VectorColumn column, in SegmentQuestion question, BestRows best)
    {
        var metric = GraphFactory.MetricOf(column.Params);
        var (rowBytes, stride) = (column.Params.RowBytes, column.Params.RowBytes / column.Params.ElementBytes);
        var (measured, visible) = (0, question.RowsOf(segment));
        fixed (float* query = question.Query)
        {
            for (var word = 0; word << 6 < visible; word++)
            {
                var bits = Volatile.Read(ref column.Live[word]);
                if (question.Admitted.Length > 0) bits &= question.Admitted[word];
                for (; bits != 0; bits &= bits - 1)
                {
                    var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                    var vectors = column.Blobs.Of(row);
                    var sum = 0f;
                    fixed (byte* first = vectors)
                        for (var one = 0; (one + 1) * stride <= question.Query.Length; one++)
                        {
                            var least = float.MaxValue;
                            for (var at = 0; at < vectors.Length; at += rowBytes) least = Math.Min(least, metric((byte*)(query + (one * stride)), first + at, rowBytes));
                            sum += least;
                        }

                    best.Offer(sum, segment, row);
                    measured++;
                }
            }
        }

        GC.KeepAlive(column);
        return new SegmentTrace(segment.Number, "maximal similarity by scan", column.LiveCount, measured, measured);
    }
}
