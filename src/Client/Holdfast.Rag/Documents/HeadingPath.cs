namespace Holdfast.Rag.Documents;

/// <summary>The headings that what is read now stands under.</summary>
internal sealed class HeadingPath
{
    private readonly List<(int Level, string Text)> path = [];

    /// <summary>The headings, from the outermost.</summary>
    public IReadOnlyList<string> Now { get; private set; } = [];

    /// <summary>A heading begins: those of its level and below end.</summary>
    public void Enter(int level, string text)
    {
        path.RemoveAll(each => each.Level >= level);
        if (text.Length > 0) path.Add((level, text));
        Now = [.. path.Select(static each => each.Text)];
    }
}
