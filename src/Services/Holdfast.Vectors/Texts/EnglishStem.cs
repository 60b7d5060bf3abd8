namespace Holdfast.Vectors.Texts;

/// <summary>English words without their endings (Porter, "An algorithm for suffix stripping", in its second form): so that "connected" finds "connection".</summary>
internal static class EnglishStem
{
    private static readonly (string Ending, string Instead)[] Second =
    [
        ("ization", "ize"), ("ational", "ate"), ("fulness", "ful"), ("ousness", "ous"), ("iveness", "ive"), ("tional", "tion"), ("biliti", "ble"), ("lessli", "less"), ("entli", "ent"), ("ation", "ate"), ("alism", "al"),
        ("aliti", "al"), ("ousli", "ous"), ("iviti", "ive"), ("fulli", "ful"), ("enci", "ence"), ("anci", "ance"), ("abli", "able"), ("izer", "ize"), ("ator", "ate"), ("alli", "al"), ("bli", "ble"),
    ];

    private static readonly (string Ending, string Instead)[] Third = [("ational", "ate"), ("tional", "tion"), ("alize", "al"), ("icate", "ic"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    private static readonly string[] Beginnings = ["gener", "commun", "arsen"];

    private static readonly string[] Fourth = ["ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "al", "er", "ic"];

    /// <summary>The stem of a word in small letters; words of one or two letters, and of other scripts, are their own.</summary>
    public static string Of(string word)
    {
        if (word.Length <= 2 || word.Any(sign => sign is < 'a' or > 'z')) return word;
        word = Plural(word);
        word = PastAndPresent(word);
        if (word.Length > 2 && word[^1] == 'y' && !IsVowel(word, word.Length - 2)) word = word[..^1] + "i";
        var first = First(word);
        word = Replaced(word, Second, first);
        if (word.EndsWith("ogi", StringComparison.Ordinal) && word.Length - 3 >= first && word.Length > 3 && word[^4] == 'l') word = word[..^1];
        if (word.EndsWith("li", StringComparison.Ordinal) && word.Length - 2 >= first && word.Length > 2 && "cdeghkmnrt".Contains(word[^3], StringComparison.Ordinal)) word = word[..^2];
        word = Replaced(word, Third, first);
        var second = RegionAfter(word, First(word));
        if (word.EndsWith("ative", StringComparison.Ordinal) && word.Length - 5 >= second) word = word[..^5];
        word = WithoutFourth(word, second);
        return Last(word);
    }

    private static string Plural(string word)
    {
        if (word.EndsWith("sses", StringComparison.Ordinal)) return word[..^2];
        if (word.EndsWith("ied", StringComparison.Ordinal) || word.EndsWith("ies", StringComparison.Ordinal)) return word.Length > 4 ? word[..^2] : word[..^1];
        if (word[^1] != 's' || word.EndsWith("us", StringComparison.Ordinal) || word.EndsWith("ss", StringComparison.Ordinal)) return word;
        for (var at = 0; at < word.Length - 2; at++)
            if (IsVowel(word, at)) return word[..^1];
        return word;
    }

    private static string PastAndPresent(string word)
    {
        var first = First(word);
        foreach (var ending in new[] { "eedly", "eed" })
            if (word.EndsWith(ending, StringComparison.Ordinal)) return word.Length - ending.Length >= first ? word[..^ending.Length] + "ee" : word;
        foreach (var ending in new[] { "ingly", "edly", "ing", "ed" })
        {
            if (!word.EndsWith(ending, StringComparison.Ordinal)) continue;
            var stem = word[..^ending.Length];
            if (!Enumerable.Range(0, stem.Length).Any(at => IsVowel(stem, at))) return word;
            if (stem.EndsWith("at", StringComparison.Ordinal) || stem.EndsWith("bl", StringComparison.Ordinal) || stem.EndsWith("iz", StringComparison.Ordinal)) return stem + "e";
            if (stem.Length > 1 && stem[^1] == stem[^2] && "bdfgmnprt".Contains(stem[^1], StringComparison.Ordinal)) return stem[..^1];
            return First(stem) >= stem.Length && EndsShort(stem) ? stem + "e" : stem;
        }

        return word;
    }

    private static string Replaced(string word, (string Ending, string Instead)[] endings, int region)
    {
        foreach (var (ending, instead) in endings)
            if (word.EndsWith(ending, StringComparison.Ordinal)) return word.Length - ending.Length >= region ? word[..^ending.Length] + instead : word;
        return word;
    }

    private static string WithoutFourth(string word, int region)
    {
        foreach (var ending in Fourth)
            if (word.EndsWith(ending, StringComparison.Ordinal)) return word.Length - ending.Length >= region ? word[..^ending.Length] : word;
        return word.EndsWith("ion", StringComparison.Ordinal) && word.Length - 3 >= region && word.Length > 3 && word[^4] is 's' or 't' ? word[..^3] : word;
    }

    private static string Last(string word)
    {
        var first = First(word);
        var second = RegionAfter(word, first);
        if (word[^1] == 'e' && (word.Length - 1 >= second || (word.Length - 1 >= first && !EndsShort(word[..^1])))) return word[..^1];
        return word[^1] == 'l' && word.Length - 1 >= second && word.Length > 1 && word[^2] == 'l' ? word[..^1] : word;
    }

    /// <summary>The first region; of three beginnings that would be cut too short it is what follows them.</summary>
    private static int First(string word)
    {
        foreach (var beginning in Beginnings)
            if (word.StartsWith(beginning, StringComparison.Ordinal)) return beginning.Length;
        return RegionAfter(word, 0);
    }

    /// <summary>Where the part begins that follows the first consonant behind a vowel.</summary>
    private static int RegionAfter(string word, int from)
    {
        for (var at = from + 1; at < word.Length; at++)
            if (!IsVowel(word, at) && IsVowel(word, at - 1)) return at + 1;
        return word.Length;
    }

    private static bool EndsShort(string word)
    {
        if (word.Length == 2) return IsVowel(word, 0) && !IsVowel(word, 1);
        return word.Length > 2 && !IsVowel(word, word.Length - 3) && IsVowel(word, word.Length - 2) && !IsVowel(word, word.Length - 1) && word[^1] is not ('w' or 'x' or 'y');
    }

    /// <summary>A y is a vowel unless it begins the word or follows one.</summary>
    private static bool IsVowel(string word, int at) => word[at] is 'a' or 'e' or 'i' or 'o' or 'u' || (word[at] == 'y' && at > 0 && !IsVowel(word, at - 1));
}
