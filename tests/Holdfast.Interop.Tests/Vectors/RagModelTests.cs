using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Holdfast.Interop.Tests.Operating;
using Holdfast.Keyspace.Endpoints.Caching;
using Holdfast.Rag.Onnx.Tests;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>
/// <c>holdfast rag</c> with models from files, run by <c>holdfast-models</c>, and with the cache that the keyspace holds: real processes all. The models are made here and know five words.
/// </summary>
public sealed class RagModelTests
{
    private static readonly string Program = Checkout.PathOf("artifacts/bin/Holdfast.Models/release/holdfast-models");

    /// <summary>Each piece is a direction of its own.</summary>
    private static readonly float[] Directions = [.. Enumerable.Range(0, ModelFolder.Vocabulary.Length).SelectMany(static row => Enumerable.Range(0, ModelFolder.Vocabulary.Length).Select(column => row == column && row > 3 ? 1f : 0f))];

    [Fact]
    public async Task Documents_are_embedded_ranked_and_answered_by_models_from_files()
    {
        await using var bench = new ServerBench();
        var (vectors, redis) = (Ports.Free(1)[0], Ports.Free(1)[0]);
        await using var cluster = await ProcessCluster.StartAsync(1, flagsOf: _ => ["--vectors", $"127.0.0.1:{vectors}", "--redis", $"127.0.0.1:{redis}"]);
        using var embedder = new ModelFolder(OnnxBytes.Table(Directions, ModelFolder.Vocabulary.Length), "onnx/model.onnx");
        using var ranker = new ModelFolder(OnnxBytes.SumOfSecond([0, 0, 0, 0, -5, 5, 0, 0, 0]));
        var folder = Directory.CreateDirectory(bench.At("papers")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "cats.md"), "The cat runs through all of the large garden before the evening comes.");
        await File.WriteAllTextAsync(Path.Combine(folder, "dogs.md"), "The dog runs through none of the small gardens after the morning went.");
        string[] files = ["--embed-files", embedder.Path, "--rerank-files", ranker.Path, "--cache", $"127.0.0.1:{redis}"];

        Assert.Equal("2 documents (0 unchanged, 0 left out): 2 chunks added, 0 kept, 0 removed\n", await RagAsync(vectors, ["ingest", folder, .. files]));
        Assert.StartsWith("2 documents (2 unchanged, 0 left out)", await RagAsync(vectors, ["ingest", folder, .. files]), StringComparison.Ordinal);
        // The words speak for the cat, and the ranking, which only likes dogs, has the last word.
        var found = JsonDocument.Parse(await RagAsync(vectors, ["search", "cat runs", "-o", "json", .. files])).RootElement;
        Assert.Equal(["papers/dogs.md", "papers/cats.md"], found.EnumerateArray().Select(row => row.GetProperty("source").GetString()));
        found = JsonDocument.Parse(await RagAsync(vectors, ["search", "cat runs", "-o", "json", "--embed-files", embedder.Path])).RootElement;
        Assert.Equal("papers/cats.md", found[0].GetProperty("source").GetString());

        // An answer is given again by another process, until anything is written.
        string[] asking = ["-o", "json", "--alike", "0.95", .. files];
        Assert.False(JsonDocument.Parse(await RagAsync(vectors, ["ask", "dog runs", .. asking])).RootElement.TryGetProperty("earlier_question", out var none) && none.ValueKind == JsonValueKind.String);
        var again = JsonDocument.Parse(await RagAsync(vectors, ["ask", "dog runs ?", .. asking])).RootElement;
        Assert.Equal("dog runs", again.GetProperty("earlier_question").GetString());
        Assert.Contains("(as answered before to \"dog runs\"", await RagAsync(vectors, ["ask", "dog runs ?", "--alike", "0.95", .. files]), StringComparison.Ordinal);
        await File.WriteAllTextAsync(Path.Combine(folder, "more.md"), "Another dog runs over all of the hills and does not look back at anybody.");
        Assert.StartsWith("3 documents (2 unchanged, 0 left out): 1 chunks added", await RagAsync(vectors, ["ingest", folder, .. files]), StringComparison.Ordinal);
        Assert.DoesNotContain("as answered before", await RagAsync(vectors, ["ask", "dog runs ?", "--alike", "0.95", .. files]), StringComparison.Ordinal);

