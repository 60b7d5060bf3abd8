using System.Security.Cryptography;
using System.Text;
using Holdfast.Rag.Answers;
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

    private readonly KnowledgeOptions options;
    private readonly ChunkStore store;
    private readonly IEmbeddingGenerator<string, Embedding<float>>? model;

    /// <summary>Speaks to nobody yet.</summary>
    /// <exception cref="ArgumentException">A model is to be read from files that are not there, or not such.</exception>
    public KnowledgeBase(KnowledgeOptions options)
    {
        this.options = options;
        store = new ChunkStore(options.Server, options.Collection, options.ServerKey);
        model = options.EmbedUrl is { } url ? new OpenAiEmbedder(url, options.EmbedModel, options.ModelKey) : options.EmbedFolder is { } folder ? new StaticEmbedder(folder) : null;
    }

    private string EmbedderName => model switch
    {
        null => HashedEmbedder.Name,
        StaticEmbedder kept => kept.Name,
        _ => options.EmbedModel,
    };

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
        var known = await store.DocumentsAsync(cancel);
        var statistics = await store.StatisticsAsync(cancel);
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
        return new IngestReport(files.Count, unchanged, added, kept, removed, refused);
    }

    /// <summary>The passages that fit a question best, best first.</summary>
    /// <param name="question">The question, in words.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="reranks">Whether those found are ordered again by how much of the question each covers.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<IReadOnlyList<FoundChunk>> SearchAsync(string question, int limit = 5, bool reranks = true, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(question);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        var statistics = await store.StatisticsAsync(cancel);
        var embedder = model ?? new HashedEmbedder(statistics);
        var dense = (await embedder.GenerateAsync([question], cancellationToken: cancel))[0].Vector;
        var found = await store.FindAsync(dense, SparseWords.OfQuestion(question), reranks ? limit * 4 : limit, cancel);
        if (!reranks) return found;
        if (options.RerankUrl is null) return CoverageRanking.Of(question, found, statistics, limit);
        using var ranking = new ModelRanking(options.RerankUrl, options.RerankModel, options.ModelKey);
        return await ranking.OfAsync(question, found, limit, cancel);
    }

    /// <summary>Answers a question from the passages: in a model's words where one is configured, else in the passages' own; each statement names where it is from.</summary>
    public async Task<Answer> AskAsync(string question, int limit = 5, CancellationToken cancel = default)
    {
        var passages = await SearchAsync(question, limit, cancel: cancel);
        if (passages.Count == 0) return new Answer("Nothing that was ingested speaks of this.", [], IsExtract: true);
        if (options.ChatUrl is null) return ExtractedAnswer.Of(question, passages, await store.StatisticsAsync(cancel));
        using var chat = new ChatModel(options.ChatUrl, options.ChatModel, options.ModelKey);
        return await chat.AnswerAsync(question, passages, cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model?.Dispose();
        store.Dispose();
    }

    /// <summary>The same text at the same place among equals is the same point: what a change leaves alone need not be embedded again.</summary>
    private static Guid IdOf(string source, string embedder, string text, int occurrence) =>
        new(SHA256.HashData(Encoding.UTF8.GetBytes($"{source}\0{embedder}\0{occurrence}\0{text}")).AsSpan(0, 16));

    private async Task<int> DimensionsAsync(CancellationToken cancel) =>
        model is null ? HashedEmbedder.Dimensions : (await model.GenerateAsync(["dimensions"], cancellationToken: cancel))[0].Vector.Length;

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
            var vectors = await (model ?? new HashedEmbedder()).GenerateAsync(batch.Select(static each => each.Chunk.Embedded), cancellationToken: cancel);
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
}
