using System.Globalization;
using System.Text.Json;
using static Holdfast.Interop.Tests.Vectors.VectorLoad;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Three processes, one shard: one builds the graph, the others fetch it. Counted by the nodes' own metrics, and seen by what each replica finds and says of its graph.</summary>
public sealed class SharedGraphTests
{
    private const int Rows = 24_000;
    private const int Batch = 1000;
    private const int Size = 32;

    private readonly Random dice = new(5);
    private readonly float[][] centres = new float[40][];

    public SharedGraphTests()
    {
        for (var at = 0; at < centres.Length; at++) centres[at] = [.. Enumerable.Range(0, Size).Select(_ => Normal())];
    }

    [Fact]
    public async Task One_replica_builds_a_graph_and_the_others_fetch_it()
    {
        var ports = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
        try
        {
            await AskAsync(clients[0], "PUT", "/collections/c", $$$"""{"vectors":{"size":{{{Size}}},"distance":"Cosine"},"replication_factor":3}""");
            for (var first = 0; first < Rows; first += Batch) await WriteAsync(clients[0], first);
            await UntilAsync(async () => (await CountAsync(clients, "graph_rows_inserted")).Max() >= Rows && (await CountAsync(clients, "graphs_fetched")).Count(graphs => graphs > 0) == 2);
            var inserted = await CountAsync(clients, "graph_rows_inserted");
            Assert.True(inserted.Sum() <= Rows * 2, $"{string.Join(", ", inserted)} rows were inserted on the nodes, of {Rows}");

            var origins = await FindsAsync(clients);
            Assert.Contains(origins.Values, origin => origin.Contains("fetched"));
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    [Fact]
    public async Task When_the_builder_is_killed_the_others_have_a_graph_all_the_same()
    {
        var ports = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
        try
        {
            await AskAsync(clients[0], "PUT", "/collections/c", $$$"""{"vectors":{"size":{{{Size}}},"distance":"Cosine"},"replication_factor":3}""");
            for (var first = 0; first < Rows / 2; first += Batch) await WriteAsync(clients[0], first);
            var builder = -1;
            await UntilAsync(async () => (builder = Array.FindIndex(await CountAsync(clients, "graph_rows_inserted"), rows => rows > 0)) >= 0);
            cluster.Kill(builder);
            HttpClient[] others = [.. clients.Where((_, node) => node != builder)];
            for (var first = Rows / 2; first < Rows; first += Batch) await WriteAsync(others[0], first);
            await UntilGraphsAsync(others);
            await FindsAsync(others);

            // It comes back, and has what the others have.
            cluster.Start(builder);
            await VectorLoad.UntilAsync(async () => (await AskAsync(others[0], "GET", "/cluster/telemetry")).GetProperty("collections").GetProperty("c").GetProperty("shards")[0].GetProperty("replicas"), replicas =>
                replicas.GetArrayLength() == 3 && replicas.EnumerateArray().All(replica => replica.GetProperty("state").GetString() == "Active" && replica.GetProperty("num_points").GetInt32() == Rows)
                && replicas.EnumerateArray().Select(replica => replica.GetProperty("state_hash").GetString()).Distinct().Count() == 1);
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    /// <summary>
    /// Asks at each node until each replica has answered often enough, and looks at what it found against an exact search; what each says of its graphs, by node. Which replica answers is the routing's choice: one that is
    /// slow just now may be left out.
    /// </summary>
    private async Task<Dictionary<string, HashSet<string>>> FindsAsync(HttpClient[] clients)
    {
        var (hits, asked, origins) = (new Dictionary<string, int>(), new Dictionary<string, int>(), new Dictionary<string, HashSet<string>>());
        for (var query = 0; query < 600 && (asked.Count < clients.Length || asked.Values.Min() < 20); query++)
        {
            var client = clients[query % clients.Length];
            var vector = JsonSerializer.Serialize(Next());
            var truth = Ids(await AskAsync(client, "POST", "/collections/c/points/query", $$$"""{"query":{{{vector}}},"limit":10,"params":{"exact":true}}"""));
            var (status, text) = await SendAsync(client, "POST", "/collections/c/points/query?explain=true", $$"""{"query":{{vector}},"limit":10}""");
            Assert.Equal(200, status);
            using var answer = JsonDocument.Parse(text);
            var stage = answer.RootElement.GetProperty("explain").GetProperty("stages")[0];
            var node = stage.GetProperty("node").GetString()!;
            hits[node] = hits.GetValueOrDefault(node) + Ids(answer.RootElement.GetProperty("result")).Intersect(truth).Count();
            asked[node] = asked.GetValueOrDefault(node) + 1;
            if (!origins.TryGetValue(node, out var known)) origins[node] = known = [];
            foreach (var segment in stage.GetProperty("segments").EnumerateArray())
                if (segment.TryGetProperty("graph", out var origin)) known.Add(origin.GetString()!);
        }

        Assert.True(asked.Count >= clients.Length - 1, $"only {asked.Count} replicas answered");
        foreach (var (node, count) in asked) Assert.True(hits[node] >= count * 10 * 0.95, $"node {node} found {hits[node]} of {count * 10}");
        return origins;
    }

    /// <summary>Waits until each of these nodes has a sealed segment's graph, built or fetched.</summary>
    private static Task UntilGraphsAsync(HttpClient[] clients) =>
        UntilAsync(async () => (await CountAsync(clients, "graphs_built")).Zip(await CountAsync(clients, "graphs_fetched"), (built, fetched) => built + fetched).All(graphs => graphs >= 1));

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        using var patience = new CancellationTokenSource(Patient.Most);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await isSo()) await timer.WaitForNextTickAsync(patience.Token);
    }

    private static async Task<long[]> CountAsync(HttpClient[] clients, string name)
    {
        var counts = new long[clients.Length];
        for (var node = 0; node < clients.Length; node++)
        {
            var (status, text) = await SendAsync(clients[node], "GET", "/metrics");
            Assert.Equal(200, status);
            var line = text.Split('\n').Single(each => each.StartsWith($"holdfast_vectors_{name}_total ", StringComparison.Ordinal));
            counts[node] = (long)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
        }

        return counts;
    }

    private static int[] Ids(JsonElement found) => [.. found.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").GetInt32())];

    private async Task WriteAsync(HttpClient client, int first)
    {
        var points = string.Join(',', Enumerable.Range(first, Batch).Select(id => string.Create(CultureInfo.InvariantCulture, $$"""{"id":{{id}},"vector":{{JsonSerializer.Serialize(Next())}}}""")));
        await AskAsync(client, "PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
    }

    /// <summary>A vector close to one of some centres.</summary>
    private float[] Next()
    {
        var centre = centres[dice.Next(centres.Length)];
        return [.. centre.Select(value => value + (0.5f * Normal()))];
    }

    private float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())) * Math.Cos(2 * Math.PI * dice.NextDouble()));
}
