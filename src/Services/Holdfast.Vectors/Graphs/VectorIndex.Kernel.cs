using System.Runtime.Intrinsics.X86;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>What is wanted of a graph.</summary>
/// <param name="Limit">How many rows.</param>
/// <param name="Ef">Candidates kept on the walk.</param>
/// <param name="IgnoresCodes">Whether it is walked by the full vectors.</param>
/// <param name="Oversampling">How many times the wanted rows are measured by the full vectors; NaN for the codes' own measure.</param>
/// <param name="Rows">Of rows before this one it is known whether they may be returned; others are not.</param>
internal readonly record struct GraphQuestion(int Limit, int Ef, bool IgnoresCodes = false, double Oversampling = double.NaN, int Rows = int.MaxValue);

/// <summary>Where a graph comes from.</summary>
internal enum GraphOrigin : byte
{
    /// <summary>It was built here.</summary>
    Built = 0,

    /// <summary>Its links were taken over from what another replica of the shard built.</summary>
    Fetched = 1,

    /// <summary>It was read from a file: after a restart, or of a snapshot that came from elsewhere.</summary>
    Read = 2,
}

/// <summary>
/// A column's graph in one segment: derived state, which may differ between replicas and is outside every hash. Walked by codes and measured again by the full vectors, or walked by these. Rows are inserted
/// in order; those from <see cref="Indexed"/> on are the caller's to scan, so that a row can be found from the moment it is visible.
/// </summary>
internal sealed unsafe class VectorIndex
{
    /// <summary>Of a scan by codes, so many times the wanted rows are measured again: a scan costs so much that they do not count.</summary>
    private const int ScannedAgain = 4;

    private readonly VectorParams column;
    private readonly RowMemory vectors;
    private readonly GraphBuilder builder;
    private readonly GraphWalker overVectors;
    private readonly GraphWalker? overCodes;
    private readonly delegate*<byte*, byte*, int, float> metric;
    private int indexed;
    private int coded;
    private int notHeld = -1;

    /// <summary>An empty index.</summary>
    /// <param name="column">What is indexed.</param>
    /// <param name="vectors">The full vectors.</param>
    /// <param name="sample">Components of some of them, from which the codes are learnt; reordered.</param>
    public VectorIndex(VectorParams column, RowMemory vectors, Span<float> sample)
        : this(column, vectors, Learn(column, sample), new LinkTable(column.Graph, vectors.RowsMax), null, 0)
    {
    }

    /// <summary>An index with what a file said of it.</summary>
    public VectorIndex(VectorParams column, RowMemory vectors, RowCodec? codec, LinkTable links, RowMemory? codes, int indexed)
    {
        (this.column, this.vectors, Codec, Links, this.indexed) = (column, vectors, codec, links, indexed);
        metric = GraphFactory.MetricOf(column);
        overVectors = GraphFactory.WalkerOverVectors(vectors, column, links);
        if (codec is null)
        {
            builder = GraphFactory.BuilderOverVectors(vectors, column, links);
            vectors.AskForLargePages();
            return;
        }

        // Codes that fit into a few cache lines lie behind one another: padding them would take what they save.
        Codes = codes ?? new RowMemory(codec.RowBytes, vectors.RowsMax, isPadded: false);
        Codes.AskForLargePages();
        overCodes = codec.Walker(Codes, links);
        builder = codec.IsFineEnoughToBuildBy ? GraphFactory.BuilderOverCodes(Codes, column, links) : GraphFactory.BuilderOverVectors(vectors, column, links);
    }

    /// <summary>What turns vectors into codes; null where there are none.</summary>
    public RowCodec? Codec { get; }

    /// <summary>The rows of codes; null where there are none.</summary>
    public RowMemory? Codes { get; }

    /// <summary>Who is linked to whom.</summary>
    public LinkTable Links { get; }

    /// <summary>What is indexed.</summary>
    public VectorParams Column => column;

