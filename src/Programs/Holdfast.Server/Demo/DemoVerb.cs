namespace Holdfast.Server.Demo;

/// <summary>A word of the demo's shell.</summary>
/// <param name="Name">The first word of the line.</param>
/// <param name="Usage">The whole line.</param>
/// <param name="Meaning">What it does, for <c>help</c>.</param>
/// <param name="Run">Does it with the words after the first. False when they make no sense.</param>
internal sealed record DemoVerb(string Name, string Usage, string Meaning, Func<string[], CancellationToken, Task<bool>> Run)
{
    /// <summary>A slip of so many letters is still understood as a question for this verb.</summary>
    private const int SlipMax = 2;

    /// <summary>The verb that a mistyped word is nearest to; null when it resembles none.</summary>
    public static DemoVerb? Nearest(string word, IReadOnlyList<DemoVerb> verbs)
    {
        var nearest = verbs.MinBy(verb => Distance(word, verb.Name))!;
        return Distance(word, nearest.Name) <= SlipMax || nearest.Name.StartsWith(word, StringComparison.OrdinalIgnoreCase) ? nearest : null;
    }

    /// <summary>Levenshtein's distance: letters inserted, left out or changed.</summary>
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var changed = diagonal + (char.ToLowerInvariant(left[i - 1]) == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