        // What was embedded once is not embedded for another collection; and without the cache all goes on.
        Assert.Contains("3 embeddings from the cache", await RagAsync(vectors, ["ingest", folder, "--collection", "other", .. files]), StringComparison.Ordinal);
        Assert.StartsWith("3 documents (0 unchanged, 0 left out): 3 chunks added", await RagAsync(vectors, ["ingest", folder, "--collection", "third", .. files[..^1], $"127.0.0.1:{Ports.Free(1)[0]}"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_models_refuse_is_said_and_no_program_is_left_behind()
    {
        using var folder = new ModelFolder([1, 2, 3]);
        var ended = await ServerBench.RunWithAsync(new Dictionary<string, string> { ["HOLDFAST_MODELS"] = Program }, "rag", "ask", "anything", "--embed-files", folder.Path, "--vectors", "127.0.0.1:1");
        Assert.NotEqual(0, ended.Code);
        Assert.Contains("cannot be loaded", ended.Fault, StringComparison.Ordinal);
        ended = await ServerBench.RunWithAsync(new Dictionary<string, string> { ["HOLDFAST_MODELS"] = "/nowhere/holdfast-models" }, "rag", "ask", "anything", "--embed-files", folder.Path, "--vectors", "127.0.0.1:1");
        Assert.Contains("/nowhere/holdfast-models cannot be started", ended.Fault, StringComparison.Ordinal);
        ended = await ServerBench.RunAsync("rag", "ask", "anything", "--alike", "0.9", "--vectors", "127.0.0.1:1");
        Assert.Contains("--alike needs --cache", ended.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_model_program_speaks_the_protocols_and_refuses_what_it_does_not_serve()
    {
        using var embedder = new ModelFolder(OnnxBytes.Table(Directions, ModelFolder.Vocabulary.Length));
        using var ranker = new ModelFolder(OnnxBytes.SumOfSecond([0, 0, 0, 0, 1, 2, 0, 0, 0]));
        using var process = Process.Start(new ProcessStartInfo(Program, ["--embed", embedder.Path, "--rerank", ranker.Path, "--listen", "127.0.0.1:0", "--until-input-ends"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        using var http = new HttpClient { BaseAddress = new Uri(await process.StandardOutput.ReadLineAsync() + "/") };
        var models = JsonDocument.Parse(await http.GetStringAsync("models")).RootElement.GetProperty("data").EnumerateArray().ToDictionary(model => model.GetProperty("kind").GetString()!, model => model.GetProperty("id").GetString()!);

        var (status, answer) = await PostAsync("embeddings", $$"""{"input":["cat","dog dog cat"],"model":"{{models["embedder"]}}"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(1, answer.GetProperty("data")[0].GetProperty("embedding")[4].GetSingle(), 5);
        (_, answer) = await PostAsync("embeddings", """{"input":"cat","encoding_format":"base64"}""");
        Assert.Equal(1, BitConverter.ToSingle(answer.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64(), 16), 5);
        (_, answer) = await PostAsync("rerank", """{"query":"runs","documents":["cat","dog","runs"],"top_n":2}""");
        Assert.Equal([1, 0], answer.GetProperty("results").EnumerateArray().Select(row => row.GetProperty("index").GetInt32()));

        foreach (var (path, body, code) in ((string, string, HttpStatusCode)[])
        [
            ("embeddings", """{"input":["a"],"model":"another"}""", HttpStatusCode.NotFound),
            ("embeddings", """{"input":[]}""", HttpStatusCode.BadRequest),
            ("embeddings", """{"input":[[1,2]]}""", HttpStatusCode.BadRequest),
            ("embeddings", """{"input":"a","dimensions":3}""", HttpStatusCode.BadRequest),
            ("embeddings", "[1", HttpStatusCode.BadRequest),
            ("rerank", """{"documents":["a"]}""", HttpStatusCode.BadRequest),
            ("chat/completions", "{}", HttpStatusCode.NotFound),
        ])
        {
            (status, answer) = await PostAsync(path, body);
            Assert.Equal((path, body, code), (path, body, status));
            Assert.NotEmpty(answer.GetProperty("error").GetProperty("message").GetString()!);
        }

        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(ServerBench.Patience);
        await process.WaitForExitAsync(patience.Token);
        Assert.Equal(0, process.ExitCode);

        async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(string path, string body)
        {
            using var response = await http.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
            return (response.StatusCode, JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.Clone());
        }
    }

    [Fact]
    public async Task The_shared_cache_in_the_keyspace_keeps_forgets_and_is_seen_by_others()
    {
        var redis = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--redis", $"127.0.0.1:{redis[node]}"]);
        (string, int)[] nodes = [.. redis.Select(static port => ("127.0.0.1", port))];
        using var one = new KeyspaceCache(nodes);
        using var other = new KeyspaceCache([nodes[2], nodes[1]]);
        var hour = TimeSpan.FromHours(1);
        for (var i = 0; i < 40; i++) Assert.True(await UntilKeptAsync(one, "a", i));
        Assert.True(await one.SetAsync("b", Key(1), "of b"u8.ToArray(), hour));
        for (var i = 0; i < 40; i++) Assert.Equal([(byte)i, 0, 13, 10], (await other.GetAsync("a", Key(i)))!.Value.ToArray());
        await other.InvalidateAsync("a", Key(7));
        Assert.Null(await one.GetAsync("a", Key(7)));
        Assert.NotNull(await one.GetAsync("a", Key(8)));
        await other.InvalidateSpaceAsync("a");
        for (var i = 0; i < 40; i++) Assert.Null(await one.GetAsync("a", Key(i)));
        Assert.NotNull(await one.GetAsync("b", Key(1)));
        Assert.True(await one.SetAsync("a", Key(8), "anew"u8.ToArray(), hour));
        Assert.Equal("anew"u8.ToArray(), (await other.GetAsync("a", Key(8)))!.Value.ToArray());

        // A space whose number was evicted has nothing, also when it has a number again.
        using (var client = new Redis.SlotClient(redis, ServerBench.Patience)) await client.AskAsync(ServerBench.Patience, "DEL", "holdfast:cache:a#number");
        Assert.Null(await one.GetAsync("a", Key(8)));
        Assert.True(await one.SetAsync("a", Key(9), "new"u8.ToArray(), hour));
        Assert.Null(await one.GetAsync("a", Key(8)));
        Assert.NotNull(await other.GetAsync("a", Key(9)));

        Assert.False(await one.SetAsync("a", Key(9), "no time"u8.ToArray(), TimeSpan.Zero));
        Assert.Null(await other.GetAsync("a", Key(9)));
        using var away = new KeyspaceCache([("127.0.0.1", Ports.Free(1)[0])]);
        Assert.Null(await away.GetAsync("a", Key(1)));
        Assert.False(await away.SetAsync("a", Key(1), "x"u8.ToArray(), hour));
        await Assert.ThrowsAnyAsync<Exception>(async () => await away.InvalidateAsync("a", Key(1)));

        static byte[] Key(int number) => [(byte)number, 0, 255];

        async Task<bool> UntilKeptAsync(KeyspaceCache cache, string space, int number)
        {
            using var patience = new CancellationTokenSource(ServerBench.Patience);
            while (!await cache.SetAsync(space, Key(number), new byte[] { (byte)number, 0, 13, 10 }, hour, patience.Token)) await Task.Delay(100, patience.Token);
            return true;
        }
    }

    private static async Task<string> RagAsync(int port, string[] words)
    {
        var ended = await ServerBench.RunWithAsync(new Dictionary<string, string> { ["HOLDFAST_MODELS"] = Program }, ["rag", .. words, "--vectors", $"127.0.0.1:{port}"]);
        Assert.True(ended.Code == 0, $"rag {string.Join(' ', words)} exits with {ended.Code}: {ended.Output}{ended.Fault}");
        return ended.Output;
    }
}
