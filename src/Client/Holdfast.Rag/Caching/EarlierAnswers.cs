using System.Globalization;
using System.Text;
using Holdfast.Rag.Answers;
using Holdfast.Rag.Embedding;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Caching;

/// <summary>
/// Answers to earlier questions that mean the same. Questions are points of a collection beside the documents' (<see cref="QuestionStore"/>), so the nearest one is found by the index that is there anyway; answers are in
/// the cache. An earlier answer counts only while the documents' collection stands where it stood when the answer was made, which a strong read tells: any write since makes it worthless, so nothing stale is ever served.
/// </summary>
internal sealed class EarlierAnswers(QuestionStore questions, IKnowledgeCache cache, string collection, TimeSpan timeToLive) : IDisposable
{
    /// <summary>Questions that are kept of one collection: a new one takes the place of one that falls on the same number.</summary>
    internal const uint PlacesMax = 4096;

    private readonly string space = "answers/" + collection;

    /// <summary>The answer to the nearest earlier question, with that question; null where there is none that counts.</summary>
    /// <param name="question">This question's vector.</param>
    /// <param name="recipe">How an answer is made now.</param>
    /// <param name="version">The documents' collection as it stands.</param>
    /// <param name="similarity">How alike the questions must be at least, by cosine.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<Answer?> FindAsync(ReadOnlyMemory<float> question, string recipe, string version, double similarity, CancellationToken cancel)
    {
        if (await NearestAsync(question, recipe, version, similarity, cancel) is not var (place, likeness)) return null;
        if (await cache.GetAsync(space, KeyOf(place), cancel) is not { } bytes || KeptAnswer.Decode(bytes) is not { } kept) return null;
        return kept.Recipe == recipe && kept.Version == version && PlaceOf(kept.Question, recipe) == place ? kept.Answer with { Earlier = new EarlierQuestion(kept.Question, likeness) } : null;
    }

    /// <summary>Keeps an answer. The answer first: a question without one is no use.</summary>
    public async Task KeepAsync(string question, ReadOnlyMemory<float> vector, string recipe, string version, Answer answer, CancellationToken cancel)
    {
        var place = PlaceOf(question, recipe);
        await cache.SetAsync(space, KeyOf(place), new KeptAnswer(question, recipe, version, answer).Encode(), timeToLive, cancel);
        try
        {
            await questions.PutAsync(place, vector, recipe, version, cancel);
        }
        catch (HttpRequestException)
        {
            // A key that may only read, a quota that is used up: the answer stands, it is only not found again.
        }
    }

    public void Dispose() => questions.Dispose();

    private async Task<(ulong Place, double Likeness)?> NearestAsync(ReadOnlyMemory<float> question, string recipe, string version, double similarity, CancellationToken cancel)
    {
        try
        {
            return await questions.NearestAsync(question, recipe, version, similarity, cancel);
        }
        catch (HttpRequestException)
        {
            // What cannot be looked up is not there: the question is answered anew, and says what is wrong if something is.
            return null;
        }
    }

    private static ulong PlaceOf(string question, string recipe) => StableHash.Of(recipe + "\n" + question) % PlacesMax;

    private static byte[] KeyOf(ulong place) => Encoding.ASCII.GetBytes(place.ToString(CultureInfo.InvariantCulture));
}
