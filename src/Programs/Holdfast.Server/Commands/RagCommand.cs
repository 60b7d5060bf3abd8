using System.CommandLine;
using System.Globalization;
using Holdfast.Rag;
using Holdfast.Rag.Answers;
using Holdfast.Rag.Store;
using Holdfast.Server.Client;
using Holdfast.Server.Hosting;
using Holdfast.Transport;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast rag ingest|search|ask</c>: documents into the vectors face, passages and answers out of it.</summary>
internal static class RagCommand
{
    private const string CachePassword = "HOLDFAST_CACHE_PASSWORD";

    private static readonly Option<string> Server = Shared("--vectors", "Where the vectors face serves REST, a URL or host:port. Default: HOLDFAST_VECTORS, else 127.0.0.1:6333.");
    private static readonly Option<string> Collection = Shared("--collection", "The collection. Default: documents.");
    private static readonly Option<string> EmbedUrl = Shared("--embed-url", "An OpenAI-compatible server that embeds, with /v1 (HOLDFAST_EMBED_URL). Without it the built-in embedder, which knows spelling and not meaning.");
    private static readonly Option<string> EmbedFolder = Shared("--embed-files", "The folder of a model that embeds instead (HOLDFAST_EMBED_FILES): a static one (model2vec: model.safetensors, tokenizer.json), or an ONNX model of the BERT family with its vocabulary, which the program holdfast-models runs.");
    private static readonly Option<string> EmbedModel = Shared("--embed-model", "The model that --embed-url is asked for (HOLDFAST_EMBED_MODEL).");
    private static readonly Option<string> RerankUrl = Shared("--rerank-url", "A server that orders passages again, with /v1 (POST …/rerank, as Cohere, Jina and vLLM have it; HOLDFAST_RERANK_URL). Without it passages that cover more of the question come first.");
    private static readonly Option<string> RerankModel = Shared("--rerank-model", "The model that --rerank-url is asked for (HOLDFAST_RERANK_MODEL).");
    private static readonly Option<string> RerankFolder = Shared("--rerank-files", "The folder of a cross-encoder that orders passages again (HOLDFAST_RERANK_FILES): an ONNX model of the BERT family with its vocabulary, which the program holdfast-models runs.");
    private static readonly Option<string> Cache = Shared("--cache", $"Nodes whose Redis port keeps embeddings and answers, host:port,host:port. Default: HOLDFAST_REDIS, else nothing is kept. User and password: HOLDFAST_CACHE_USER, {CachePassword}.");
    private static readonly Option<double?> Alike = new("--alike") { Description = "Gives the answer of an earlier question that is at least so alike by cosine (0.95 is careful), unless anything was written since. Needs --cache. Default: never.", Recursive = true };
    private static readonly Option<string> ChatUrl = Shared("--chat-url", "An OpenAI-compatible server that answers, with /v1 (HOLDFAST_CHAT_URL). Without it answers are sentences of the passages.");
    private static readonly Option<string> ChatModel = Shared("--chat-model", "The model that --chat-url is asked for (HOLDFAST_CHAT_MODEL).");

    private static readonly Option<string> Metrics = Shared("--metrics", "Adds what was counted to a file in Prometheus's text format, which node exporters read (HOLDFAST_RAG_METRICS).");

