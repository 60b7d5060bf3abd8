using System.Collections.Immutable;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Sparse;

/// <summary>Sparse vectors by their inverted index and multi-vectors by maximal similarity, against brute force: indexed, half indexed, among some, with the dead.</summary>
public sealed class SparseAndMultiTests
{
    private const int Points = 1500;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sparse_vectors_are_found_by_what_they_share(bool isWeighted)
    {
        var dice = new Random(5);
        var config = ConfigOf("""{"vectors":{},"sparse_vectors":{"s":{"modifier":"MODIFIER"}}}""".Replace("MODIFIER", isWeighted ? "idf" : "none", StringComparison.Ordinal));
        var state = new ShardState(config, new PointStore(config.Columns, 4096), ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));
        var rows = new List<Dictionary<uint, float>>();
        for (var id = 0; id < Points; id++)
        {
            rows.Add(Random(dice));
            var written = VectorNorm.Prepare(new NamedVector("s", [.. rows[id].Values], [.. rows[id].Keys]), config.Columns[0]);
            state.Store.Upsert(new PointWrite(PointId.Of((ulong)id), Payload.From(JsonDocument.Parse($$"""{"n":{{id}}}""").RootElement), [written]), new LogIndex(5));
        }

        for (var id = 0; id < Points; id += 7)
        {
            rows[id] = [];
            state.Store.Delete(PointId.Of((ulong)id), new LogIndex(6));
        }

