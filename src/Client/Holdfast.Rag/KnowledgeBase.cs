using System.Security.Cryptography;
using System.Text;
using Holdfast.Rag.Answers;
using Holdfast.Rag.Caching;
using Holdfast.Rag.Chunks;
using Holdfast.Rag.Documents;
using Holdfast.Rag.Embedding;
using Holdfast.Rag.Store;
using Microsoft.Extensions.AI;

namespace Holdfast.Rag;

/// <summary>
/// Documents that can be asked: <see cref="IngestAsync"/> reads, cuts, embeds and keeps them, <see cref="SearchAsync"/> finds passages by words and by vectors, <see cref="AskAsync"/> answers with citations.
/// Ingesting the same again costs a look; a changed document has only its changed chunks embedded; an ingestion that was cut off is finished by the next.
/// </summary>
public sealed class KnowledgeBase : IDisposable
{
    private const int EmbedBatch = 64;

    /// <summary>To the built-in embedder only the same words mean the same.</summary>
    private const double SameWords = 0.999;

    private readonly KnowledgeOptions options;
    private readonly ChunkStore store;
    private readonly IEmbeddingGenerator<string, Embedding<float>>? model;
    private readonly CachedEmbedder? cached;
    private readonly IPassageRanking? ranking;
    private readonly EarlierAnswers? earlier;

    /// <summary>Speaks to nobody yet.</summary>
    /// <exception cref="ArgumentException">A model is to be read from files that are not there, or not such.</exception>
    public KnowledgeBase(KnowledgeOptions options)
    {
        this.options = options;
        store = new ChunkStore(options.Server, options.Collection, options.ServerKey);
        model = options.Embedder ?? (options.EmbedUrl is { } url ? new OpenAiEmbedder(url, options.EmbedModel, options.ModelKey) : options.EmbedFolder is { } folder ? new StaticEmbedder(folder) : null);
        ranking = options.Ranking ?? (options.RerankUrl is { } ranker ? new ModelRanking(ranker, options.RerankModel, options.ModelKey) : null);
        if (options.Cache is not { } cache) return;
        if (model is not null) cached = new CachedEmbedder(model, options is { Embedder: null, EmbedUrl: { } from } ? $"{from.Authority}/{EmbedderName}" : EmbedderName, cache, options.EmbeddingsKept);
        if (options.AnswerSimilarity is not null) earlier = new EarlierAnswers(new QuestionStore(options.Server, options.Collection, options.ServerKey), cache, options.Collection, options.AnswersKept);
    }

    /// <summary>Kept with each chunk: chunks of another embedder, or of other words before them, are embedded anew.</summary>
    private string EmbedderName => options.Prompts.Chunk + (model switch
    {
        null => HashedEmbedder.Name,
        var other => (other.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata)?.DefaultModelId ?? other.GetType().Name,
    });

    /// <summary>Brings files and all files below folders in. What cannot be read is reported and left out.</summary>
    /// <param name="paths">Files and folders. A document's source is its path from the folder that was named, that folder's name included.</param>
    /// <param name="prunes">Whether documents below the named folders that are no files any more are taken out.</param>
    /// <param name="progress">Told before each file; may be null.</param>
    /// <param name="cancel">Gives up; what was written stays, and the next ingestion goes on.</param>
    /// <exception cref="HttpRequestException">The vectors face or the embedder is not there, or refuses.</exception>
    public async Task<IngestReport> IngestAsync(IEnumerable<string> paths, bool prunes = false, Action<IngestProgress>? progress = null, CancellationToken cancel = default)
    {
        var files = SourceFiles.Find(paths);
        await store.EnsureAsync(await DimensionsAsync(cancel), cancel);
        var hitsBefore = cached?.Hits ?? 0;
        var known = await store.DocumentsAsync(cancel);
        var (statistics, _) = await store.StatisticsAsync(cancel);
        var (unchanged, added, kept, removed) = (0, 0, 0, 0);
        var refused = new List<string>();
        var (done, total) = (0L, files.Sum(static file => file.Bytes));
        foreach (var file in files)
        {
            progress?.Invoke(new IngestProgress(file.Source, done, total));
            done += file.Bytes;
            try
            {
                var document = DocumentReader.Read(file.Path, file.Source);
                if (known.TryGetValue(document.Source, out var before) && before.ContentHash == document.ContentHash && before.Embedder == EmbedderName)
                {
                    unchanged++;
                    continue;
                }

                var change = await ReplaceAsync(document, before, statistics, cancel);
                (added, kept, removed) = (added + change.Added, kept + change.Kept, removed + change.Removed);
            }
            catch (DocumentException unreadable)
            {
                refused.Add(unreadable.Message);
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                refused.Add($"{file.Source}: {unreadable.Message}");
            }
        }

        if (prunes)
        {
            var present = files.Select(static file => file.Source).ToHashSet(StringComparer.Ordinal);
            var roots = SourceFiles.RootsOf(paths);
            foreach (var (source, gone) in known.Where(each => !present.Contains(each.Key) && roots.Exists(root => each.Key.StartsWith(root, StringComparison.Ordinal))))
                removed += await RemoveAsync(source, gone.ChunkIds, statistics, cancel);
        }

        if (added + removed > 0) await store.KeepAsync(statistics, cancel);
        var report = new IngestReport(files.Count, unchanged, added, kept, removed, refused, (int)((cached?.Hits ?? 0) - hitsBefore));
        RagMetrics.Count(report);
        return report;
    }

