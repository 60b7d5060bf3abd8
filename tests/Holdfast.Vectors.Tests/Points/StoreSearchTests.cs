using Holdfast.Primitives;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Tests.Graphs;

namespace Holdfast.Vectors.Tests.Points;

/// <summary>A segment's graph, with its tail, against brute force: what is found, what is dead, what is kept out.</summary>
public sealed class StoreSearchTests
{
    private const int Size = 48;
    private const int Points = 6000;

    [Theory]
    [InlineData(Distance.Cosine, true)]
    [InlineData(Distance.Cosine, false)]
    [InlineData(Distance.Euclid, true)]
    [InlineData(Distance.Euclid, false)]
    [InlineData(Distance.Manhattan, true)]
    [InlineData(Distance.Manhattan, false)]
    public void A_graph_finds_what_brute_force_finds(Distance distance, bool isByCodes)
    {
        var loaded = Loaded.With(distance, new Quantization { Encoding = isByCodes ? GraphEncoding.Int8 : GraphEncoding.Exact }, Points);
        loaded.Index(Points);
        Assert.True(loaded.Recall(10, 64) >= 0.95, $"recall {loaded.Recall(10, 64)}");
        Assert.True(loaded.Visited(64) < Points / 3, $"{loaded.Visited(64)} rows were measured");
    }

