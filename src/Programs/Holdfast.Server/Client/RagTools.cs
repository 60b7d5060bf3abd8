using Holdfast.Keyspace.Endpoints.Caching;
using Holdfast.Rag;
using Holdfast.Rag.Answers;
using Holdfast.Rag.Embedding;

namespace Holdfast.Server.Client;

/// <summary>What <c>holdfast rag</c> works with beside the vectors face, for one verb: models from files, and the cache that the keyspace holds.</summary>
internal sealed class RagTools : IAsyncDisposable
{
    private ModelProgram? program;
    private KeyspaceCache? cache;
    private OpenAiEmbedder? embedder;
    private ModelRanking? ranking;
    private string? staticFolder;
    private ModelPrompts prompts = ModelPrompts.None;

    private RagTools()
    {
    }

    /// <summary>Opens them; ONNX models are loaded by a program of their own.</summary>
    /// <param name="embedFolder">Of an embedder; null for none.</param>
    /// <param name="rerankFolder">Of a cross-encoder; null for none.</param>
    /// <param name="cacheNodes">Redis ports; empty for no cache.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="ArgumentException">A model cannot be loaded.</exception>
    public static async Task<RagTools> OpenAsync(string? embedFolder, string? rerankFolder, IReadOnlyList<(string Host, int Port)> cacheNodes, CancellationToken cancel)
    {
        var tools = new RagTools();
        try
        {
            await tools.LoadAsync(embedFolder, rerankFolder, cancel);
            if (cacheNodes.Count > 0) tools.cache = new KeyspaceCache(cacheNodes, Environment.GetEnvironmentVariable("HOLDFAST_CACHE_PASSWORD") is { } password ? (Environment.GetEnvironmentVariable("HOLDFAST_CACHE_USER") ?? "default", password) : null);
            return tools;
        }
        catch
        {
            await tools.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts them into the options.</summary>
    public KnowledgeOptions Equip(KnowledgeOptions options) => options with { Embedder = embedder, EmbedFolder = staticFolder, Prompts = prompts, Ranking = ranking, Cache = cache is null ? null : new SharedKnowledgeCache(cache) };

    public async ValueTask DisposeAsync()
    {
        embedder?.Dispose();
        ranking?.Dispose();
        cache?.Dispose();
        if (program is not null) await program.DisposeAsync();
    }

    private async Task LoadAsync(string? embedFolder, string? rerankFolder, CancellationToken cancel)
    {
        var isTransformer = embedFolder is not null && OnnxFiles.Find(embedFolder) is not null;
        if (!isTransformer) staticFolder = embedFolder;
        if (embedFolder is not null && Directory.Exists(embedFolder)) prompts = ModelPrompts.OfFolder(embedFolder);
        if (!isTransformer && rerankFolder is null) return;
        program = await ModelProgram.StartAsync(isTransformer ? embedFolder : null, rerankFolder, cancel);
        if (isTransformer) embedder = new OpenAiEmbedder(program.Url, await program.NameOfAsync("embedder", cancel), null);
        if (rerankFolder is null) return;
        var name = await program.NameOfAsync("reranker", cancel);
        ranking = new ModelRanking(program.Url, name, null, name);
    }
}
