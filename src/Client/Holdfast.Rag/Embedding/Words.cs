namespace Holdfast.Rag.Embedding;

/// <summary>Text as words: runs of letters and digits in lower case, with the joints of identifiers (camelCase, snake_case) as ends of words, too.</summary>
internal static class Words
{
    /// <summary>Longer runs are no words; they are cut.</summary>
    private const int LettersMax = 48;

    /// <summary>The words, in order, repeated ones included.</summary>
    public static List<string> Of(string text)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            var isPart = i < text.Length && char.IsLetterOrDigit(text[i]);
            var isJoint = isPart && start >= 0 && char.IsUpper(text[i]) && char.IsLower(text[i - 1]);
            if (start >= 0 && (!isPart || isJoint || i - start >= LettersMax))
            {
                words.Add(text[start..i].ToLowerInvariant());
                start = -1;
            }

            if (isPart && start < 0) start = i;
        }

        return words;
    }
}
