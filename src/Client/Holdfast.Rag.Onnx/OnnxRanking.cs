using Holdfast.Rag.Answers;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Onnx;

/// <summary>A cross-encoder of the BERT family from files, as <see cref="OnnxEmbedder"/> is: it reads question and passage together and gives one score. From any thread.</summary>
public sealed class OnnxRanking : IPassageRanking
{
    /// <summary>Pairs of one run.</summary>
    private const int PairsPerRun = 16;

    private readonly TransformerFolder folder;
    private readonly TokenRows rows;
    private readonly Transformer transformer;

    /// <param name="path">A folder with the model, or the model's file.</param>
    /// <param name="threads">How many threads compute at most; 0 for one a core.</param>
    /// <exception cref="ArgumentException">A file is missing, damaged, or of a kind that is not known here.</exception>
    public OnnxRanking(string path, int threads = 0)
    {
        folder = TransformerFolder.Read(path);
        rows = new TokenRows(folder);
        transformer = new Transformer(folder, rows.Padding, threads, "logits");
        if (transformer.Run([rows.Of("a", "b")], CancellationToken.None).Shape is not [1, 1 or 2]) throw new ArgumentException($"{folder.Model} is no cross-encoder: one score a pair is wanted, or two classes");
    }

    /// <inheritdoc/>
    public string Name => folder.Name;

    /// <summary>How well each passage answers the question, from 0 to 1.</summary>
    public async Task<float[]> ScoresAsync(string question, IReadOnlyList<string> passages, CancellationToken cancel) => await Task.Run(() =>
    {
        var scores = new float[passages.Count];
        for (var from = 0; from < scores.Length; from += PairsPerRun)
        {
            var output = transformer.Run([.. passages.Skip(from).Take(PairsPerRun).Select(passage => rows.Of(question, passage))], cancel);
            for (var i = 0; i < output.Shape[0]; i++) scores[from + i] = ScoreOf(output.Values.AsSpan(i * output.Shape[1], output.Shape[1]));
        }

        return scores;
    }, cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<FoundChunk>> OfAsync(string question, IReadOnlyList<FoundChunk> found, int limit, CancellationToken cancel)
    {
        var scores = await ScoresAsync(question, [.. found.Select(static chunk => chunk.Ranked)], cancel).ConfigureAwait(false);
        return [.. found.Zip(scores).OrderByDescending(static each => each.Second).Take(limit).Select(static each => each.First)];
    }

    /// <inheritdoc/>
    public void Dispose() => transformer.Dispose();

    /// <summary>Of one number its logistic; of two classes the second's share.</summary>
    private static float ScoreOf(ReadOnlySpan<float> logits) => 1 / (1 + MathF.Exp(logits.Length == 1 ? -logits[0] : logits[0] - logits[1]));
}
