using System.Text.Json;

namespace Holdfast.Rag.Embedding;

/// <summary>What the files of a WordPiece tokenizer say.</summary>
/// <param name="Pieces">The vocabulary: a piece's number.</param>
/// <param name="Joint">What begins a piece that goes on within a word.</param>
/// <param name="LettersMax">Words of more letters are unknown.</param>
/// <param name="IsLowerCase">Letters are made small first.</param>
/// <param name="StripsAccents">Accents are taken off first.</param>
internal sealed record TokenizerFiles(IReadOnlyDictionary<string, int> Pieces, string Joint, int LettersMax, bool IsLowerCase, bool StripsAccents)
{
    private const string DefaultJoint = "##";
    private const int DefaultLettersMax = 100;

    /// <summary>Of a folder: <c>tokenizer.json</c>, or else <c>vocab.txt</c> with what <c>tokenizer_config.json</c> says of it.</summary>
    /// <exception cref="ArgumentException">There is neither, or it is of another kind, or damaged.</exception>
    public static TokenizerFiles OfFolder(string folder)
    {
        var (described, listed) = (Path.Combine(folder, "tokenizer.json"), Path.Combine(folder, "vocab.txt"));
        if (File.Exists(described)) return OfJson(described);
        return File.Exists(listed) ? OfList(listed, Path.Combine(folder, "tokenizer_config.json")) : throw new ArgumentException($"{folder} holds neither tokenizer.json nor vocab.txt: the model's vocabulary is to stand beside it");
    }

    private static TokenizerFiles OfJson(string path) => JsonFile.Read(path, file =>
    {
        var model = file.GetProperty("model");
        var kind = model.TryGetProperty("type", out var type) ? type.GetString() : "";
        if (kind != "WordPiece") throw new ArgumentException($"{path} describes a tokenizer of the kind {kind}; WordPiece is the one that is known here");
        var pieces = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var piece in model.GetProperty("vocab").EnumerateObject()) pieces[piece.Name] = piece.Value.GetInt32();
        var normalizer = file.TryGetProperty("normalizer", out var named) && named.ValueKind == JsonValueKind.Object ? named : default;
        var isLowerCase = JsonFile.Truth(normalizer, "lowercase") == true;
        return new TokenizerFiles(
            pieces,
            model.TryGetProperty("continuing_subword_prefix", out var prefix) ? prefix.GetString() ?? DefaultJoint : DefaultJoint,
            model.TryGetProperty("max_input_chars_per_word", out var most) ? most.GetInt32() : DefaultLettersMax,
            isLowerCase,
            JsonFile.Truth(normalizer, "strip_accents") ?? isLowerCase);
    });

    /// <summary>A piece a line, numbered from 0: BERT's own form.</summary>
    private static TokenizerFiles OfList(string path, string settings)
    {
        var pieces = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path)) pieces[line.TrimEnd()] = pieces.Count;
        if (!File.Exists(settings)) return new TokenizerFiles(pieces, DefaultJoint, DefaultLettersMax, IsLowerCase: true, StripsAccents: true);
        return JsonFile.Read(settings, said =>
        {
            var isLowerCase = JsonFile.Truth(said, "do_lower_case") ?? true;
            return new TokenizerFiles(pieces, DefaultJoint, DefaultLettersMax, isLowerCase, JsonFile.Truth(said, "strip_accents") ?? isLowerCase);
        });
    }
}
