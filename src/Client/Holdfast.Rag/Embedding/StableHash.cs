namespace Holdfast.Rag.Embedding;

/// <summary>A hash of text that is the same on every machine and in every version: FNV-1a over UTF-16, with a finalizer that spreads it over all bits.</summary>
internal static class StableHash
{
    public static ulong Of(ReadOnlySpan<char> text, ulong seed = 0)
    {
        var hash = 14695981039346656037ul ^ seed;
        foreach (var letter in text)
        {
            hash = (hash ^ (byte)letter) * 1099511628211ul;
            hash = (hash ^ (byte)(letter >> 8)) * 1099511628211ul;
        }

        hash ^= hash >> 33;
        hash *= 0xFF51AFD7ED558CCDul;
        hash ^= hash >> 33;
        hash *= 0xC4CEB9FE1A85EC53ul;
        return hash ^ (hash >> 33);
    }
}
