using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>An answer.</summary>
/// <param name="Text">The answer, with [1], [2] … where it rests on a citation.</param>
/// <param name="Citations">What the numbers mean: the passages, in the order of their numbers.</param>
/// <param name="IsExtract">The words are the passages' own; no model wrote them.</param>
public sealed record Answer(string Text, IReadOnlyList<FoundChunk> Citations, bool IsExtract)
{
    /// <summary>The earlier question that this was the answer to; null where it was made for this one.</summary>
    public EarlierQuestion? Earlier { get; init; }
}

/// <summary>A question that was answered before.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Similarity">How alike it is to the one at hand, by cosine.</param>
public sealed record EarlierQuestion(string Question, double Similarity);
