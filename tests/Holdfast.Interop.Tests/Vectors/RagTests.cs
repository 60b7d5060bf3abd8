using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary><c>holdfast rag</c> against real processes: small documents that change, and npm's 778 real ones with the vectors of a real model.</summary>
public sealed class RagTests
{
    [Fact]
    public async Task Documents_are_asked_changed_and_pruned()
    {
        await using var bench = new ServerBench();
        var port = Ports.Free(1)[0];
        await using var cluster = await ProcessCluster.StartAsync(1, flagsOf: _ => ["--vectors", $"127.0.0.1:{port}"]);
        var folder = Directory.CreateDirectory(bench.At("papers")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "locks.md"), "# Locks\n\nEvery lock carries a fencing token, which storage compares.\n\n# Leases\n\nA lease of a lock ends when its owner stops renewing it for a while, and then somebody else may take it.");
        await File.WriteAllTextAsync(Path.Combine(folder, "fruit.txt"), "Bananas ripen within a week when they are kept warm.");
        await File.WriteAllBytesAsync(Path.Combine(folder, "broken.pdf"), "%PDF-1.4 nothing"u8.ToArray());

        var first = await RagAsync(port, 0, "ingest", folder);
        Assert.Equal("3 documents (0 unchanged, 1 left out): 3 chunks added, 0 kept, 0 removed\n", first.Output);
        Assert.Contains("broken.pdf", first.Fault, StringComparison.Ordinal);
        var answer = await RagAsync(port, 0, "ask", "which token does a lock carry?");
        Assert.StartsWith("Every lock carries a fencing token, which storage compares. [1]", answer.Output, StringComparison.Ordinal);
        Assert.Contains("[1] papers/locks.md: Locks", answer.Output, StringComparison.Ordinal);

        Assert.StartsWith("3 documents (2 unchanged, 1 left out): 0 chunks added", (await RagAsync(port, 0, "ingest", folder)).Output, StringComparison.Ordinal);
        var text = await File.ReadAllTextAsync(Path.Combine(folder, "locks.md"));
        await File.WriteAllTextAsync(Path.Combine(folder, "locks.md"), text.Replace("a fencing token", "a rising number", StringComparison.Ordinal));
        File.Delete(Path.Combine(folder, "fruit.txt"));
        Assert.StartsWith("2 documents (0 unchanged, 1 left out): 1 chunks added, 1 kept, 2 removed", (await RagAsync(port, 0, "ingest", "--prune", folder)).Output, StringComparison.Ordinal);
        Assert.Contains("a rising number", (await RagAsync(port, 0, "ask", "what does a lock carry?")).Output, StringComparison.Ordinal);
        var found = JsonDocument.Parse((await RagAsync(port, 0, "search", "bananas ripen", "-o", "json")).Output).RootElement;
        Assert.DoesNotContain(found.EnumerateArray(), row => row.GetProperty("source").GetString() == "papers/fruit.txt");
        Assert.Contains("[unavailable]", (await RagAsync(Ports.Free(1)[0], 1, "ask", "anything")).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Real_documents_with_a_real_models_vectors_are_found_by_words_and_meaning()
    {
        var package = Checkout.PathOf("artifacts/npm/node_modules/@sap-ux/fiori-docs-embeddings/data/embeddings");
        Assert.True(Directory.Exists(package), "npm's @sap-ux/fiori-docs-embeddings is missing: npm install --prefix artifacts/npm @sap-ux/fiori-docs-embeddings@1.2.6 (./test does it)");
        await using var bench = new ServerBench();
        var ports = Ports.Free(3);
        await using var cluster = await ProcessCluster.StartAsync(3, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var folder = Directory.CreateDirectory(bench.At("docs")).FullName;
        var vectors = MemoryMarshal.Cast<byte, float>(await File.ReadAllBytesAsync(Path.Combine(package, "embeddings.bin"))).ToArray();
        var documents = new List<(string Title, float[] Vector)>();
        foreach (var line in File.ReadLines(Path.Combine(package, "records.jsonl")))
        {
            var record = JsonDocument.Parse(line).RootElement;
            var (title, number) = (record.GetProperty("title").GetString()!, documents.Count);
            documents.Add((title, vectors[(number * KnownTextsEmbedder.Dimensions)..((number + 1) * KnownTextsEmbedder.Dimensions)]));
            var excerpt = record.GetProperty("content").GetString()!.Replace("**TITLE**", "", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{number:D4}.md")), $"# {title}\n\n{excerpt[..Math.Min(excerpt.Length, 900)]}");
        }

        await using var embedder = KnownTextsEmbedder.Of(documents);
        string[] embedding = ["--embed-url", embedder.Url, "--embed-model", "minilm"];
        Assert.StartsWith("778 documents (0 unchanged, 0 left out): ", (await RagAsync(ports[0], 0, ["ingest", folder, .. embedding])).Output, StringComparison.Ordinal);

        // Every node answers, and the document whose title is asked for is among the first three. (Those called "… Chunk 16" are like their neighbours in words and meaning.)
        var asked = documents.Where(document => !document.Title.Contains(" Chunk ", StringComparison.Ordinal)).Where((_, number) => number % 5 == 0).Take(12).ToList();
        Assert.Equal(12, asked.Count);
        for (var i = 0; i < asked.Count; i++)
        {
            var found = JsonDocument.Parse((await RagAsync(ports[i % 3], 0, ["search", asked[i].Title, "--limit", "3", "-o", "json", .. embedding])).Output).RootElement;
            Assert.Contains(found.EnumerateArray(), row => row.GetProperty("title").GetString() == asked[i].Title);
        }
    }

    [Fact]
    public async Task What_was_counted_is_added_up_in_a_file_for_prometheus()
    {
        await using var bench = new ServerBench();
        var port = Ports.Free(1)[0];
        await using var cluster = await ProcessCluster.StartAsync(1, flagsOf: _ => ["--vectors", $"127.0.0.1:{port}"]);
        var (folder, file) = (Directory.CreateDirectory(bench.At("papers")).FullName, bench.At("rag.prom"));
        await File.WriteAllTextAsync(Path.Combine(folder, "locks.md"), "Every lock carries a fencing token, which storage compares.");
        await RagAsync(port, 0, "ingest", folder, "--metrics", file);
        await RagAsync(port, 0, "ingest", folder, "--metrics", file);
        await RagAsync(port, 0, "ask", "which token does a lock carry?", "--metrics", file);
        var page = await File.ReadAllLinesAsync(file);
        Assert.Contains("# TYPE holdfast_rag_documents_total counter", page);
        Assert.Contains("holdfast_rag_documents_total{state=\"changed\"} 1", page);
        Assert.Contains("holdfast_rag_documents_total{state=\"unchanged\"} 1", page);
        Assert.Contains("holdfast_rag_chunks_total{change=\"added\"} 1", page);
        Assert.Contains("holdfast_rag_answers_total{from=\"made\"} 1", page);
        Assert.Contains("its folder is not there", (await RagAsync(port, 2, "ask", "anything", "--metrics", bench.At("nowhere/rag.prom"))).Fault, StringComparison.Ordinal);
    }

    private static async Task<ServerBench.Ended> RagAsync(int port, int code, params string[] words)
    {
        var ended = await ServerBench.RunAsync(["rag", .. words, "--vectors", $"127.0.0.1:{port}"]);
        Assert.True(ended.Code == code, $"rag {string.Join(' ', words)} exits with {ended.Code}: {ended.Output}{ended.Fault}");
        return ended;
    }
}