    /// <summary>The passages that fit a question best, best first.</summary>
    /// <param name="question">The question, in words.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="reranks">Whether those found are ordered again by how much of the question each covers.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<IReadOnlyList<FoundChunk>> SearchAsync(string question, int limit = 5, bool reranks = true, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return await FindAsync(await UnderstandAsync(question, cancel), limit, reranks, cancel);
    }

    /// <summary>
    /// Answers a question from the passages: in a model's words where one is configured, else in the passages' own; each statement names where it is from. Where <see cref="KnowledgeOptions.AnswerSimilarity"/> allows
    /// it, an earlier question that means the same is answered as it was, unless anything was written to the collection since.
    /// </summary>
    public async Task<Answer> AskAsync(string question, int limit = 5, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var asked = await UnderstandAsync(question, cancel);
        var version = earlier is null ? "" : await VersionAsync(asked, cancel);
        if (version.Length == 0) return await MakeAsync(asked, limit, cancel);

        var recipe = $"{EmbedderName}|{ranking?.Name ?? "coverage"}|{(options.ChatUrl is { } chat ? $"{chat.Authority}/{options.ChatModel}" : "extract")}|{limit}";
        var similarity = model is null ? Math.Max(options.AnswerSimilarity!.Value, SameWords) : options.AnswerSimilarity!.Value;
        if (await earlier!.FindAsync(asked.Vector, recipe, version, similarity, cancel) is { } before)
        {
            RagMetrics.Answers.Add(1, RagMetrics.FromCache);
            return before;
        }

        var answer = await MakeAsync(asked, limit, cancel);
        // Something may have been written while it was made: then nobody knows which version it speaks of.
        if (await VersionAsync(asked, cancel) == version) await earlier.KeepAsync(question, asked.Vector, recipe, version, answer, cancel);
        return answer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (options.Embedder is null) model?.Dispose();
        if (options.Ranking is null) ranking?.Dispose();
        earlier?.Dispose();
        store.Dispose();
    }

    /// <summary>The same text at the same place among equals is the same point: what a change leaves alone need not be embedded again.</summary>
    private static Guid IdOf(string source, string embedder, string text, int occurrence) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{source}\0{embedder}\0{occurrence}\0{text}")).AsSpan(0, 16));

    /// <summary>The embedder, through the cache where there is one; null for the built-in one, which is faster than any cache.</summary>
    private IEmbeddingGenerator<string, Embedding<float>>? Embedder => cached ?? model;

    private async Task<int> DimensionsAsync(CancellationToken cancel) =>
        Embedder is null ? HashedEmbedder.Dimensions : (await Embedder.GenerateAsync(["dimensions"], cancellationToken: cancel))[0].Vector.Length;

    private async Task<Asked> UnderstandAsync(string question, CancellationToken cancel)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(question);
        var (statistics, edition) = await store.StatisticsAsync(cancel);
        var embedded = await (Embedder ?? new HashedEmbedder(statistics)).GenerateAsync([options.Prompts.Question + question], cancellationToken: cancel);
        return new Asked(question, embedded[0].Vector, statistics, edition);
    }

    private async Task<IReadOnlyList<FoundChunk>> FindAsync(Asked asked, int limit, bool reranks, CancellationToken cancel)
    {
        var found = await store.FindAsync(asked.Vector, SparseWords.OfQuestion(asked.Question), reranks ? limit * 4 : limit, cancel);
        if (!reranks) return found;
        return ranking is null ? CoverageRanking.Of(asked.Question, found, asked.Statistics, limit) : await ranking.OfAsync(asked.Question, found, limit, cancel);
    }

    private async Task<Answer> MakeAsync(Asked asked, int limit, CancellationToken cancel)
    {
        RagMetrics.Answers.Add(1, RagMetrics.Made);
        var passages = await FindAsync(asked, limit, reranks: true, cancel);
        if (passages.Count == 0) return new Answer("Nothing that was ingested speaks of this.", [], IsExtract: true);
        if (options.ChatUrl is null) return ExtractedAnswer.Of(asked.Question, passages, asked.Statistics);
        using var chat = new ChatModel(options.ChatUrl, options.ChatModel, options.ModelKey);
        return await chat.AnswerAsync(asked.Question, passages, cancel);
    }

    /// <summary>Which state of the documents an answer speaks of; empty where that is not known, or the question says nothing that could be compared.</summary>
    private async Task<string> VersionAsync(Asked asked, CancellationToken cancel)
    {
        if (asked.Edition.Length == 0 || !asked.Vector.Span.ContainsAnyExcept(0f)) return "";
        var positions = await store.PositionsAsync(cancel);
        return positions.Length == 0 ? "" : $"{asked.Edition}/{positions}";
    }

    private async Task<(int Added, int Kept, int Removed)> ReplaceAsync(SourceDocument document, KnownDocument? before, WordStatistics statistics, CancellationToken cancel)
    {
        var chunks = new Chunker(options.ChunkCharactersMax).Cut(document);
        var occurrences = new Dictionary<string, int>(StringComparer.Ordinal);
        var placed = chunks.Select(chunk =>
        {
            occurrences[chunk.Embedded] = occurrences.GetValueOrDefault(chunk.Embedded) + 1;
            return (Id: IdOf(document.Source, EmbedderName, chunk.Embedded, occurrences[chunk.Embedded]), Chunk: chunk);
        }).ToList();
        var there = before?.ChunkIds ?? new HashSet<Guid>();
        var fresh = placed.Where(each => !there.Contains(each.Id)).ToList();
        var kept = placed.Where(each => there.Contains(each.Id)).ToList();
        var stale = there.Except(placed.Select(static each => each.Id)).ToList();

        // New ones first, old ones last: whoever asks meanwhile finds the document twice rather than not at all.
        foreach (var batch in fresh.Chunk(EmbedBatch))
        {
            var vectors = await (Embedder ?? new HashedEmbedder()).GenerateAsync(batch.Select(each => options.Prompts.Chunk + each.Chunk.Embedded), cancellationToken: cancel);
            await store.PutAsync(document, EmbedderName, placed.Count, batch.Select((each, i) => new StoredChunk(each.Id, each.Chunk, vectors[i].Vector)), cancel);
            foreach (var (_, chunk) in batch) statistics.Add(chunk.Embedded);
        }

        await store.KeepAsync(document, EmbedderName, placed.Count, kept, cancel);
        var removed = stale.Count == 0 ? 0 : await RemoveAsync(document.Source, stale.ToHashSet(), statistics, cancel);
        return (fresh.Count, kept.Count, removed);
    }

    private async Task<int> RemoveAsync(string source, IReadOnlySet<Guid> ids, WordStatistics statistics, CancellationToken cancel)
    {
        foreach (var (id, text) in await store.TextsOfAsync(source, cancel))
            if (ids.Contains(id)) statistics.Remove(text);
        await store.RemoveAsync(ids, cancel);
        return ids.Count;
    }

    /// <summary>A question, and what is known of it before anything is looked for.</summary>
    private readonly record struct Asked(string Question, ReadOnlyMemory<float> Vector, WordStatistics Statistics, string Edition);
}
