using System.Globalization;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.Graphs;

/// <summary>Vectors that 8-bit codes cannot tell apart, or not by what the first of them taught: what is found must not fall for it.</summary>
public sealed class CodeChoiceTests
{
    private const int Rows = 12_000;

    private readonly IndexWorkerOptions options = new() { RowsMin = 500, SealRowsMin = 5000 };
    private readonly ShardMachine machine = new(1 << 15);
    private readonly SeededRandom dice = new(5);
    private readonly List<float[]> vectors = [];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void On_a_line_graphs_are_walked_by_full_vectors(bool isIndexedMeanwhile)
    {
        Load(2, "Euclid", isIndexedMeanwhile, row => [row, 0]);
        Expect(GraphEncoding.Exact, () => [(float)(dice.NextDouble() * Rows), 0]);
    }

    [Fact]
    public void What_drifts_away_from_the_first_rows_teaches_other_codes()
    {
        // Each component wanders far beyond what the first rows spread over.
        Load(24, "Euclid", true, row => Around(row * 20f / Rows));
        Expect(GraphEncoding.Int8, () => Around(dice.Next(Rows) * 20f / Rows));
    }

    [Fact]
    public void What_lies_far_out_is_found_and_does_not_take_the_codes_from_all_others()
    {
        Load(24, "Euclid", true, row => Around(row % 2000 == 7 ? row / 400f : 0));
        Expect(GraphEncoding.Int8, () => Around(0), least: 370);
        for (var far = 7; far < Rows; far += 2000) Assert.Equal((ulong)far, Nearest(vectors[far], isExact: false)[0].Id.Number);
    }

    [Fact]
    public void What_spreads_evenly_is_walked_by_codes()
    {
        Load(24, "Cosine", true, _ => Around(0));
        Expect(GraphEncoding.Int8, () => Around(0));
    }

    private void Load(int size, string distance, bool isIndexedMeanwhile, Func<int, float[]> vector)
    {
        Assert.Null(Propose(1, ShardCommand.Configure(CollectionConfig.Create(JsonDocument.Parse(string.Create(CultureInfo.InvariantCulture, $$$"""{"vectors":{"size":{{{size}}},"distance":"{{{distance}}}"} }""")).RootElement, 1).Json)).Fault);
        var indexing = new ShardIndexing(machine, options);
        for (var from = 0; from < Rows; from += 500)
        {
            for (var row = from; row < from + 500; row++) vectors.Add(vector(row));
            Assert.Null(Propose((ulong)from + 2, ShardCommand.Upsert([.. Enumerable.Range(from, 500).Select(row => new PointWrite(PointId.Of((ulong)row), Payload.Empty, [new("", [.. vectors[row]])]))], _ => 0)).Fault);
            for (var steps = 0; isIndexedMeanwhile && indexing.Work(); steps++) Assert.True(steps < 100_000);
        }

        for (var steps = 0; indexing.Work(); steps++) Assert.True(steps < 100_000);
    }

    private void Expect(GraphEncoding encoding, Func<float[]> query, int least = 380)
    {
        var (hits, traces) = (0, new List<SegmentTrace>());
        for (var asked = 0; asked < 40; asked++)
        {
            var wanted = query();
            var truth = Nearest(wanted, isExact: true).Select(row => row.Score).Last();
            var found = Nearest(wanted, isExact: false, traces);
            Assert.Equal(10, found.Count);
            hits += found.Count(row => machine.State!.Store.Columns[0].Distance == Distance.Euclid ? row.Score <= truth : row.Score >= truth);
        }

        Assert.All(traces.Where(trace => trace.Strategy == "graph"), trace => Assert.Equal(encoding, trace.Encoding));
        Assert.Contains(traces, trace => trace.Strategy == "graph");
        Assert.True(hits >= least, $"{hits} of 400 were found");
    }

    private List<ScoredRow> Nearest(float[] vector, bool isExact, List<SegmentTrace>? traces = null) =>
        ShardSearch.Nearest(machine.State!, new NearestQuery { Column = 0, Vector = [.. vector], Limit = 10, IsExact = isExact, Ef = 96 }, traces);

    private float[] Around(float middle)
    {
        var vector = new float[24];
        for (var at = 0; at < vector.Length; at++) vector[at] = middle + (float)(dice.NextDouble() + dice.NextDouble() + dice.NextDouble() - 1.5);
        return vector;
    }

    private ShardReply Propose(ulong index, byte[] command)
    {
        ApplyResult result;
        do result = machine.Apply(new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = true });
        while (!result.IsDone);
        return (ShardReply)result.Reply!;
    }
}
