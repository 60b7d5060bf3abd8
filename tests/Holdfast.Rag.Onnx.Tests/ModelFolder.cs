namespace Holdfast.Rag.Onnx.Tests;

/// <summary>A model's folder, as exporters leave it, with a small vocabulary.</summary>
internal sealed class ModelFolder : IDisposable
{
    /// <summary>Their numbers are their places.</summary>
    public static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "cat", "dog", "##s", "runs", "!"];

    public ModelFolder(byte[]? model = null, string place = "model.onnx")
    {
        Write("vocab.txt", string.Join('\n', Vocabulary) + "\n");
        if (model is null) return;
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(place))!);
        File.WriteAllBytes(At(place), model);
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("holdfast-onnx-").FullName;

    public ModelFolder Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
        return this;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private string At(string name) => System.IO.Path.Combine(Path, name);
}
