using Holdfast.Rag.Embedding;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>Orders passages again: by how much of the question's words, weighed by rarity, each covers, with its first rank as a tie-break; and of two passages that are nearly the same only one is taken.</summary>
internal static class CoverageRanking
{
    private const double SameWords = 0.9;

    public static IReadOnlyList<FoundChunk> Of(string question, IReadOnlyList<FoundChunk> found, WordStatistics statistics, int limit)
    {
        var wanted = Words.Of(question).Distinct(StringComparer.Ordinal).ToDictionary(static word => word, statistics.WeightOf, StringComparer.Ordinal);
        var total = Math.Max(wanted.Values.Sum(), float.Epsilon);
        var taken = new List<(FoundChunk Chunk, HashSet<string> Words)>();
        foreach (var (chunk, words, _) in found
            .Select((chunk, rank) => (Chunk: chunk, Words: Words.Of(chunk.Heading + " " + chunk.Text).ToHashSet(StringComparer.Ordinal), Rank: rank))
            .OrderByDescending(each => (wanted.Where(word => each.Words.Contains(word.Key)).Sum(static word => word.Value) / total) + (1.0 / (2 + each.Rank))))
        {
            if (taken.Count == limit) break;
            if (!taken.Exists(other => Likeness(other.Words, words) > SameWords)) taken.Add((chunk, words));
        }

        return [.. taken.Select(static each => each.Chunk)];
    }

    private static double Likeness(HashSet<string> one, HashSet<string> other)
    {
        var shared = one.Count(other.Contains);
        return shared == 0 ? 0 : (double)shared / (one.Count + other.Count - shared);
    }
}
