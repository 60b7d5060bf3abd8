using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Onnx;

/// <summary>
/// An embedder of the BERT family from files: <c>model.onnx</c> (or <c>onnx/model.onnx</c>) with its vocabulary (<c>tokenizer.json</c> of the kind WordPiece, or <c>vocab.txt</c>) and, where they are, the settings
/// that sentence-transformers writes: how pieces are pooled, whether vectors have length 1, how many pieces are read. From any thread.
/// </summary>
public sealed class OnnxEmbedder : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>Pieces of one run, padding included: it bounds what a run takes of memory.</summary>
    private const int PiecesPerRun = 8192;

    private readonly TransformerFolder folder;
    private readonly TokenRows rows;
    private readonly Transformer transformer;

    /// <param name="path">A folder with the model, or the model's file.</param>
    /// <param name="threads">How many threads compute at most; 0 for one a core.</param>
    /// <exception cref="ArgumentException">A file is missing, damaged, or of a kind that is not known here.</exception>
    public OnnxEmbedder(string path, int threads = 0)
    {
        folder = TransformerFolder.Read(path);
        rows = new TokenRows(folder);
        transformer = new Transformer(folder, rows.Padding, threads, "sentence_embedding", "last_hidden_state", "token_embeddings");
        Dimensions = VectorsOf([rows.Of("dimensions")], CancellationToken.None)[0].Length;
    }

    /// <summary>The vectors' length.</summary>
    public int Dimensions { get; }

    /// <summary>The folder's name and the beginning of the model's hash.</summary>
    public string Name => folder.Name;

    /// <inheritdoc/>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToList();
        return await Task.Run(() => new GeneratedEmbeddings<Embedding<float>>(VectorsOf(texts.ConvertAll(rows.Of), cancellationToken).Select(vector => new Embedding<float>(vector) { ModelId = Name })), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("onnx", null, Name, Dimensions)
        : serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose() => transformer.Dispose();

    /// <summary>Rows of like length run together, so that little is padded.</summary>
    private float[][] VectorsOf(List<TokenRow> texts, CancellationToken cancel)
    {
        var vectors = new float[texts.Count][];
        var order = Enumerable.Range(0, texts.Count).OrderBy(at => texts[at].Pieces.Length).ToList();
        for (var from = 0; from < order.Count;)
        {
            var count = 1;
            while (from + count < order.Count && (count + 1) * texts[order[from + count]].Pieces.Length <= PiecesPerRun) count++;
            var run = order.GetRange(from, count);
            var output = transformer.Run(run.ConvertAll(at => texts[at]), cancel);
            for (var i = 0; i < count; i++) vectors[run[i]] = Pooled(output, i, texts[run[i]].Pieces.Length);
            from += count;
        }

        return vectors;
    }

    private float[] Pooled(ModelOutput output, int row, int pieces)
    {
        var vector = output.Shape switch
        {
            [_, var side] => output.Values.AsSpan(row * side, side).ToArray(),
            [_, var width, var side] => Pool(output.Values.AsSpan(row * width * side, pieces * side), side),
            _ => throw new ArgumentException($"{folder.Model} gives a tensor of {output.Shape.Length} sides; an embedder's has two or three"),
        };
        var length = folder.IsNormalized ? MathF.Sqrt(vector.Sum(static part => part * part)) : 0;
        if (length > 0)
            for (var i = 0; i < vector.Length; i++) vector[i] /= length;
        return vector;
    }

    private float[] Pool(ReadOnlySpan<float> pieces, int side)
    {
        var pooled = pieces[..side].ToArray();
        if (folder.Pooling == Pooling.First) return pooled;
        for (var at = side; at < pieces.Length; at++) pooled[at % side] = folder.Pooling == Pooling.Max ? MathF.Max(pooled[at % side], pieces[at]) : pooled[at % side] + pieces[at];
        if (folder.Pooling == Pooling.Mean)
            for (var i = 0; i < side; i++) pooled[i] /= pieces.Length / side;
        return pooled;
    }
}