    internal static Command Create()
    {
        var paths = new Argument<string[]>("path") { Description = "Files, and folders with all below them: text, Markdown, HTML, PDF with a text layer.", Arity = ArgumentArity.OneOrMore };
        var prune = new Option<bool>("--prune") { Description = "Takes out documents of the named folders whose files are gone." };
        var size = new Option<int>("--chunk") { Description = "Most characters of a chunk.", DefaultValueFactory = static _ => 1200 };
        var question = new Argument<string>("question") { Description = "What is looked for." };
        var limit = new Option<int>("--limit") { Description = "How many passages.", DefaultValueFactory = static _ => 5 };
        var ingest = new Command("ingest", "Reads documents, and keeps their chunks; what is there already costs a look.") { paths, prune, size };
        var search = new Command("search", "Prints the passages that fit best, by words and by vectors.") { question, limit };
        var ask = new Command("ask", "Answers from the passages, with citations.") { question, limit };
        var rag = new Command("rag", "Documents that can be asked, kept in the vectors face.") { ingest, search, ask };
        foreach (var option in (Option[])[Server, Collection, EmbedUrl, EmbedModel, EmbedFolder, RerankUrl, RerankModel, RerankFolder, ChatUrl, ChatModel, Cache, Alike, Metrics]) rag.Options.Add(option);
        Report.AddTo(rag);
        ingest.SetAction((parsed, cancel) => RunAsync(parsed, parsed.GetValue(size), cancel, knowledge => IngestAsync(parsed, knowledge, parsed.GetValue(paths)!, parsed.GetValue(prune), cancel)));
        search.SetAction((parsed, cancel) => RunAsync(parsed, 0, cancel, knowledge => SearchAsync(parsed, knowledge, parsed.GetValue(question)!, parsed.GetValue(limit), cancel)));
        ask.SetAction((parsed, cancel) => RunAsync(parsed, 0, cancel, knowledge => AskAsync(parsed, knowledge, parsed.GetValue(question)!, parsed.GetValue(limit), cancel)));
        return rag;
    }