    [Fact]
    public void Half_precision_is_searched_by_its_codes()
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points, VectorDatatype.Float16);
        loaded.Index(Points);
        Assert.True(loaded.Recall(10, 64) >= 0.94, $"recall {loaded.Recall(10, 64)}");
    }

    [Theory]
    [InlineData(Distance.Cosine)]
    [InlineData(Distance.Euclid)]
    [InlineData(Distance.Manhattan)]
    public void Bytes_are_searched_by_their_codes(Distance distance)
    {
        var loaded = Loaded.With(distance, new Quantization(), Points, VectorDatatype.Uint8);
        loaded.Index(Points);
        Assert.True(loaded.Recall(10, 64) >= 0.94, $"recall {loaded.Recall(10, 64)}");
    }

    [Theory]
    [InlineData(Distance.Cosine, "turned", 4, 0.95)]
    [InlineData(Distance.Euclid, "turned", 4, 0.95)]
    [InlineData(Distance.Cosine, "turned", 2, 0.95)]
    [InlineData(Distance.Euclid, "turned", 2, 0.95)]
    [InlineData(Distance.Cosine, "turned", 1, 0.9)]
    [InlineData(Distance.Euclid, "turned", 1, 0.9)]
    [InlineData(Distance.Manhattan, "turned", 4, 0.95)]
    [InlineData(Distance.Cosine, "binary", 1, 0.75)]
    [InlineData(Distance.Cosine, "product", 4, 0.95)]
    [InlineData(Distance.Euclid, "product", 16, 0.9)]
    [InlineData(Distance.Manhattan, "product", 8, 0.9)]
    public void Each_quantisation_finds_what_brute_force_finds_when_it_is_measured_again(Distance distance, string kind, int number, double least)
    {
        var quantization = kind switch
        {
            "turned" => new Quantization { Encoding = GraphEncoding.Turned, Bits = number },
            "binary" => new Quantization { Encoding = GraphEncoding.Binary },
            _ => new Quantization { Encoding = GraphEncoding.Product, Compression = number },
        };
        var loaded = Loaded.With(distance, quantization, Points);
        loaded.Index(Points);
        var recall = loaded.Recall(10, 64);
        Assert.True(recall >= least, $"recall {recall}");
        Assert.True(loaded.Recall(10, 64, question: new GraphQuestion(0, 0, IgnoresCodes: true)) >= 0.95, "by full vectors");
        Assert.True(loaded.Recall(10, 64, question: new GraphQuestion(0, 0, Oversampling: 1)) <= recall + 0.001, "measuring fewer again finds no more");
    }

    [Fact]
    public void A_row_is_found_before_it_is_indexed_and_while_the_graph_is_half_built()
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points);
        Assert.Equal(1.0, loaded.Recall(10, 64));
        loaded.Index(Points / 2);
        Assert.True(loaded.Recall(10, 64) >= 0.95, $"recall {loaded.Recall(10, 64)}");
        loaded.Store.Upsert(new PointWrite(PointId.Of(77_777), Payload.Empty, [new("", loaded.Queries[0])]), new LogIndex(9));
        loaded.Store.Publish();
        Assert.Equal(77_777UL, loaded.Find(loaded.Queries[0], 10, 64)[0].Number);
    }

    [Fact]
    public void The_dead_are_not_found_and_a_mended_graph_does_not_lead_to_them()
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points);
        loaded.Index(Points);
        for (var id = 0; id < Points; id += 3) Assert.True(loaded.Store.Delete(PointId.Of((ulong)id), new LogIndex(8)));
        loaded.Store.Publish();
        Assert.True(loaded.Recall(10, 64, row => row % 3 != 0) >= 0.95, $"recall {loaded.Recall(10, 64, row => row % 3 != 0)}");
        Assert.True(loaded.Mend() > 0);
        Assert.Equal(0, loaded.Mend());
        Assert.True(loaded.Recall(10, 64, row => row % 3 != 0) >= 0.95, $"recall after mending {loaded.Recall(10, 64, row => row % 3 != 0)}");
    }

    /// <summary>As when a document's pieces are deleted and written anew: all that lie near the newest are dead, and a walk that goes through one dead row at a time ends among them.</summary>
    [Fact]
    public void A_point_is_found_where_all_around_it_have_died()
    {
        const int Gone = 300;
        var (loaded, dice) = (Loaded.With(Distance.Euclid, new Quantization(), Points), new SeededRandom(5));
        var place = loaded.Queries[0];
        for (var id = Points; id < Points + Gone; id++) loaded.Store.Upsert(new PointWrite(PointId.Of((ulong)id), Payload.Empty, [new("", [.. place.Select(each => each + (float)(dice.NextDouble() * 0.001))])]), new LogIndex(8));
        loaded.Store.Publish();
        loaded.Index(Points + Gone);
        for (var id = Points; id < Points + Gone; id++) Assert.True(loaded.Store.Delete(PointId.Of((ulong)id), new LogIndex(9)));
        loaded.Store.Upsert(new PointWrite(PointId.Of(77_777), Payload.Empty, [new("", place)]), new LogIndex(10));
        loaded.Store.Publish();
        loaded.Index(Points + Gone + 1);
        Assert.Equal(77_777UL, loaded.Find(place, 1, 64)[0].Number);
        loaded.Mend();
        Assert.Equal(77_777UL, loaded.Find(place, 1, 64)[0].Number);
    }

    /// <summary>Of small graphs every living row is found by its own vector once they were mended, whoever led to it before.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Where_rows_come_and_go_every_living_one_is_found_by_its_own_vector(int seed)
    {
        var dice = new SeededRandom((ulong)seed);
        for (var round = 0; round < 100; round++)
        {
            var loaded = Loaded.With(Distance.Euclid, new Quantization(), 8);
            var living = Enumerable.Range(0, 8).ToDictionary(id => (ulong)id, id => loaded.Vectors[id]);
            var (rows, mendedAt) = (8, 0);
            loaded.Index(rows);
            for (var turn = 0; turn < 60; turn++)
            {
                if (dice.Chance(0.4) && living.Count > 2)
                {
                    var gone = living.Keys.ElementAt(dice.Next(living.Count));
                    Assert.True(living.Remove(gone) && loaded.Store.Delete(PointId.Of(gone), new LogIndex(8)));
                }
                else
                {
                    var id = (ulong)dice.Next(40);
                    living[id] = [.. Enumerable.Range(0, Size).Select(at => at < 3 ? (float)dice.NextDouble() : 0)];
                    loaded.Store.Upsert(new PointWrite(PointId.Of(id), Payload.Empty, [new("", living[id])]), new LogIndex(8));
                    rows++;
                }

                loaded.Store.Publish();
                loaded.Index(rows);
                if ((rows - living.Count - mendedAt) * 10 < rows) continue;
                loaded.Mend();
                mendedAt = rows - living.Count;
                foreach (var (id, vector) in living) Assert.Equal(id, loaded.Find(vector, 1, 64)[0].Number);
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(100)]
    [InlineData(1000)]
    public void A_search_among_some_rows_always_returns_the_limit_if_so_many_are_there(int oneIn)
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points);
        loaded.Index(Points);
        var recall = loaded.Recall(5, 64, row => row % oneIn == 1);
        Assert.True(recall >= 0.95, $"recall {recall}");
    }

    /// <summary>Of walks through a part of the rows: as good as one through all, and where half are admitted hardly longer.</summary>
    [Theory]
    [InlineData(Distance.Cosine, 2, true)]
    [InlineData(Distance.Cosine, 2, false)]
    [InlineData(Distance.Euclid, 2, true)]
    [InlineData(Distance.Cosine, 3, true)]
    [InlineData(Distance.Cosine, 5, true)]
    [InlineData(Distance.Euclid, 5, false)]
    [InlineData(Distance.Cosine, 10, true)]
    [InlineData(Distance.Cosine, 25, true)]
    public void A_walk_among_the_admitted_finds_what_brute_force_finds_there_and_measures_few(Distance distance, int oneIn, bool isByCodes)
    {
        const int Many = 16_000;
        var loaded = Loaded.With(distance, new Quantization { Encoding = isByCodes ? GraphEncoding.Int8 : GraphEncoding.Exact }, Many);
        loaded.Index(Many, threads: 2);
        var dice = new Random(oneIn);
        var lots = Enumerable.Range(0, Many).Select(_ => dice.Next(oneIn) == 0).ToArray();
        var traces = loaded.Traces(10, 64, row => lots[row], scanRowsMax: 0);
        Assert.All(traces, trace => Assert.Equal("graph among admitted", trace.Strategy));
        var recall = loaded.Recall(10, 64, row => lots[row], scanRowsMax: 0);
        Assert.True(recall >= 0.95, $"recall {recall}");
        var (among, all) = (traces.Average(trace => trace.Visited), loaded.Traces(10, 64, null).Average(trace => trace.Visited));
        Assert.True(among <= all * 2.5, $"{among} rows were measured, {all} without a filter");
    }

    /// <summary>A filter's bits are of the moment when it was asked, and rows are added and indexed while a search runs: those have no bits, and what lies in memory behind the bits is none of theirs.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void Rows_that_came_after_the_filter_was_asked_are_not_taken_for_admitted(bool isExact, bool ignoresCodes)
    {
        const int Asked = 5120;
        var loaded = Loaded.With(Distance.Euclid, new Quantization(), Points);
        loaded.Index(Points);
        var memory = new ulong[(2 * Points) >> 6];
        Array.Fill(memory, ulong.MaxValue);
        foreach (var query in loaded.Queries)
        {
            var best = new BestRows(10);
            var question = new SegmentQuestion { Query = query, Limit = 10, Ef = 64, IsExact = isExact, IgnoresCodes = ignoresCodes, Admitted = memory.AsSpan(0, Asked >> 6), AdmittedCount = Asked };
            Assert.Equal(isExact ? "scan" : "graph among admitted", SegmentSearch.Run(loaded.Store.Segments[0], 0, question, best).Strategy);
            Assert.Equal(10, best.Rows.Count);
            Assert.All(best.Rows, row => Assert.InRange(row.Row, 0, Asked - 1));
        }
    }

    [Fact]
    public void Rows_that_are_all_far_away_are_found_when_only_they_are_admitted()
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points);
        loaded.Index(Points);
        var query = loaded.Queries[0];
        var far = Clusters.Closest(loaded.Vectors, query, Points, Clusters.Cosine).TakeLast(2500).ToHashSet();
        var expected = Clusters.Closest(loaded.Vectors, query, 10, Clusters.Cosine, far.Contains);
        var found = loaded.Find(query, 10, 64, far.Contains);
        Assert.Equal(10, found.Count);
        Assert.True(found.Count(id => expected.Contains((int)id.Number)) >= 9);
    }

    [Fact]
    public void Threads_that_index_side_by_side_make_a_graph_that_finds_as_much()
    {
        var loaded = Loaded.With(Distance.Cosine, new Quantization(), Points);
        loaded.Index(Points, threads: 4);
        Assert.True(loaded.Recall(10, 64) >= 0.95, $"recall {loaded.Recall(10, 64)}");
    }
}
