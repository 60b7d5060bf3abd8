using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>A model that reads question and passage together and says which passages answer best.</summary>
public interface IPassageRanking : IDisposable
{
    /// <summary>The model's name: another name is another model.</summary>
    string Name { get; }

    /// <summary>The passages that it scores highest, best first.</summary>
    /// <param name="question">The question.</param>
    /// <param name="found">Passages, as the search found them.</param>
    /// <param name="limit">How many are wanted at most.</param>
    /// <param name="cancel">Gives up.</param>
    Task<IReadOnlyList<FoundChunk>> OfAsync(string question, IReadOnlyList<FoundChunk> found, int limit, CancellationToken cancel);
}
