using System.Text.Json;

namespace Holdfast.Vectors.Filters;

/// <summary>
/// A key of a payload: names with dots between them, <c>[]</c> for every element of an array and <c>[3]</c> for one of them, names in double quotes when they contain any of that. An array at the end counts as
/// its elements.
/// </summary>
internal sealed class PayloadPath
{
    private readonly List<Step> steps = [];

    private PayloadPath(string text) => Text = text;

    /// <summary>As the client wrote it.</summary>
    public string Text { get; }

    /// <summary>Parses; null when it is no path.</summary>
    public static PayloadPath? Parse(string text)
    {
        var path = new PayloadPath(text);
        var at = 0;
        while (at < text.Length)
        {
            if (path.steps.Count > 0 && text[at] == '.') at++;
            string name;
            if (at < text.Length && text[at] == '"')
            {
                var end = text.IndexOf('"', at + 1);
                if (end < 0) return null;
                name = text[(at + 1)..end];
                at = end + 1;
            }
            else
            {
                var end = text.AsSpan(at).IndexOfAny('.', '[');
                end = end < 0 ? text.Length : at + end;
                name = text[at..end];
                at = end;
            }

            if (name.Length == 0) return null;
            path.steps.Add(new Step(name, -1));
            while (at < text.Length && text[at] == '[')
            {
                var end = text.IndexOf(']', at);
                if (end < 0) return null;
                var number = text[(at + 1)..end];
                if (number.Length == 0) path.steps.Add(new Step(null, -1));
                else if (int.TryParse(number, System.Globalization.CultureInfo.InvariantCulture, out var index) && index >= 0) path.steps.Add(new Step(null, index));
                else return null;
                at = end + 1;
            }
        }

        return path.steps.Count == 0 ? null : path;
    }

    /// <summary>Names with dots between them, and nothing else: what keys of changes were before feature level 2.</summary>
    public static PayloadPath OfNames(string text)
    {
        var path = new PayloadPath(text);
        foreach (var name in text.Split('.')) path.steps.Add(new Step(name, -1));
        return path;
    }

    /// <summary>How many steps it has.</summary>
    public int Length => steps.Count;

    /// <summary>Whether a step is a property's name.</summary>
    public bool IsName(int step, string name) => steps[step].Name == name;

    /// <summary>The name that a step asks for; null for elements of an array.</summary>
    public string? NameAt(int step) => steps[step].Name;

    /// <summary>Whether a step is all elements of an array.</summary>
    public bool IsEveryElement(int step) => steps[step] is { Name: null, Index: < 0 };

    /// <summary>Whether a step is an element of an array.</summary>
    public bool IsElement(int step, int index) => steps[step].Name is null && (steps[step].Index < 0 || steps[step].Index == index);

    /// <summary>The values there; an array at the end is its elements.</summary>
    public List<JsonElement> Values(JsonElement root)
    {
        var found = new List<JsonElement>();
        Collect(root, 0, found, true);
        return found;
    }

    /// <summary>The values there, an array being one.</summary>
    public List<JsonElement> Whole(JsonElement root)
    {
        var found = new List<JsonElement>();
        Collect(root, 0, found, false);
        return found;
    }

    private void Collect(JsonElement element, int step, List<JsonElement> found, bool areArraysOpened)
    {
        if (step == steps.Count)
        {
            if (areArraysOpened && element.ValueKind == JsonValueKind.Array) found.AddRange(element.EnumerateArray());
            else found.Add(element);
            return;
        }

        var (name, index) = steps[step];
        if (name is not null)
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var inner)) Collect(inner, step + 1, found, areArraysOpened);
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            if (index < 0)
                foreach (var inner in element.EnumerateArray()) Collect(inner, step + 1, found, areArraysOpened);
            else if (index < element.GetArrayLength()) Collect(element[index], step + 1, found, areArraysOpened);
        }
    }

    private readonly record struct Step(string? Name, int Index);
}