        state.Store.Publish();
        var column = state.Store.Segments[0].Columns[0];
        foreach (var covered in new[] { 0, 700, Points })
        {
            column.Postings!.Extend(column, covered);
            for (var query = 0; query < 20; query++)
            {
                var asked = Random(dice);
                var filter = query % 2 == 0 ? null : FilterParser.Parse("""{"must":[{"key":"n","range":{"lt":400}}]}""");
                var prepared = VectorNorm.Prepare(new NamedVector("s", [.. asked.Values], [.. asked.Keys]), config.Columns[0]);
                var found = ShardSearch.Nearest(state, new NearestQuery { Column = 0, Vector = prepared.Values, Indices = prepared.Indices, Limit = 10, Filter = filter });
                var living = rows.Count(row => row.Count > 0);
                var expected = Enumerable.Range(0, filter is null ? Points : 400).Where(id => rows[id].Keys.Any(asked.ContainsKey))
                    .Select(id => (Id: id, Score: asked.Sum(each => rows[id].TryGetValue(each.Key, out var value) ? value * each.Value * Weight(each.Key) : 0)))
                    .OrderByDescending(each => each.Score).ThenBy(each => each.Id).Take(10).ToArray();
                Assert.Equal(expected.Length, found.Count);
                for (var at = 0; at < found.Count; at++) Assert.Equal(expected[at].Score, found[at].Score, 1e-3);

                double Weight(uint place) => isWeighted && rows.Count(row => row.ContainsKey(place)) is var count ? Math.Log(((living - count + 0.5) / (count + 0.5)) + 1) : 1;
            }
        }
    }

    /// <summary>A filter's bits are of the moment when it was asked.</summary>
    [Fact]
    public void Rows_that_came_after_the_filter_was_asked_are_left_out()
    {
        const int Asked = 128;
        var config = ConfigOf("""{"vectors":{"m":{"size":2,"distance":"Dot","multivector_config":{"comparator":"max_sim"}}},"sparse_vectors":{"s":{}}}""");
        var store = new PointStore(config.Columns, 4096);
        for (var id = 0; id < 3 * Asked; id++) store.Upsert(new PointWrite(PointId.Of((ulong)id), Payload.Empty, [new("m", [id, 1]), new("s", [1f + id], [3u])]), new LogIndex(5));
        store.Publish();
        var bits = new ulong[Asked >> 6];
        Array.Fill(bits, ulong.MaxValue);
        foreach (var (name, query) in new (string, float[])[] { ("m", [.. new float[] { 1, 1 }, .. new float[(config.Columns[config.ColumnOf("m")].RowBytes / sizeof(float)) - 2]]), ("s", [1]) })
        {
            var best = new BestRows(1000);
            SegmentSearch.Run(store.Segments[0], config.ColumnOf(name), new SegmentQuestion { Query = query, Indices = [3u], Limit = 1000, Ef = 10, Admitted = bits, AdmittedCount = Asked }, best);
            Assert.Equal(Asked, best.Rows.Count);
            Assert.All(best.Rows, row => Assert.InRange(row.Row, 0, Asked - 1));
        }
    }

    [Theory]
    [InlineData("Cosine", "float32")]
    [InlineData("Euclid", "float16")]
    [InlineData("Dot", "float32")]
    public void Each_of_a_querys_vectors_seeks_its_closest(string distance, string datatype)
    {
        var dice = new Random(9);
        var config = ConfigOf("""{"vectors":{"m":{"size":5,"distance":"DISTANCE","datatype":"DATATYPE","multivector_config":{"comparator":"max_sim"}}}}""".Replace("DISTANCE", distance, StringComparison.Ordinal).Replace("DATATYPE", datatype, StringComparison.Ordinal));
        var state = new ShardState(config, new PointStore(config.Columns, 4096), ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal));
        var rows = new List<float[][]>();
        for (var id = 0; id < 300; id++)
        {
            var written = VectorNorm.Prepare(new NamedVector("m", Many(dice, dice.Next(1, 5))), config.Columns[0]);
            rows.Add([.. written.Values.Select(value => datatype == "float16" ? (float)(Half)value : value).Chunk(5)]);
            state.Store.Upsert(new PointWrite(PointId.Of((ulong)id), Payload.Empty, [written]), new LogIndex(5));
        }

        state.Store.Publish();
        Assert.Equal(rows[17].SelectMany(each => each), state.Store.Segments[0].Columns[0].Read(17));
        for (var query = 0; query < 20; query++)
        {
            var asked = VectorNorm.Prepare(new NamedVector("m", Many(dice, 3)), config.Columns[0]).Values.Chunk(5).ToArray();
            var found = ShardSearch.Nearest(state, new NearestQuery { Column = 0, Vector = [.. asked.SelectMany(each => each)], Limit = 10 });
            var expected = rows.Select((row, id) => (Id: (ulong)id, Sum: asked.Sum(one => row.Min(other => distance == "Euclid" ? Clusters.Square(one, other) : Clusters.Cosine(one, other))))).OrderBy(each => each.Sum).Take(10).ToArray();
            Assert.Equal(expected.Select(each => each.Id), found.Select(row => row.Id.Number));
            Assert.Equal(distance == "Euclid" ? Math.Sqrt(expected[0].Sum) : -expected[0].Sum, found[0].Score, 1e-3);
        }
    }

    [Theory]
    [InlineData(new uint[] { 3, 3 }, new float[] { 1, 2 })]
    [InlineData(new uint[] { 3 }, new float[] { 1, 2 })]
    [InlineData(new uint[] { 3 }, new float[] { float.NaN })]
    [InlineData(null, new float[] { 1 })]
    public void A_sparse_vector_that_is_none_is_refused(uint[]? indices, float[] values)
    {
        var config = ConfigOf("""{"vectors":{},"sparse_vectors":{"s":{}}}""");
        Assert.Throws<VectorFault>(() => VectorNorm.Prepare(new NamedVector("s", values, indices), config.Columns[0]));
    }

    private static CollectionConfig ConfigOf(string json) => CollectionConfig.Create(JsonDocument.Parse(json).RootElement, 1);

    private static float[] Many(Random dice, int count) => [.. Enumerable.Range(0, count * 5).Select(_ => (dice.NextSingle() * 2) - 1)];

    private static Dictionary<uint, float> Random(Random dice)
    {
        var vector = new Dictionary<uint, float>();
        for (var count = dice.Next(1, 12); count > 0; count--) vector[(uint)(200 * dice.NextDouble() * dice.NextDouble())] = dice.NextSingle();
        return vector;
    }
}
