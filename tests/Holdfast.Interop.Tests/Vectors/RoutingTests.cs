using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Five processes, shards on three of them each: any node serves any collection, and a node that dies in the middle of queries fails none.</summary>
public sealed class RoutingTests
{
    private const int Points = 400;

    [Fact]
    public async Task Nodes_without_a_replica_serve_and_no_query_fails_when_a_replica_is_killed()
    {
        var ports = Ports.Free(5);
        await using var cluster = await ProcessCluster.StartAsync(5, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
        try
        {
            await AskAsync(clients[0], "PUT", "/collections/c", """{"vectors":{"size":2,"distance":"Euclid"},"shard_number":2,"replication_factor":3}""");
            var points = string.Join(',', Enumerable.Range(0, Points).Select(id => string.Create(CultureInfo.InvariantCulture, $$$"""{"id":{{{id}}},"vector":[{{{id}}},0],"payload":{"n":{{{id}}}}}""")));
            await AskAsync(clients[1], "PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
            var self = new ulong[5];
            for (var node = 0; node < 5; node++)
            {
                self[node] = (await AskAsync(clients[node], "GET", "/cluster")).GetProperty("peer_id").GetUInt64();
                Assert.Equal(Points, (await AskAsync(clients[node], "POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
                Assert.Equal(["7", "8", "6"], await NearestAsync(clients[node], 7));
            }

            // Each node changes something and reads what it changed, wherever the shard is.
            for (var node = 0; node < 5; node++)
            {
                await AskAsync(clients[node], "POST", "/collections/c/points/payload", $$$"""{"payload":{"by":{{{node}}}},"points":[{{{node}}}]}""");
                Assert.Equal(node, (await AskAsync(clients[(node + 1) % 5], "GET", $"/collections/c/points/{node}")).GetProperty("payload").GetProperty("by").GetInt32());
            }

            var place = await AskAsync(clients[0], "GET", "/collections/c/cluster");
            var holders = place.GetProperty("local_shards").EnumerateArray().Select(_ => self[0]).Concat(place.GetProperty("remote_shards").EnumerateArray().Select(shard => shard.GetProperty("peer_id").GetUInt64())).ToArray();
            Assert.Equal(6, holders.Length);
            var victim = Array.FindIndex(self, id => holders.Count(holder => holder == id) > 0);
            var asked = Enumerable.Range(0, 5).Last(node => node != victim);
            using var done = new CancellationTokenSource();
            var (answered, failures) = (0, new List<string>());
            var load = Task.Run(async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    try
                    {
                        Assert.Equal(["7", "8", "6"], await NearestAsync(clients[asked], 7));
                        Interlocked.Increment(ref answered);
                    }
                    catch (Exception failed) when (failed is HttpRequestException or Xunit.Sdk.XunitException or TaskCanceledException)
                    {
                        failures.Add(failed.Message);
                    }
                }
            });
            await UntilAsync(() => Volatile.Read(ref answered) >= 50);
            cluster.Kill(victim);
            var killedAt = Volatile.Read(ref answered);
            await UntilAsync(() => Volatile.Read(ref answered) >= killedAt + 200);
            await AskAsync(clients[asked], "PUT", "/collections/c/points", """{"points":[{"id":9999,"vector":[9999,0]},{"id":9998,"vector":[9998,0]}]}""");
            await done.CancelAsync();
            await load;
            Assert.Empty(failures);
            Assert.Equal(Points + 2, (await AskAsync(clients[asked], "POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    private static async Task<string[]> NearestAsync(HttpClient client, int to)
    {
        var found = await AskAsync(client, "POST", "/collections/c/points/query", $$"""{"query":[{{to}}.1,0],"limit":3}""");
        return [.. found.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").ToString())];
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using var patience = new CancellationTokenSource(Patient.Most);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!isSo()) await timer.WaitForNextTickAsync(patience.Token);
    }

    private static async Task<JsonElement> AskAsync(HttpClient client, string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement.GetProperty("result");
    }
}
