using System.Text.Json;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>Rows by the text, whole number or truth that they have: for keywords, integers, UUIDs and truths.</summary>
internal sealed class ValueIndex(PayloadPath path, int rowsMax) : PayloadIndex(path, rowsMax)
{
    private readonly Dictionary<string, List<int>> texts = new(StringComparer.Ordinal);
    private readonly Dictionary<long, List<int>> numbers = [];
    private readonly List<int> no = [];
    private readonly List<int> yes = [];

    protected override void Add(int row, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String: Enter(texts, value.GetString()!, row); break;
            case JsonValueKind.Number when value.TryGetInt64(out var number): Enter(numbers, number, row); break;
            case JsonValueKind.True: yes.Add(row); break;
            case JsonValueKind.False: no.Add(row); break;
        }
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is not MatchAny match) return;
        foreach (var text in match.Texts)
            if (texts.TryGetValue(text, out var rows)) SetAll(rows, visible, bits);
        foreach (var number in match.Numbers)
            if (numbers.TryGetValue(number, out var rows)) SetAll(rows, visible, bits);
        if (match.Truth is { } truth) SetAll(truth ? yes : no, visible, bits);
    }

    private static void Enter<TValue>(Dictionary<TValue, List<int>> table, TValue value, int row)
        where TValue : notnull
    {
        if (!table.TryGetValue(value, out var rows)) table[value] = rows = [];
        if (rows.Count == 0 || rows[^1] != row) rows.Add(row);
    }
}

/// <summary>Rows by the words of their text.</summary>
internal sealed class WordIndex(PayloadPath path, int rowsMax) : PayloadIndex(path, rowsMax)
{
    private readonly Dictionary<string, List<int>> words = new(StringComparer.Ordinal);

    protected override void Add(int row, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return;
        foreach (var word in TextWords.Of(value.GetString()!))
        {
            if (!words.TryGetValue(word, out var rows)) words[word] = rows = [];
            if (rows.Count == 0 || rows[^1] != row) rows.Add(row);
        }
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is not MatchText match) return;
        foreach (var word in match.Words)
            if (words.TryGetValue(word, out var rows)) SetAll(rows, visible, bits);
    }
}
