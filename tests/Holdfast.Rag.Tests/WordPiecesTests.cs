using System.Text;
using Holdfast.Rag.Embedding;
using Microsoft.ML.Tokenizers;

namespace Holdfast.Rag.Tests;

/// <summary>Texts into pieces, held against a tokenizer that is not ours.</summary>
public sealed class WordPiecesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-pieces-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>Texts without accents and line ends: without ICU, which tests do without too, the other one leaves accents on; it joins the words around a tab or a line's end, which to BERT are spaces, leaves out signs such as €, which BERT keeps, and cuts at marks without a width, which BERT leaves out.</summary>
    [Fact]
    public void Pieces_are_those_of_another_tokenizer()
    {
        string[] vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", .. "abcdefghijklmnopqrstuvwxyz0123456789".SelectMany(letter => (string[])[$"{letter}", $"##{letter}"]), "the", "lea", "##se", "##ses", "lock", "##ing", "un", "##lock", "##able", ".", ",", "!", "?", "-", "'", "$", "+", "中", "文", "€", "##€", "…", "“", "”"];
        File.WriteAllLines(Path.Combine(folder, "vocab.txt"), vocabulary);
        using var stream = File.OpenRead(Path.Combine(folder, "vocab.txt"));
        var witness = BertTokenizer.Create(stream);
        var pieces = new WordPieces(TokenizerFiles.OfFolder(folder));
        string[] fixedTexts = ["The leases, unlockable!", "locking un-lock lea se", "中文 lock中ing", "“the” … lock's", "ideo\u3000space", new string('a', 101), ""];
        var random = new Random(11);
        var made = Enumerable.Range(0, 2000).Select(_ => new StringBuilder().AppendJoin("", Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(12) switch { 0 => " ", 1 => ".", 2 => "中", 3 => "\u3000", 5 => "L", _ => $"{(char)random.Next('a', 'z' + 1)}" })).ToString());
        foreach (var text in fixedTexts.Concat(made)) Assert.True(witness.EncodeToIds(text, addSpecialTokens: false).SequenceEqual(pieces.Of(text, unknown: 1)), $"{text} is cut otherwise: {string.Join(' ', witness.EncodeToIds(text, addSpecialTokens: false))} and {string.Join(' ', pieces.Of(text, unknown: 1))}");
        Assert.Equal(pieces.Of("locking un-lock lea se", unknown: 1), pieces.Of("locking\tun-lock\r\nlea\nse", unknown: 1));
        Assert.Equal(pieces.Of("zerowidth ab qr", unknown: 1), pieces.Of("zero\u200Bwidth a\u0000b q\uFFFDr", unknown: 1));
        Assert.Equal(((string[])["5", "##€", "+", "$", "7"]).Select(piece => Array.IndexOf(vocabulary, piece)), pieces.Of("5€ + $7", unknown: 1));
    }

    /// <summary>Each letter and what Unicode's canonical decomposition leaves of it without its marks.</summary>
    [Theory]
    [InlineData("é", "e")]
    [InlineData("ế", "e")]
    [InlineData("ǘ", "u")]
    [InlineData("ø", "ø")]
    [InlineData("ß", "ß")]
    [InlineData("ά", "α")]
    [InlineData("й", "и")]
    [InlineData("e\u0301", "e")]
    [InlineData("한", "\u1112\u1161\u11AB")]
    [InlineData("가", "\u1100\u1161")]
    [InlineData("क़", "क")]
    [InlineData("が", "か")]
    public void Accents_are_taken_off(string letter, string bare)
    {
        var target = new StringBuilder();
        foreach (var rune in letter.EnumerateRunes()) Accents.AppendBare(target, rune);
        Assert.Equal(bare, target.ToString());
    }

    [Fact]
    public void A_list_of_pieces_is_lower_case_unless_its_settings_say_otherwise()
    {
        File.WriteAllText(Path.Combine(folder, "vocab.txt"), "[UNK]\nCafé\ncafe\n");
        Assert.Equal([2], new WordPieces(TokenizerFiles.OfFolder(folder)).Of("Café", unknown: 0));
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"do_lower_case":false}""");
        Assert.Equal([1], new WordPieces(TokenizerFiles.OfFolder(folder)).Of("Café", unknown: 0));
        Assert.Equal([0, 2], new WordPieces(TokenizerFiles.OfFolder(folder)).Of("CAFE cafe", unknown: 0));
    }
}
