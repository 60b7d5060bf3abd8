using Holdfast.Primitives;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Points;

/// <summary>A store with points whose ids are their numbers, and questions about them.</summary>
internal sealed unsafe class Loaded
{
    private readonly Func<float[], float[], double> distance;
    private readonly VectorParams column;

    private Loaded(VectorParams column)
    {
        this.column = column;
        distance = column.Distance switch { Distance.Euclid => Clusters.Square, Distance.Manhattan => Clusters.Manhattan, _ => column.Datatype == VectorDatatype.Uint8 ? Clusters.Angle : Clusters.Cosine };
        Store = new PointStore([column], 1 << 14);
    }

    public PointStore Store { get; }

    public List<float[]> Vectors { get; } = [];

    public List<float[]> Queries { get; } = [];

    public static Loaded With(Distance distance, Quantization quantization, int points, VectorDatatype datatype = VectorDatatype.Float32)
    {
        var loaded = new Loaded(new VectorParams { Name = "", Size = 48, Distance = distance, Quantization = quantization, Datatype = datatype });
        var clusters = new Clusters(48, 11);
        for (var id = 0; id < points; id++)
        {
            loaded.Vectors.Add(Whole(clusters.Next(distance == Distance.Cosine && datatype != VectorDatatype.Uint8), datatype));
            loaded.Store.Upsert(new PointWrite(PointId.Of((ulong)id), Payload.Empty, [new("", loaded.Vectors[id])]), new LogIndex(7));
        }

        loaded.Store.Publish();
        for (var query = 0; query < 50; query++) loaded.Queries.Add(Whole(clusters.Next(distance == Distance.Cosine && datatype != VectorDatatype.Uint8), datatype));
        return loaded;
    }

    public void Index(int to, int threads = 1)
    {
        var segment = Store.Segments[0];
        var rows = segment.Columns[0];
        var sample = Vectors.Take(500).SelectMany(each => each).ToArray();
        var index = rows.Index ??= new VectorIndex(column, rows.Rows, sample);
        var next = index.Indexed - 1;
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(() =>
        {
            var scratch = segment.Scratch.Rent();
            for (int row; (row = Interlocked.Increment(ref next)) < to;) index.Insert(row, rows.Live, scratch);
            segment.Scratch.Return(scratch);
        })).ToArray();
        foreach (var worker in workers) worker.Start();
        foreach (var worker in workers) worker.Join();
        index.Advance(to);
    }

    public int Mend()
    {
        var segment = Store.Segments[0];
        var rows = segment.Columns[0];
        var scratch = segment.Scratch.Rent();
        rows.Index!.MendEntry(rows.Live);
        var mended = 0;
        for (var row = 0; row < rows.Index.Indexed; row++)
            if (rows.IsLive(row) && rows.Index.Mend(row, rows.Live, scratch)) mended++;
        rows.Index.Reattach(rows.Live, scratch);
        segment.Scratch.Return(scratch);
        return mended;
    }

    public List<PointId> Find(float[] query, int limit, int ef, Func<int, bool>? isAdmitted = null, GraphQuestion question = default, int? scanRowsMax = null) => [.. Search(query, limit, ef, isAdmitted, question, scanRowsMax).Found];

    public int Visited(int ef) => Search(Queries[0], 10, ef, null, default).Trace.Visited;

    public List<SegmentTrace> Traces(int limit, int ef, Func<int, bool>? isAdmitted, int? scanRowsMax = null) => [.. Queries.Select(query => Search(query, limit, ef, isAdmitted, default, scanRowsMax).Trace)];

    public double Recall(int limit, int ef, Func<int, bool>? isAdmitted = null, GraphQuestion question = default, int? scanRowsMax = null)
    {
        var (hits, all) = (0, 0);
        foreach (var query in Queries)
        {
            var expected = Clusters.Closest(Vectors, query, limit, distance, isAdmitted);
            var found = Find(query, limit, ef, isAdmitted, question, scanRowsMax);
            Assert.Equal(expected.Length, found.Count);
            hits += found.Count(id => expected.Contains((int)id.Number));
            all += expected.Length;
        }

        return (double)hits / all;
    }

    private static float[] Whole(float[] vector, VectorDatatype datatype) => datatype == VectorDatatype.Uint8 ? [.. vector.Select(each => Math.Clamp(MathF.Round((each * 30) + 120), 0, 255))] : vector;

    private (IEnumerable<PointId> Found, SegmentTrace Trace) Search(float[] query, int limit, int ef, Func<int, bool>? isAdmitted, GraphQuestion asked, int? scanRowsMax = null)
    {
        var segment = Store.Segments[0];
        var bits = new ulong[isAdmitted is null ? 0 : (segment.Visible / 64) + 1];
        var count = 0;
        for (var row = 0; row < segment.Visible && isAdmitted is not null; row++)
            if (isAdmitted((int)segment.IdOf(row).Number) && segment.IsLive(row))
            {
                bits[row >> 6] |= 1UL << row;
                count++;
            }

        var best = new BestRows(limit);
        var padded = new float[column.RowBytes / column.ElementBytes];
        query.CopyTo(padded, 0);
        if (column is { Datatype: VectorDatatype.Uint8, Distance: Distance.Cosine }) StoredVectors.BringToLengthOne(padded);
        var trace = SegmentSearch.Run(segment, 0, new SegmentQuestion { Query = padded, Limit = limit, Ef = ef, Admitted = bits, AdmittedCount = count, ScanRowsMax = scanRowsMax, IgnoresCodes = asked.IgnoresCodes, Oversampling = asked.Oversampling > 0 ? asked.Oversampling : null }, best);
        return (best.Rows.Select(row => row.Segment.IdOf(row.Row)), trace);
    }
}
