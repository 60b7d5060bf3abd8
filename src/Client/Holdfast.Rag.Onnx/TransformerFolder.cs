using Holdfast.Rag.Embedding;

namespace Holdfast.Rag.Onnx;

/// <summary>How the vectors of a text's pieces become the text's.</summary>
internal enum Pooling
{
    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>The first one, which belongs to no word.</summary>
    First,

    /// <summary>The largest of each component.</summary>
    Max,
}

/// <summary>What a folder says of its model, in the files that transformers and sentence-transformers write.</summary>
/// <param name="Model">The ONNX file.</param>
/// <param name="Name">The folder's name, and the beginning of the model's hash.</param>
/// <param name="Tokenizer">The vocabulary.</param>
/// <param name="TokensMax">Pieces that it reads at most; what is beyond is cut off.</param>
/// <param name="Pooling">Of an embedder.</param>
/// <param name="IsNormalized">Whether an embedder's vectors are brought to length 1.</param>
internal sealed record TransformerFolder(string Model, string Name, TokenizerFiles Tokenizer, int TokensMax, Pooling Pooling, bool IsNormalized)
{
    /// <summary>What models of this family read where nothing is said.</summary>
    private const int TokensUsual = 512;

    /// <summary>Reads it.</summary>
    /// <param name="path">A folder with the model, or the model's file with its vocabulary beside it.</param>
    /// <exception cref="ArgumentException">Something is missing, damaged, or of a kind that is not known here.</exception>
    public static TransformerFolder Read(string path)
    {
        var model = OnnxFiles.Find(path) ?? throw new ArgumentException($"{path} holds no ONNX model: {OnnxFiles.Looked} were looked for");
        var folder = Path.GetDirectoryName(Path.GetFullPath(model))!;
        if (Path.GetFileName(folder) == "onnx" && !HasVocabulary(folder)) folder = Path.GetDirectoryName(folder)!;
        return new TransformerFolder(model, $"onnx:{Path.GetFileName(folder)}:{ModelHash.OfFile(model)}", TokenizerFiles.OfFolder(folder), TokensMaxOf(folder), PoolingOf(folder), IsNormalizedBy(folder));
    }

    private static bool HasVocabulary(string folder) => File.Exists(Path.Combine(folder, "tokenizer.json")) || File.Exists(Path.Combine(folder, "vocab.txt"));

    private static int TokensMaxOf(string folder)
    {
        int Said(string file, string name) => JsonFile.ReadIfThere<int?>(Path.Combine(folder, file), null, said => JsonFile.Count(said, name)) is > 2 and var count ? count : int.MaxValue;
        var most = Math.Min(Said("sentence_bert_config.json", "max_seq_length"), Math.Min(Said("tokenizer_config.json", "model_max_length"), Said("config.json", "max_position_embeddings")));
        return most == int.MaxValue ? TokensUsual : most;
    }

    private static Pooling PoolingOf(string folder) => JsonFile.ReadIfThere(Path.Combine(folder, "1_Pooling", "config.json"), Pooling.Mean, said =>
    {
        var modes = said.EnumerateObject().Where(static mode => mode.Name.StartsWith("pooling_mode_", StringComparison.Ordinal) && mode.Value.ValueKind == System.Text.Json.JsonValueKind.True).Select(static mode => mode.Name).ToList();
        return modes switch
        {
            ["pooling_mode_mean_tokens"] => Pooling.Mean,
            ["pooling_mode_cls_token"] => Pooling.First,
            ["pooling_mode_max_tokens"] => Pooling.Max,
            _ => throw new ArgumentException($"{folder} wants {(modes.Count == 0 ? "no pooling" : string.Join(" and ", modes))}: one of mean, first and max is known here"),
        };
    });

    /// <summary>As the list of modules says; where there is none, yes.</summary>
    private static bool IsNormalizedBy(string folder) => JsonFile.ReadIfThere(Path.Combine(folder, "modules.json"), true, modules =>
    {
        var kinds = modules.EnumerateArray().Select(static module => module.GetProperty("type").GetString()!.Split('.')[^1]).ToList();
        if (kinds.Find(static kind => kind is not ("Transformer" or "Pooling" or "Normalize")) is { } unknown) throw new ArgumentException($"{folder} has a module {unknown} behind its transformer, which is not known here");
        return kinds.Contains("Normalize");
    });
}
