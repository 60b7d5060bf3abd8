using System.Globalization;
using System.Text.Json;
using static Holdfast.Interop.Tests.Vectors.VectorLoad;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Shards that move, and that are cut in half, while clients write and read and nodes die: real processes.</summary>
public sealed class MoveTests
{
    private const int Points = 2000;

    [Fact]
    public async Task A_shard_moves_while_it_serves_although_its_target_is_killed_in_the_middle_and_all_replicas_are_the_same()
    {
        var ports = Ports.Free(4);
        await using var cluster = await ProcessCluster.StartAsync(4, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
        try
        {
            var self = await PeersAsync(clients);
            await CreateAsync(clients[0], shards: 1);
            var holders = await HoldersAsync(clients[0], self[0]);
            Assert.Equal(3, holders.Length);
            var target = Array.FindIndex(self, id => !holders.Contains(id));
            var asked = Enumerable.Range(0, 4).First(node => node != target);
            var from = holders.First(id => id != self[asked]);
            await using (var load = new VectorLoad(clients[asked], Points))
            {
                await load.UntilGoesOnAsync();

                // As JavaScript would write the ids: close to them, and equal to none.
                var (loose, goal) = (((double)from).ToString("F0", CultureInfo.InvariantCulture), ((double)self[target]).ToString("F0", CultureInfo.InvariantCulture));
                await AskAsync(clients[asked], "POST", "/collections/c/cluster", $$$"""{"move_shard":{"shard_id":0,"from_peer_id":{{{loose}}},"to_peer_id":{{{goal}}}}}""");
                var transfer = (await ClusterAsync(clients[asked])).GetProperty("shard_transfers").EnumerateArray().Single();
                Assert.Equal((0, from, self[target], false, "snapshot"), (transfer.GetProperty("shard_id").GetInt32(), transfer.GetProperty("from").GetUInt64(), transfer.GetProperty("to").GetUInt64(), transfer.GetProperty("sync").GetBoolean(), transfer.GetProperty("method").GetString()));
                cluster.Kill(target);
                await load.UntilGoesOnAsync();
                Assert.Single((await ClusterAsync(clients[asked])).GetProperty("shard_transfers").EnumerateArray());
                cluster.Start(target);
                await UntilAsync(() => ClusterAsync(clients[asked]), shown => shown.GetProperty("shard_transfers").GetArrayLength() == 0 && Holders(shown, self[asked]).Contains(self[target]));
                await load.UntilGoesOnAsync();
                await load.EndAsync();
                Assert.Empty(load.Failures);
                var now = await HoldersAsync(clients[asked], self[asked]);
                Assert.Equal(holders.Where(id => id != from).Append(self[target]).Order(), now.Order());
                foreach (var client in clients) Assert.Equal(load.Written, (await AskAsync(client, "POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
                await AllTheSameAsync(clients[asked], 3, load.Written);
                var (status, refused) = await SendAsync(clients[asked], "POST", "/collections/c/cluster", $$$"""{"abort_transfer":{"shard_id":0,"from_peer_id":{{{from}}},"to_peer_id":{{{self[target]}}}}}""");
                Assert.Equal(404, status);
                Assert.Contains("There is no transfer for shard 0", refused, StringComparison.Ordinal);
            }
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    [Fact]
    public async Task A_shard_is_split_while_it_serves_although_the_node_that_drives_it_is_killed()
    {
        var ports = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var clients = Array.ConvertAll(ports, port => new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") });
        try
        {
            var self = await PeersAsync(clients);
            await CreateAsync(clients[0], shards: 1);
            await AskAsync(clients[0], "PUT", "/collections/c/index", """{"field_name":"n","field_schema":"integer"}""");
            var driver = Array.IndexOf(self, (await AskAsync(clients[0], "GET", "/cluster")).GetProperty("raft_info").GetProperty("leader").GetUInt64());
            var asked = (driver + 1) % 3;
            await using (var load = new VectorLoad(clients[asked], Points))
            {
                await load.UntilGoesOnAsync();
                await AskAsync(clients[asked], "POST", "/collections/c/cluster", """{"start_resharding":{"direction":"up"}}""");
                Assert.Equal(1, (await ClusterAsync(clients[asked])).GetProperty("resharding_operations")[0].GetProperty("shard_id").GetInt32());
                cluster.Kill(driver);
                await UntilSplitAsync(clients[asked], 2);
                await load.UntilGoesOnAsync();
                cluster.Start(driver);
                await UntilAsync(async () => (await SendAsync(clients[driver], "GET", "/readyz")) is var (status, text) ? JsonDocument.Parse(status == 200 ? "true" : "false").RootElement : default, ready => ready.ValueKind == JsonValueKind.True);
                await AskAsync(clients[asked], "POST", "/collections/c/cluster", """{"split_shard":{"shard_id":1}}""");
                await UntilSplitAsync(clients[asked], 3);
                await load.UntilGoesOnAsync();
                await load.EndAsync();
                Assert.Empty(load.Failures);
                foreach (var client in clients)
                {
                    Assert.Equal(load.Written, (await AskAsync(client, "POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
                    var ids = new List<int>();
                    for (JsonElement? next = null; ;)
                    {
                        var page = await AskAsync(client, "POST", "/collections/c/points/scroll", next is { } from ? $$"""{"limit":900,"offset":{{from}},"with_payload":false}""" : """{"limit":900,"with_payload":false}""");
                        ids.AddRange(page.GetProperty("points").EnumerateArray().Select(point => point.GetProperty("id").GetInt32()));
                        if (page.GetProperty("next_page_offset") is not { ValueKind: JsonValueKind.Number } more) break;
                        next = more;
                    }

                    Assert.Equal(Enumerable.Range(0, load.Written), ids);
                }

                var sizes = (await AllTheSameAsync(clients[asked], 9, load.Written)).Order().ToArray();
                Assert.InRange(sizes[^1], load.Written * 45 / 100, load.Written * 55 / 100);
                Assert.InRange(sizes[0], load.Written / 5, load.Written * 30 / 100);
                Assert.True((await AskAsync(clients[asked], "GET", "/collections/c")).GetProperty("payload_schema").TryGetProperty("n", out _));
            }
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    private static async Task CreateAsync(HttpClient client, int shards)
    {
        await AskAsync(client, "PUT", "/collections/c", $$$"""{"vectors":{"size":2,"distance":"Euclid"},"shard_number":{{{shards}}},"replication_factor":3}""");
        for (var first = 0; first < Points; first += 500) await AskAsync(client, "PUT", "/collections/c/points", PointsFrom(first, 500));
    }

    private static async Task<ulong[]> PeersAsync(HttpClient[] clients)
    {
        var self = new ulong[clients.Length];
        for (var node = 0; node < self.Length; node++) self[node] = (await AskAsync(clients[node], "GET", "/cluster")).GetProperty("peer_id").GetUInt64();
        return self;
    }

    private static Task<JsonElement> ClusterAsync(HttpClient client) => AskAsync(client, "GET", "/collections/c/cluster");

    private static async Task<ulong[]> HoldersAsync(HttpClient client, ulong self) => Holders(await ClusterAsync(client), self);

    private static ulong[] Holders(JsonElement shown, ulong self) =>
        [.. shown.GetProperty("local_shards").EnumerateArray().Select(_ => self).Concat(shown.GetProperty("remote_shards").EnumerateArray().Where(shard => shard.GetProperty("state").GetString() == "Active").Select(shard => shard.GetProperty("peer_id").GetUInt64()))];

    private static Task UntilSplitAsync(HttpClient client, int shards) =>
        UntilAsync(() => ClusterAsync(client), shown => shown.GetProperty("shard_count").GetInt32() == shards && !shown.TryGetProperty("resharding_operations", out _));

    /// <summary>Replicas that are as far have the same state: waits until all of a shard are, and gives the shards' sizes.</summary>
    private static async Task<int[]> AllTheSameAsync(HttpClient client, int replicas, int points)
    {
        var shards = await UntilAsync(async () => (await AskAsync(client, "GET", "/cluster/telemetry")).GetProperty("collections").GetProperty("c").GetProperty("shards"), all =>
            all.EnumerateArray().All(shard => shard.GetProperty("replicas").EnumerateArray().All(replica => replica.GetProperty("state").GetString() == "Active")
                && shard.GetProperty("replicas").EnumerateArray().Select(replica => replica.GetProperty("applied").GetUInt64()).Distinct().Count() == 1));
        Assert.Equal(replicas, shards.EnumerateArray().Sum(shard => shard.GetProperty("replicas").GetArrayLength()));
        foreach (var shard in shards.EnumerateArray()) Assert.Single(shard.GetProperty("replicas").EnumerateArray().Select(replica => replica.GetProperty("state_hash").GetString()).Distinct());
        int[] sizes = [.. shards.EnumerateArray().Select(shard => shard.GetProperty("replicas")[0].GetProperty("num_points").GetInt32())];
        Assert.Equal(points, sizes.Sum());
        return sizes;
    }
}