    /// <summary>Where it comes from.</summary>
    public GraphOrigin Origin { get; init; }

    /// <summary>All rows before this one are in the graph, or have no vector here, or were dead when their turn came.</summary>
    public int Indexed => Volatile.Read(ref indexed);

    /// <summary>Rows from <see cref="Indexed"/> up to this one have 8-bit codes that say nearly all about them: scanning these takes a quarter of the memory.</summary>
    public int Coded => Math.Max(Volatile.Read(ref coded), Indexed);

    /// <summary>How many rows its codes were last tried with. The worker's.</summary>
    public int TriedAt { get; set; }

    /// <summary>How many of its rows were dead when it was last mended. The worker's.</summary>
    public int MendedAt { get; set; }

    /// <summary>Inserts a row. Several threads may, each with its own scratch and rows; <see cref="Advance"/> is then called by their owner.</summary>
    public void Insert(int row, ulong* live, SearchScratch scratch)
    {
        if (row >= coded) WriteCodes(row);
        Link(row, live, scratch);
    }

    /// <summary>
    /// Writes codes of rows whose turn has not come, so that they are scanned fast until it has: up to the first that codes do not hold, behind which rows are scanned as they are until the graph has taken it in.
    /// The worker's, while nobody inserts.
    /// </summary>
    /// <param name="visible">Rows that show.</param>
    /// <param name="most">How many rows at most.</param>
    /// <returns>Whether there were any.</returns>
    public bool CodeAhead(int visible, int most)
    {
        if (Codec is not Int8Codec codec || column.Datatype != VectorDatatype.Float32) return false;
        var (row, from) = (Coded, Coded);
        for (var to = (int)Math.Min(visible, (long)from + most); row < to && row != notHeld; row++)
        {
            if (!codec.Holds((float*)vectors.Row(row)))
            {
                notHeld = row;
                break;
            }

            WriteCodes(row);
        }

        Volatile.Write(ref coded, row);
        return row > from;
    }

    /// <summary>Inserts a row whose codes are there.</summary>
    public void Link(int row, ulong* live, SearchScratch scratch) => builder.Insert(row, live, scratch);

    /// <summary>Writes a row's codes, for a row whose links are taken over from another graph.</summary>
    public void WriteCodes(int row)
    {
        if (Codec is null) return;
        if (column is { Datatype: VectorDatatype.Float32 })
        {
            Codec.ToRow((float*)vectors.Row(row), Codes!.Row(row));
            return;
        }

        var floats = new float[column.Size];
        ReadCompared(column, vectors.Row(row), floats);
        fixed (float* first = floats) Codec.ToRow(first, Codes!.Row(row));
    }

    /// <summary>Learns codes from components of whole vectors, as they are stored; reordered. Null where there are to be none.</summary>
    public static RowCodec? Learn(VectorParams column, Span<float> sample)
    {
        for (var at = 0; IsStoredAsItCame(column) && at + column.Size <= sample.Length; at += column.Size) StoredVectors.BringToLengthOne(sample.Slice(at, column.Size));
        return RowCodec.Learn(column.Quantization, column.Distance, column.Size, sample);
    }

    /// <summary>A stored vector as it is compared.</summary>
    public static void ReadCompared(VectorParams column, byte* row, Span<float> floats)
    {
        StoredVectors.Read(column, row, floats[..column.Size]);
        if (IsStoredAsItCame(column)) StoredVectors.BringToLengthOne(floats[..column.Size]);
    }

    /// <summary>How many rows a search measures again.</summary>
    public static int MeasuredAgain(int limit, double oversampling) => (int)Math.Min((limit * oversampling) + 8, int.MaxValue);

    /// <summary>Bytes under the cosine; their codes are those of vectors of length one.</summary>
    private static bool IsStoredAsItCame(VectorParams column) => column is { Datatype: VectorDatatype.Uint8, Distance: Distance.Cosine };

