using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Holdfast.Rag.Onnx;

/// <summary>An ONNX model of the BERT family: rows of pieces in, one tensor of floats out. From any thread.</summary>
internal sealed class Transformer : IDisposable
{
    private static readonly string[] KnownInputs = ["input_ids", "attention_mask", "token_type_ids"];

    private readonly InferenceSession session;
    private readonly RunOptions run = new();
    private readonly string[] inputs;
    private readonly string[] outputs;
    private readonly int padding;

    /// <param name="folder">The model.</param>
    /// <param name="padding">The piece that fills short rows.</param>
    /// <param name="threads">How many threads compute at most; 0 for one a core.</param>
    /// <param name="outputs">Names of the output that is wanted, the best first; the model's only one where it has none of them.</param>
    /// <exception cref="ArgumentException">It is no such model.</exception>
    public Transformer(TransformerFolder folder, int padding, int threads, params ReadOnlySpan<string> outputs)
    {
        this.padding = padding;
        using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        try
        {
            session = new InferenceSession(folder.Model, options);
        }
        catch (OnnxRuntimeException damaged)
        {
            throw new ArgumentException($"{folder.Model} cannot be loaded: {damaged.Message}", damaged);
        }

        inputs = [.. session.InputMetadata.Keys];
        if (Array.Find(inputs, static name => !KnownInputs.Contains(name)) is { } strange) throw new ArgumentException($"{folder.Model} wants an input {strange}; {string.Join(", ", KnownInputs)} are known here");
        if (session.InputMetadata.FirstOrDefault(static input => input.Value.ElementDataType != TensorElementType.Int64) is { Key: not null } odd) throw new ArgumentException($"{folder.Model} wants {odd.Key} as {odd.Value.ElementDataType}; Int64 is known here");
        this.outputs = [OutputOf(folder.Model, outputs)];
    }

    /// <summary>Computes; rows of different length are filled up, and the mask says which pieces count.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="cancel">Looked at before it begins: a batch that runs is not broken off.</param>
    public ModelOutput Run(IReadOnlyList<TokenRow> rows, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var width = rows.Max(static row => row.Pieces.Length);
        var shape = (long[])[rows.Count, width];
        var (ids, mask, types) = (new long[rows.Count * width], new long[rows.Count * width], new long[rows.Count * width]);
        for (var r = 0; r < rows.Count; r++)
        {
            var (pieces, secondAt) = rows[r];
            for (var at = 0; at < width; at++) ids[(r * width) + at] = at < pieces.Length ? pieces[at] : padding;
            mask.AsSpan(r * width, pieces.Length).Fill(1);
            types.AsSpan((r * width) + secondAt, pieces.Length - secondAt).Fill(1);
        }

        var values = Array.ConvertAll(inputs, name => OrtValue.CreateTensorValueFromMemory(name switch { "input_ids" => ids, "attention_mask" => mask, _ => types }, shape));
        try
        {
            using var results = session.Run(run, inputs, values, outputs);
            return new ModelOutput(results[0].GetTensorDataAsSpan<float>().ToArray(), Array.ConvertAll(results[0].GetTensorTypeAndShape().Shape, static side => (int)side));
        }
        finally
        {
            foreach (var value in values) value.Dispose();
        }
    }

    public void Dispose()
    {
        run.Dispose();
        session.Dispose();
    }

    private string OutputOf(string model, ReadOnlySpan<string> wanted)
    {
        var found = "";
        foreach (var name in wanted)
            if (found.Length == 0 && session.OutputMetadata.ContainsKey(name)) found = name;
        if (found.Length == 0 && session.OutputMetadata.Count == 1) found = session.OutputMetadata.Keys.First();
        if (found.Length == 0) throw new ArgumentException($"{model} has the outputs {string.Join(", ", session.OutputMetadata.Keys)}; {string.Join(", ", wanted!)} were looked for");
        var type = session.OutputMetadata[found].ElementDataType;
        return type == TensorElementType.Float ? found : throw new ArgumentException($"{model} gives {found} as {type}; Float is known here");
    }
}

/// <summary>A tensor.</summary>
/// <param name="Values">Its numbers, the last side's together.</param>
/// <param name="Shape">Its sides.</param>
internal readonly record struct ModelOutput(float[] Values, int[] Shape);
