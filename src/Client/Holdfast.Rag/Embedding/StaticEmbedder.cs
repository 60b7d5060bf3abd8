using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Embedding;

/// <summary>
/// A static embedding model of the model2vec kind, from a folder with <c>model.safetensors</c>, <c>tokenizer.json</c> and, where there is one, <c>config.json</c>: the mean of the vectors of a text's word pieces. It
/// knows meaning as far as words have one by themselves, and embeds a hundred times faster than the model it was distilled from.
/// </summary>
public sealed class StaticEmbedder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly WordPieces tokenizer;
    private readonly float[] vectors;
    private readonly float[]? weights;
    private readonly int[]? rows;
    private readonly bool isNormalized;

    /// <param name="folder">Where the files are.</param>
    /// <exception cref="ArgumentException">A file is missing, damaged, or of a kind that is not known here.</exception>
    public StaticEmbedder(string folder)
    {
        string At(string name) => File.Exists(Path.Combine(folder, name)) ? Path.Combine(folder, name) : throw new ArgumentException($"{folder} holds no {name}: give the folder of a model2vec model");
        At("tokenizer.json");
        tokenizer = new WordPieces(TokenizerFiles.OfFolder(folder));
        var tensors = new SafeTensors(At("model.safetensors"));
        if (tensors.Find("embeddings") is not { Shape: [_, > 0 and var dimensions] } table) throw new ArgumentException($"{folder}: model.safetensors has no table \"embeddings\": a static model is wanted, not a transformer");
        (vectors, Dimensions) = (table.Values, dimensions);
        weights = tensors.Find("weights")?.Values;
        rows = tensors.Find("mapping") is { } mapping ? Array.ConvertAll(mapping.Values, static row => (int)row) : null;
        isNormalized = JsonFile.ReadIfThere(Path.Combine(folder, "config.json"), true, static settings => JsonFile.Truth(settings, "normalize") ?? true);
        Name = $"static:{new DirectoryInfo(folder).Name}:{tensors.Hash[..ModelHash.ShownMax]}";
    }

    /// <summary>The vectors' length.</summary>
    public int Dimensions { get; }

    /// <summary>Its name, kept with each chunk: the folder's, and the beginning of the hash of its vectors, for two models may have folders of the same name.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(VectorOf(text)) { ModelId = Name })));

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("static", null, Name, Dimensions)
        : serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <summary>One text's vector; all zero for a text of which the vocabulary knows nothing.</summary>
    internal float[] VectorOf(string text)
    {
        var sum = new float[Dimensions];
        var pieces = tokenizer.Of(text);
        foreach (var piece in pieces)
        {
            var row = rows is null ? piece : piece < rows.Length ? rows[piece] : -1;
            if (row < 0 || (long)(row + 1) * Dimensions > vectors.Length) continue;
            var weight = weights is not null && piece < weights.Length ? weights[piece] : 1;
            for (var i = 0; i < Dimensions; i++) sum[i] += weight * vectors[(row * Dimensions) + i];
        }

        var length = isNormalized ? MathF.Sqrt(sum.Sum(static part => part * part)) : pieces.Count;
        if (length > 0)
            for (var i = 0; i < Dimensions; i++) sum[i] /= length;
        return sum;
    }
}
