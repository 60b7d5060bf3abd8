using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Holdfast.Interop.Tests.Redis;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>Encrypted backups of the keyspace's and the vectors' groups, of real processes, and what is restored from them (S12).</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RestoreOfFacesTests
{
    private const int Size = 16;

    private static readonly TimeSpan Patience = Patient.Most;

    [Fact]
    public async Task Keys_of_Redis_and_points_of_Qdrant_are_restored_to_a_moment_from_an_encrypted_backup_after_all_disks_are_lost()
    {
        await using var bench = new ServerBench();
        var (backups, keyFile) = (bench.At("backups"), bench.At("key"));
        var drawn = await ServerBench.RunAsync("backup", "key", "--out", keyFile);
        Assert.True(drawn.Code == 0, drawn.Fault);
        var (redis, vectors) = (Ports.Free(3), Ports.Free(3));
        string[] Doors(int node) => ["--redis", $"127.0.0.1:{redis[node]}", "--vectors", $"127.0.0.1:{vectors[node]}"];
        var nodes = await bench.FoundAsync(node => [.. Doors(node.Name[1] - '1'), "--backup-dir", backups, "--backup-every", "10s", "--backup-key-file", keyFile]);
        using (var client = new SlotClient(redis, Patience))
        using (var qdrant = Qdrant(vectors[0]))
        {
            await CreateCollectionAsync(qdrant);
            await WriteAsync(client, qdrant, 0, 200);
        }

        var moment = DateTimeOffset.UtcNow;
        using (var client = new SlotClient(redis, Patience))
        using (var qdrant = Qdrant(vectors[1]))
        {
            await WriteAsync(client, qdrant, 200, 300);
            await BackupTests.UntilCoveredAsync(nodes, (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10);
        }

        Assert.DoesNotContain(Directory.GetFiles(backups, "*", SearchOption.AllDirectories), file => File.ReadAllBytes(file).AsSpan().IndexOf("value of r1"u8) >= 0);
        foreach (var node in nodes) node.Kill();
        foreach (var node in nodes) Directory.Delete(node.Data, recursive: true);

        var unread = await ServerBench.RunAsync("backup", "verify", "--from", backups);
        Assert.Equal(1, unread.Code);
        Assert.Contains("--key-file", unread.Fault, StringComparison.Ordinal);
        var verified = await ServerBench.RunAsync("backup", "verify", "--from", backups, "--key-file", keyFile);
        Assert.True(verified.Code == 0, verified.Output + verified.Fault);
        var drill = await ServerBench.RunAsync("backup", "drill", "--from", backups, "--key-file", keyFile);
        Assert.True(drill.Code == 0, drill.Output + drill.Fault);
        Assert.Contains("300 keys of Redis, 300 points in 1 collections", drill.Output, StringComparison.Ordinal);
        Assert.Contains("(keyspace)", drill.Output, StringComparison.Ordinal);

        var restored = await ServerBench.RunAsync("restore", "--from", backups, "--key-file", keyFile, "--to", moment.ToString("O", CultureInfo.InvariantCulture), "--name", "n1", "--out", nodes[0].Data);
        Assert.True(restored.Code == 0, restored.Output + restored.Fault);
        nodes[0].Start(Doors(0));
        await nodes[0].UntilServesAsync();
        await AssertRestoredAsync(redis[..1], vectors[0]);

        // It takes writes, and nodes that join later.
        using (var client = new SlotClient(redis[..1], Patience))
        using (var qdrant = Qdrant(vectors[0])) await WriteAsync(client, qdrant, 1000, 1010);
        foreach (var node in nodes[1..])
        {
            node.Start([.. Doors(node.Name[1] - '1'), "--join", nodes[0].Peer, "--token", await ServerBench.TokenAsync(nodes[0])]);
            await node.UntilServesAsync();
        }

        using (var client = new SlotClient(redis, Patience)) Assert.Equal("$11 value of r5", await client.AskAsync(Patience, "GET", "r5"));
    }

    private static async Task AssertRestoredAsync(int[] redis, int vectors)
    {
        using var client = new SlotClient(redis, Patience);
        for (var number = 0; number < 300; number++)
            Assert.Equal(number < 200 ? $"${"value of r".Length + $"{number}".Length} value of r{number}" : "$-1", await client.AskAsync(Patience, "GET", $"r{number}"));
        using var qdrant = Qdrant(vectors);
        using var answer = await qdrant.PostAsJsonAsync("/collections/things/points/scroll", new { limit = 1000, with_vector = true, with_payload = true });
        using var scrolled = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        var points = scrolled.RootElement.GetProperty("result").GetProperty("points").EnumerateArray().ToDictionary(point => point.GetProperty("id").GetInt32());
        Assert.Equal(Enumerable.Range(0, 200), points.Keys.Order());
        foreach (var (id, point) in points)
        {
            Assert.Equal($"payload {id}", point.GetProperty("payload").GetProperty("text").GetString());
            Assert.Equal(VectorOf(id), point.GetProperty("vector").EnumerateArray().Select(value => value.GetSingle()));
        }
    }

    private static HttpClient Qdrant(int port) => new() { BaseAddress = new Uri($"http://127.0.0.1:{port}") };

    private static async Task CreateCollectionAsync(HttpClient qdrant)
    {
        using var made = await qdrant.PutAsJsonAsync("/collections/things", new { vectors = new { size = Size, distance = "Euclid" }, shard_number = 2, replication_factor = 3 });
        Assert.True(made.IsSuccessStatusCode, await made.Content.ReadAsStringAsync());
    }

    private static async Task WriteAsync(SlotClient client, HttpClient qdrant, int from, int to)
    {
        for (var number = from; number < to; number++) Assert.Equal("+OK", await client.AskAsync(Patience, "SET", $"r{number}", $"value of r{number}"));
        var points = Enumerable.Range(from, to - from).Select(id => new { id, vector = VectorOf(id), payload = new { text = $"payload {id}" } });
        using var body = new StringContent(JsonSerializer.Serialize(new { points }), Encoding.UTF8, "application/json");
        using var written = await qdrant.PutAsync(new Uri("/collections/things/points?wait=true", UriKind.Relative), body);
        Assert.True(written.IsSuccessStatusCode, await written.Content.ReadAsStringAsync());
    }

    private static float[] VectorOf(int id) => [.. Enumerable.Range(0, Size).Select(at => (id * 7 + at) % 32 * 0.25f)];
}
