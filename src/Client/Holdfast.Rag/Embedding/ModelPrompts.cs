namespace Holdfast.Rag.Embedding;

/// <summary>Words that some models want before a text, since they were trained with them.</summary>
/// <param name="Question">Before a question.</param>
/// <param name="Chunk">Before a chunk.</param>
public sealed record ModelPrompts(string Question, string Chunk)
{
    /// <summary>Nothing before either.</summary>
    public static ModelPrompts None { get; } = new("", "");

    /// <summary>As <c>config_sentence_transformers.json</c> in a model's folder says; nothing where there is none.</summary>
    /// <exception cref="ArgumentException">It is damaged.</exception>
    public static ModelPrompts OfFolder(string folder) => JsonFile.ReadIfThere(Path.Combine(folder, "config_sentence_transformers.json"), None, static said =>
    {
        if (!said.TryGetProperty("prompts", out var prompts)) return None;
        string Of(params ReadOnlySpan<string> names)
        {
            foreach (var name in names)
                if (prompts.TryGetProperty(name, out var prompt)) return prompt.GetString() ?? "";
            return "";
        }

        return new ModelPrompts(Of("query"), Of("document", "passage"));
    });
}
