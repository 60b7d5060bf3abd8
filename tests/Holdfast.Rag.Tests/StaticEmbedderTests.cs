using System.Buffers.Binary;
using System.Text;
using Holdfast.Rag.Embedding;

namespace Holdfast.Rag.Tests;

/// <summary>Static models, as the files of a small one that is made here.</summary>
public sealed class StaticEmbedderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-static-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_text_is_the_mean_of_its_pieces_longest_first()
    {
        WriteTokenizer("""{"[UNK]":0,"cat":1,"##s":2,"!":3,"cafe":4}""", "WordPiece");
        WriteTable("F32", [9, 9, 1, 0, 0, 1, 3, 0, 0, 2]);
        var embedder = new StaticEmbedder(folder);
        Assert.Equal(2, embedder.Dimensions);
        Assert.Equal(Unit(1, 1), embedder.VectorOf("CATS"));
        Assert.Equal(Unit(3 + 0, 2), embedder.VectorOf("  Café !"));
        Assert.Equal(Unit(1, 0), embedder.VectorOf("cat dog catx"));
        Assert.Equal([0, 0], embedder.VectorOf("dog"));
    }

    [Fact]
    public void Half_floats_are_read_and_damage_is_said()
    {
        WriteTokenizer("""{"a":0}""", "WordPiece");
        WriteTable("F16", [2, 0]);
        Assert.Equal(Unit(1, 0), new StaticEmbedder(folder).VectorOf("a"));
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), File.ReadAllBytes(Path.Combine(folder, "model.safetensors"))[..^1]);
        Assert.Contains("not whole", Assert.Throws<ArgumentException>(() => new StaticEmbedder(folder)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), [255, 255, 255, 255, 255, 255, 255, 127, 1]);
        Assert.Contains("no safetensors file", Assert.Throws<ArgumentException>(() => new StaticEmbedder(folder)).Message, StringComparison.Ordinal);
        WriteTokenizer("{}", "BPE");
        Assert.Contains("BPE", Assert.Throws<ArgumentException>(() => new StaticEmbedder(folder)).Message, StringComparison.Ordinal);
    }

    /// <summary>Tables of fewer rows than pieces (model2vec 0.6): each piece names its row.</summary>
    [Fact]
    public void Pieces_may_share_rows_of_bytes()
    {
        WriteTokenizer("""{"cat":0,"dog":1,"cow":2}""", "WordPiece");
        var header = Encoding.UTF8.GetBytes("""{"embeddings":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},"mapping":{"dtype":"I64","shape":[3],"data_offsets":[4,28]},"weights":{"dtype":"F64","shape":[3],"data_offsets":[28,52]}}""");
        var bytes = new byte[8 + header.Length + 52];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        var data = bytes.AsSpan(8 + header.Length);
        ((byte[])[3, 0, 0, 0xFE]).CopyTo(data);
        for (var piece = 0; piece < 3; piece++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(data[(4 + (piece * 8))..], piece == 1 ? 1 : 0);
            BinaryPrimitives.WriteDoubleLittleEndian(data[(28 + (piece * 8))..], piece == 2 ? 2 : 1);
        }

        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), bytes);
        var embedder = new StaticEmbedder(folder);
        Assert.Equal(Unit(0, -2), embedder.VectorOf("dog"));
        Assert.Equal(Unit(3 + 6, -2), embedder.VectorOf("cat dog cow"));
        Assert.StartsWith($"static:{Path.GetFileName(folder)}:", embedder.Name, StringComparison.Ordinal);
    }

    private static float[] Unit(float x, float y) => [x / MathF.Sqrt((x * x) + (y * y)), y / MathF.Sqrt((x * x) + (y * y))];

    private void WriteTokenizer(string vocabulary, string kind) =>
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), $$$"""{"normalizer":{"type":"BertNormalizer","lowercase":true,"strip_accents":null},"model":{"type":"{{{kind}}}","vocab":{{{vocabulary}}}}}""");

    /// <summary>A table of two columns.</summary>
    private void WriteTable(string type, float[] values)
    {
        var width = type == "F32" ? 4 : 2;
        var header = Encoding.UTF8.GetBytes($$$"""{"__metadata__":{"format":"pt"},"embeddings":{"dtype":"{{{type}}}","shape":[{{{values.Length / 2}}},2],"data_offsets":[0,{{{values.Length * width}}}]}}""");
        var bytes = new byte[8 + header.Length + (values.Length * width)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes, 8);
        for (var i = 0; i < values.Length; i++)
        {
            var target = bytes.AsSpan(8 + header.Length + (i * width));
            if (width == 4) BinaryPrimitives.WriteSingleLittleEndian(target, values[i]);
            else BinaryPrimitives.WriteHalfLittleEndian(target, (Half)values[i]);
        }

        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), bytes);
    }
}
