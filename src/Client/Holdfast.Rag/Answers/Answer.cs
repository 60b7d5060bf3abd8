using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>An answer.</summary>
/// <param name="Text">The answer, with [1], [2] … where it rests on a citation.</param>
/// <param name="Citations">What the numbers mean: the passages, in the order of their numbers.</param>
/// <param name="IsExtract">The words are the passages' own; no model wrote them.</param>
public sealed record Answer(string Text, IReadOnlyList<FoundChunk> Citations, bool IsExtract);