    /// <summary>Says that all rows before this one have had their turn.</summary>
    public void Advance(int to) => Volatile.Write(ref indexed, to);

    /// <summary>Takes dead rows out of a living row's links; true when there were any.</summary>
    public bool Mend(int row, ulong* live, SearchScratch scratch) => builder.Mend(row, live, scratch);

    /// <summary>Moves the graph's entry to a living row.</summary>
    public void MendEntry(ulong* live) => builder.MendEntry(live, Indexed);

    /// <summary>Links living rows that no walk comes to any more; how many there were. The worker's, while nobody inserts.</summary>
    public int Reattach(ulong* live, SearchScratch scratch) => builder.Reattach(live, Indexed, scratch);

    /// <summary>Finds close rows, into the scratch's pool, the first ones measured by the full vectors. Returns how many are there.</summary>
    /// <param name="query">The query as floats, padded with zeros to whole cache lines.</param>
    /// <param name="question">What is wanted.</param>
    /// <param name="admitted">Bits of the rows that may be returned; null for all.</param>
    /// <param name="scratch">This thread's.</param>
    /// <param name="rest">What else is asked of a row when it is met; null for nothing.</param>
    public int Search(float* query, in GraphQuestion question, ulong* admitted, SearchScratch scratch, LazyRows? rest = null)
    {
        var rows = Math.Min(Indexed, question.Rows);
        if (overCodes is null || question.IgnoresCodes) return overVectors.Search((byte*)query, question.Ef, admitted, rows, scratch, rest);
        scratch.Query.Ensure(overCodes.QueryBytes);
        Codec!.ToQuery(query, scratch.Query.First);
        var oversampling = double.IsNaN(question.Oversampling) ? column.Quantization.Oversampling : Math.Max(1, question.Oversampling);
        var rescored = Math.Min(MeasuredAgain(question.Limit, oversampling), vectors.RowsMax);

        // 8-bit codes put nearly everything at its place: who keeps few candidates has few measured again. Coarser ones need all of theirs.
        var least = double.IsNaN(question.Oversampling) && Codec is Int8Codec ? question.Limit : rescored;
        var found = overCodes.Search(scratch.Query.First, Math.Max(question.Ef, least), admitted, rows, scratch, rest);
        return Rescore(query, scratch.Pool.First, Math.Min(found, rescored));
    }

    /// <summary>Measures rows that have codes and are not in the graph by these, and the closest again by the full vectors, into the scratch's pool. Returns how many are there.</summary>
    /// <param name="query">The query as floats, padded with zeros to whole cache lines.</param>
    /// <param name="limit">How many are wanted.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row behind the last, <see cref="Coded"/> at most.</param>
    /// <param name="live">Bits of the rows that are there.</param>
    /// <param name="admitted">Bits of the rows that may be returned; null for all.</param>
    /// <param name="scratch">This thread's.</param>
    public int ScanCodes(float* query, int limit, int from, int to, ulong* live, ulong* admitted, SearchScratch scratch)
    {
        var kept = (limit * ScannedAgain) + 32;
        scratch.Begin(kept);
        scratch.Query.Ensure(overCodes!.QueryBytes);
        Codec!.ToQuery(query, scratch.Query.First);
        return Rescore(query, scratch.Pool.First, overCodes.Scan(scratch.Query.First, kept, from, to, live, admitted, scratch));
    }

    private int Rescore(float* query, Candidate* pool, int count)
    {
        if (Sse.IsSupported && !column.IsOnDisk)
            for (var at = 0; at < count; at++)
                for (var line = 0; line < Math.Min(vectors.RowBytes, 512); line += RowMemory.LineBytes) Sse.Prefetch0(vectors.Row(pool[at].Row) + line);
        for (var at = 0; at < count; at++) pool[at].Distance = metric((byte*)query, vectors.Row(pool[at].Row), vectors.RowBytes);
        SortedPool.Sort(pool, count);
        return count;
    }
}
