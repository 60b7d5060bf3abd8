using System.Text;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Routing;

/// <summary>A query that is asked often.</summary>
/// <param name="Collection">Of which collection.</param>
/// <param name="Hash">The hash of its body: equal bodies have equal hashes on every node.</param>
/// <param name="Count">How often it was asked, at most.</param>
/// <param name="CountError">How much of that may be another's.</param>
/// <param name="Sample">How its body begins.</param>
internal readonly record struct HotQuery(string Collection, ulong Hash, long Count, long CountError, string Sample);

/// <summary>
/// Which queries are asked most, in bounded room (Metwally, Agrawal and El Abbadi, Space-Saving): whatever is asked more often than one in <see cref="Entries"/> is among them. One thread at a time.
/// </summary>
internal sealed class HotQueries
{
    /// <summary>How many are remembered.</summary>
    public const int Entries = 128;

    private const int SampleBytes = 160;

    private readonly Dictionary<(string Collection, ulong Hash), HotQuery> known = [];

    /// <summary>Notes a query.</summary>
    public void Note(string collection, ReadOnlySpan<byte> body)
    {
        var content = new ContentHash(0);
        content.Add(body);
        var key = (collection, content.Value);
        if (known.TryGetValue(key, out var seen))
        {
            known[key] = seen with { Count = seen.Count + 1 };
            return;
        }

        // A newcomer takes the place of the one asked least, and may have been asked as often without having been noticed.
        var inherited = 0L;
        if (known.Count == Entries)
        {
            var least = known.MinBy(each => each.Value.Count);
            known.Remove(least.Key);
            inherited = least.Value.Count;
        }

        known[key] = new HotQuery(collection, content.Value, inherited + 1, inherited, Encoding.UTF8.GetString(body[..Math.Min(body.Length, SampleBytes)]));
    }

    /// <summary>The most frequent first, those that are surely asked more than once.</summary>
    public IReadOnlyList<HotQuery> List(int most) =>
        [.. known.Values.Where(query => query.Count - query.CountError > 1).OrderByDescending(query => query.Count - query.CountError).ThenBy(query => query.Hash).Take(most)];
}
