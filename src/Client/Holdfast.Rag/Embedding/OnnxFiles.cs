namespace Holdfast.Rag.Embedding;

/// <summary>Where exporters put a transformer's ONNX file. Models of that kind are run by Holdfast.Rag.Onnx, which this room does not carry.</summary>
public static class OnnxFiles
{
    /// <summary>Whole models before those of fewer bits.</summary>
    private static readonly string[] Places = ["model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx"];

    /// <summary>Places that are looked at, for a fault's sentence.</summary>
    public static string Looked => string.Join(", ", Places);

    /// <summary>The transformer that a path means: the file itself, or the first one in a folder's usual places; null where there is none. Static models often carry an ONNX form of themselves, which is none.</summary>
    public static string? Find(string path)
    {
        if (File.Exists(path)) return path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) ? path : null;
        if (JsonFile.ReadIfThere(Path.Combine(path, "config.json"), false, static said => said.TryGetProperty("model_type", out var type) && type.ValueKind == System.Text.Json.JsonValueKind.String && type.GetString() == "model2vec")) return null;
        return Array.Find(Array.ConvertAll(Places, place => Path.Combine(path, place)), File.Exists);
    }
}
