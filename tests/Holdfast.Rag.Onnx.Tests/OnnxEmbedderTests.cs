namespace Holdfast.Rag.Onnx.Tests;

/// <summary>Embedders over a model that is made here: each piece has a row of a table, so that what comes out can be counted by hand. No real model is at hand where these tests run.</summary>
public sealed class OnnxEmbedderTests
{
    /// <summary>A row for each piece of <see cref="ModelFolder.Vocabulary"/>; padding is so large that it would be seen.</summary>
    private static readonly float[] Rows = [900, 900, 5, 5, 1, 0, 0, 1, 3, 0, 0, 3, 2, 2, 4, 6, 8, 1];

    [Fact]
    public async Task Pieces_are_averaged_and_padding_does_not_count()
    {
        using var folder = Folder().Write("modules.json", """[{"type":"sentence_transformers.models.Transformer"},{"type":"sentence_transformers.models.Pooling"}]""");
        using var embedder = new OnnxEmbedder(folder.Path);
        Assert.Equal(2, embedder.Dimensions);
        // [CLS] cat ##s [SEP]; [CLS] [UNK] [SEP]; [CLS] cat runs ! dog [SEP]; and an empty text.
        var made = await embedder.GenerateAsync(["Cats", "zebra", "cat runs! dog", ""], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal<float[]>([[(1 + 3 + 2 + 0) / 4f, (0 + 0 + 2 + 1) / 4f], [(1 + 5 + 0) / 3f, (0 + 5 + 1) / 3f], [(1 + 3 + 4 + 8 + 0 + 0) / 6f, (0 + 0 + 6 + 1 + 3 + 1) / 6f], [0.5f, 0.5f]], made.Select(each => each.Vector.ToArray()));
    }

    [Theory]
    [InlineData("pooling_mode_cls_token", 1f, 0f)]
    [InlineData("pooling_mode_max_tokens", 3f / 3.6055512f, 2f / 3.6055512f)]
    [InlineData("pooling_mode_mean_tokens", 0.8944272f, 0.4472136f)]
    public async Task Pooling_and_length_are_as_the_folder_says(string mode, float x, float y)
    {
        using var folder = Folder("onnx/model.onnx").Write("1_Pooling/config.json", $$"""{"word_embedding_dimension":2,"pooling_mode_include_prompt":false,"{{mode}}":true}""");
        using var embedder = new OnnxEmbedder(folder.Path);
        var vector = await VectorOfAsync(embedder, "cats");
        Assert.Equal((x, y), (vector[0], vector[1]), Near);
    }

    [Fact]
    public async Task What_is_beyond_the_models_length_is_cut_off()
    {
        using var folder = Folder().Write("sentence_bert_config.json", """{"max_seq_length":4}""").Write("tokenizer_config.json", """{"model_max_length":1000000000000000019884624838656,"do_lower_case":true}""");
        using var embedder = new OnnxEmbedder(folder.Path);
        Assert.Equal(await VectorOfAsync(embedder, "cat dog"), await VectorOfAsync(embedder, "cat dog runs runs runs"));
        Assert.NotEqual(await VectorOfAsync(embedder, "cat dog"), await VectorOfAsync(embedder, "cat"));
    }

    /// <summary>Rows of like length run together and come back in the order that was asked.</summary>
    [Fact]
    public async Task Many_texts_have_the_vectors_that_each_has_alone()
    {
        using var folder = Folder();
        using var embedder = new OnnxEmbedder(folder.Path);
        var random = new Random(7);
        var texts = Enumerable.Range(0, 300).Select(_ => string.Join(' ', Enumerable.Range(0, random.Next(1, 120)).Select(_ => ModelFolder.Vocabulary[random.Next(4, 9)]))).ToArray();
        var together = await embedder.GenerateAsync(texts, cancellationToken: TestContext.Current.CancellationToken);
        for (var i = 0; i < texts.Length; i += 13) Assert.Equal(await VectorOfAsync(embedder, texts[i]), together[i].Vector.ToArray());
    }

    [Fact]
    public void Its_name_tells_models_apart_whose_folders_have_the_same_name()
    {
        using var one = Folder();
        using var other = new ModelFolder(OnnxBytes.Table([.. Rows.Select(static value => value + 1)], 2));
        using var embedder = new OnnxEmbedder(one.Path);
        using var another = new OnnxEmbedder(other.Path);
        Assert.StartsWith("onnx:" + Path.GetFileName(one.Path) + ":", embedder.Name, StringComparison.Ordinal);
        Assert.NotEqual(embedder.Name.Split(':')[2], another.Name.Split(':')[2]);
    }

    [Fact]
    public void What_is_not_known_is_refused_by_its_name()
    {
        using var none = new ModelFolder();
        Assert.Contains("no ONNX model", Refused(none.Path), StringComparison.Ordinal);
        using var damaged = new ModelFolder([1, 2, 3]);
        Assert.Contains("cannot be loaded", Refused(damaged.Path), StringComparison.Ordinal);
        using var strange = new ModelFolder(OnnxBytes.TableWithStrangeInput(Rows, 2));
        Assert.Contains("past_key", Refused(strange.Path), StringComparison.Ordinal);
        using var pooled = Folder().Write("1_Pooling/config.json", """{"pooling_mode_lasttoken":true}""");
        Assert.Contains("pooling_mode_lasttoken", Refused(pooled.Path), StringComparison.Ordinal);
        using var dense = Folder().Write("modules.json", """[{"type":"sentence_transformers.models.Dense"}]""");
        Assert.Contains("Dense", Refused(dense.Path), StringComparison.Ordinal);
        using var bytes = Folder().Write("tokenizer.json", """{"model":{"type":"BPE","vocab":{}}}""");
        Assert.Contains("BPE", Refused(bytes.Path), StringComparison.Ordinal);
        using var broken = Folder().Write("tokenizer.json", "{");
        Assert.Contains("tokenizer.json cannot be read", Refused(broken.Path), StringComparison.Ordinal);
        using var poor = Folder().Write("vocab.txt", "[PAD]\n[UNK]\ncat\n");
        Assert.Contains("[CLS]", Refused(poor.Path), StringComparison.Ordinal);
    }

    private static readonly IEqualityComparer<(float, float)> Near = EqualityComparer<(float, float)>.Create(static (one, other) => Math.Abs(one.Item1 - other.Item1) < 1e-5 && Math.Abs(one.Item2 - other.Item2) < 1e-5, static _ => 0);

    private static ModelFolder Folder(string place = "model.onnx") => new(OnnxBytes.Table(Rows, 2), place);

    private static async Task<float[]> VectorOfAsync(OnnxEmbedder embedder, string text) => (await embedder.GenerateAsync([text]))[0].Vector.ToArray();

    private static string Refused(string path) => Assert.Throws<ArgumentException>(() => new OnnxEmbedder(path)).Message;
}
