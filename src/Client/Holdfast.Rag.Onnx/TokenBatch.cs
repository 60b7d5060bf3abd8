using Holdfast.Rag.Embedding;

namespace Holdfast.Rag.Onnx;

/// <summary>A text, or two, as a model of the BERT family reads it.</summary>
/// <param name="Pieces">Piece numbers, the special ones included.</param>
/// <param name="SecondAt">Where the second text begins; the row's length where there is none.</param>
internal readonly record struct TokenRow(int[] Pieces, int SecondAt);

/// <summary>Texts into rows of pieces: <c>[CLS] text [SEP]</c>, or <c>[CLS] question [SEP] passage [SEP]</c>.</summary>
internal sealed class TokenRows
{
    private readonly WordPieces pieces;
    private readonly int tokensMax;
    private readonly int begin;
    private readonly int end;
    private readonly int unknown;

    /// <exception cref="ArgumentException">The vocabulary lacks a special piece.</exception>
    public TokenRows(TransformerFolder folder)
    {
        (pieces, tokensMax) = (new WordPieces(folder.Tokenizer), folder.TokensMax);
        int Special(params string[] names) => pieces.NumberOf(names) ?? throw new ArgumentException($"{folder.Name}: the vocabulary has no {names[0]}");
        (begin, end, unknown, Padding) = (Special("[CLS]", "<s>"), Special("[SEP]", "</s>"), Special("[UNK]", "<unk>"), Special("[PAD]", "<pad>"));
    }

    /// <summary>What fills rows that are shorter than others.</summary>
    public int Padding { get; }

    /// <summary>One text.</summary>
    public TokenRow Of(string text)
    {
        var body = pieces.Of(text, unknown);
        var row = (int[])[begin, .. body.Take(tokensMax - 2), end];
        return new TokenRow(row, row.Length);
    }

    /// <summary>Two texts; of a question that is longer than half of what the model reads the rest is cut off, and the passage has what is left.</summary>
    public TokenRow Of(string question, string passage)
    {
        var first = pieces.Of(question, unknown).Take((tokensMax - 3) / 2).ToArray();
        return new TokenRow([begin, .. first, end, .. pieces.Of(passage, unknown).Take(tokensMax - 3 - first.Length), end], first.Length + 2);
    }
}