    private static async Task<int> IngestAsync(ParseResult parsed, KnowledgeBase knowledge, string[] paths, bool prunes, CancellationToken cancel)
    {
        IngestReport report;
        using (var line = new ProgressLine()) report = await knowledge.IngestAsync(paths, prunes, progress => line.Show(progress.Source, progress.BytesDone, progress.BytesTotal), cancel);
        foreach (var refused in report.Refused) Console.Error.WriteLine($"holdfast: left out: {refused}");
        Report.One(parsed, new Dictionary<string, long>
        {
            ["documents"] = report.Documents,
            ["unchanged"] = report.Unchanged,
            ["chunks_added"] = report.ChunksAdded,
            ["chunks_kept"] = report.ChunksKept,
            ["chunks_removed"] = report.ChunksRemoved,
            ["left_out"] = report.Refused.Count,
            ["embeddings_from_cache"] = report.FromCache,
        }, ReportJson.Readable.DictionaryStringInt64,
            $"{report.Documents} documents ({report.Unchanged} unchanged, {report.Refused.Count} left out): {report.ChunksAdded} chunks added, {report.ChunksKept} kept, {report.ChunksRemoved} removed{(report.FromCache > 0 ? $"; {report.FromCache} embeddings from the cache" : "")}");
        return report.Documents > report.Refused.Count || report.Documents == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<int> SearchAsync(ParseResult parsed, KnowledgeBase knowledge, string question, int limit, CancellationToken cancel)
    {
        var found = await knowledge.SearchAsync(question, limit, cancel: cancel);
        Report.Rows(parsed, [.. found.Select(static (chunk, rank) => RowOf(chunk, rank + 1))], ReportJson.Readable.IReadOnlyListPassageRow, ["#", "source", "heading", "text"],
            static row => [row.Number.ToString(CultureInfo.InvariantCulture), row.Source, row.Heading, row.Text.ReplaceLineEndings(" ")]);
        return found.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static async Task<int> AskAsync(ParseResult parsed, KnowledgeBase knowledge, string question, int limit, CancellationToken cancel)
    {
        var answer = await knowledge.AskAsync(question, limit, cancel);
        Report.One(parsed, new AnswerRow(answer.Text, answer.IsExtract, answer.Earlier?.Question, answer.Earlier?.Similarity, [.. answer.Citations.Select(static (chunk, rank) => RowOf(chunk, rank + 1))]), ReportJson.Readable.AnswerRow, TextOf(answer));
        return answer.Citations.Count > 0 ? ExitCode.Done : ExitCode.No;
    }

    private static string TextOf(Answer answer)
    {
        if (answer.Citations.Count == 0) return answer.Text;
        var lines = answer.Citations.Select(static (chunk, rank) => $"[{rank + 1}] {chunk.Source}{(chunk.Heading.Length > 0 ? ": " + chunk.Heading : "")}");
        var earlier = answer.Earlier is var (question, similarity) ? $"\n(as answered before to \"{question}\", {similarity.ToString("0.000", CultureInfo.InvariantCulture)} alike)" : "";
        return $"{answer.Text}\n\n{string.Join('\n', lines)}{earlier}";
    }

    private static PassageRow RowOf(FoundChunk chunk, int number) => new(number, chunk.Source, chunk.Title, chunk.Heading, chunk.Text);

    private static async Task<int> RunAsync(ParseResult parsed, int chunkCharacters, CancellationToken cancel, Func<KnowledgeBase, Task<int>> verb)
    {
        try
        {
            using var counted = Said(parsed, Metrics, "HOLDFAST_RAG_METRICS") is { } file ? new RagMetricsFile(file) : null;
            await using var tools = await RagTools.OpenAsync(Said(parsed, EmbedFolder, "HOLDFAST_EMBED_FILES"), Said(parsed, RerankFolder, "HOLDFAST_RERANK_FILES"), CacheNodes(parsed), cancel);
            var options = tools.Equip(new KnowledgeOptions
            {
                Server = UrlOf(Said(parsed, Server, "HOLDFAST_VECTORS") ?? "127.0.0.1:6333"),
                ServerKey = Environment.GetEnvironmentVariable("HOLDFAST_VECTORS_KEY"),
                EmbedUrl = Said(parsed, EmbedUrl, "HOLDFAST_EMBED_URL") is { } embed ? UrlOf(embed) : null,
                RerankUrl = Said(parsed, RerankUrl, "HOLDFAST_RERANK_URL") is { } rerank ? UrlOf(rerank) : null,
                ChatUrl = Said(parsed, ChatUrl, "HOLDFAST_CHAT_URL") is { } chat ? UrlOf(chat) : null,
                ModelKey = Environment.GetEnvironmentVariable("HOLDFAST_MODEL_KEY"),
                AnswerSimilarity = parsed.GetValue(Alike) is not { } alike ? null : alike is > 0 and <= 1 ? alike : throw new ArgumentException($"--alike {alike}: it is above 0 and at most 1"),
            });
            if (parsed.GetValue(Collection) is { } collection) options = options with { Collection = collection };
            if (Said(parsed, EmbedModel, "HOLDFAST_EMBED_MODEL") is { } embedModel) options = options with { EmbedModel = embedModel };
            if (Said(parsed, RerankModel, "HOLDFAST_RERANK_MODEL") is { } rerankModel) options = options with { RerankModel = rerankModel };
            if (Said(parsed, ChatModel, "HOLDFAST_CHAT_MODEL") is { } chatModel) options = options with { ChatModel = chatModel };
            if (chunkCharacters != 0) options = options with { ChunkCharactersMax = Math.Clamp(chunkCharacters, 200, 20_000) };
            if (options is { AnswerSimilarity: not null, Cache: null }) throw new ArgumentException("--alike needs --cache: answers are kept by the Redis port");
            using var knowledge = new KnowledgeBase(options);
            try
            {
                return await verb(knowledge);
            }
            finally
            {
                counted?.Save();
            }
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    private static IReadOnlyList<(string Host, int Port)> CacheNodes(ParseResult parsed) =>
        [.. (Said(parsed, Cache, "HOLDFAST_REDIS") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(static one => HostPort.TryParse(one, out var host, out var port) ? (host, port) : throw new ArgumentException($"'{one}' is not host:port"))];

    private static string? Said(ParseResult parsed, Option<string> option, string variable) => parsed.GetValue(option) ?? Environment.GetEnvironmentVariable(variable);

    private static Uri UrlOf(string text) =>
        Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : "http://" + text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new ArgumentException($"{text} is no address: give host:port, or a URL that begins with http:// or https://");

    private static Option<string> Shared(string name, string description) => new(name) { Description = description, Recursive = true };
}

/// <summary>A passage as it is printed.</summary>
internal sealed record PassageRow(int Number, string Source, string Title, string Heading, string Text);

/// <summary>An answer as it is printed.</summary>
internal sealed record AnswerRow(string Answer, bool Extract, string? EarlierQuestion, double? Similarity, IReadOnlyList<PassageRow> Citations);
