using Holdfast.Rag.Embedding;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>Answers without a model: the sentences of the passages that say most of what was asked, as they stand, each with its citation.</summary>
internal static class ExtractedAnswer
{
    private const int SentencesMax = 4;
    private const int CharactersMax = 320;

    public static Answer Of(string question, IReadOnlyList<FoundChunk> passages, WordStatistics statistics)
    {
        var wanted = Words.Of(question).Distinct(StringComparer.Ordinal).ToDictionary(static word => word, statistics.WeightOf, StringComparer.Ordinal);
        var best = passages
            .SelectMany((passage, number) => Sentences(passage.Text).Select(sentence => (Sentence: sentence, Number: number + 1, Score: ScoreOf(sentence, wanted) / (1 + (0.1 * number)))))
            .Where(static each => each.Score > 0)
            .OrderByDescending(static each => each.Score)
            .DistinctBy(static each => each.Sentence)
            .Take(SentencesMax)
            .OrderBy(static each => each.Number)
            .ToList();
        if (best.Count == 0) best.Add((Shortened(passages[0].Text), 1, 0));
        return new Answer(string.Join('\n', best.Select(static each => $"{each.Sentence} [{each.Number}]")), passages, IsExtract: true);
    }

    private static double ScoreOf(string sentence, Dictionary<string, float> wanted) => Words.Of(sentence).Distinct(StringComparer.Ordinal).Sum(word => wanted.GetValueOrDefault(word));

    private static IEnumerable<string> Sentences(string text)
    {
        var begin = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var isEnd = text[i] == '\n' || i == text.Length - 1 || (text[i] is '.' or '!' or '?' && char.IsWhiteSpace(text[i + 1]));
            if (!isEnd) continue;
            if (text[begin..(i + 1)].Trim() is { Length: > 20 } sentence) yield return Shortened(sentence);
            begin = i + 1;
        }
    }

    private static string Shortened(string text) => text.Length <= CharactersMax ? text : text[..CharactersMax].TrimEnd() + " …";
}
