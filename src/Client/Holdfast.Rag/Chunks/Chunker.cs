using Holdfast.Rag.Documents;

namespace Holdfast.Rag.Chunks;

/// <summary>
/// Cuts documents into chunks where their structure does: passages under the same headings are joined as long as they fit, a passage that is too long is cut between sentences, a short rest joins what
/// is before it. No text is lost and none stands twice.
/// </summary>
/// <param name="charactersMax">Most characters of a chunk; one sentence, or one word, that is longer is cut hard.</param>
public sealed class Chunker(int charactersMax = 1200)
{
    /// <summary>A chunk that is shorter takes the next passage in, even from below another heading of the same section.</summary>
    private readonly int charactersMin = charactersMax / 6;

    /// <summary>The document's chunks, in order.</summary>
    public IReadOnlyList<Chunk> Cut(SourceDocument document)
    {
        var chunks = new List<Chunk>();
        var parts = new List<Passage>();
        var length = 0;
        foreach (var passage in document.Passages)
        {
            foreach (var piece in Pieces(passage.Text))
            {
                var isSameSection = parts.Count == 0 || parts[^1].Headings.SequenceEqual(passage.Headings);
                var isTooShort = length < charactersMin && parts.Count > 0 && Shared(parts[^1].Headings, passage.Headings) > 0;
                if (parts.Count > 0 && (length + piece.Length + 1 > charactersMax || !(isSameSection || isTooShort))) End();
                parts.Add(passage with { Text = piece });
                length += piece.Length + 1;
            }
        }

        if (parts.Count > 0) End();
        return chunks;

        void End()
        {
            var shared = parts.Min(part => Shared(part.Headings, parts[0].Headings));
            var texts = parts.Select(part => part.Headings.Count > shared && parts.Exists(other => !other.Headings.SequenceEqual(part.Headings)) ? $"{part.Headings[^1]}: {part.Text}" : part.Text);
            chunks.Add(new Chunk(chunks.Count, string.Join(" > ", parts[0].Headings.Take(shared)), string.Join('\n', texts)));
            parts.Clear();
            length = 0;
        }
    }

    private static int Shared(IReadOnlyList<string> one, IReadOnlyList<string> other)
    {
        var shared = 0;
        while (shared < one.Count && shared < other.Count && one[shared] == other[shared]) shared++;
        return shared;
    }

    /// <summary>A passage in pieces that fit: between sentences, else between words, else anywhere.</summary>
    private IEnumerable<string> Pieces(string text)
    {
        var rest = text.AsMemory().Trim();
        while (rest.Length > charactersMax)
        {
            var at = CutAt(rest.Span[..charactersMax]);
            yield return rest[..at].TrimEnd().ToString();
            rest = rest[at..].TrimStart();
        }

        if (rest.Length > 0) yield return rest.ToString();
    }

    private static int CutAt(ReadOnlySpan<char> window)
    {
        for (var at = window.Length - 1; at > window.Length / 2; at--)
            if (window[at] == '\n' || (window[at] == ' ' && window[at - 1] is '.' or '!' or '?' or '。')) return at;
        var space = window.LastIndexOf(' ');
        if (space > 0) return space;
        return char.IsHighSurrogate(window[^1]) ? window.Length - 1 : window.Length;
    }
}
