using System.Text.Json;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>Rows by the text, whole number or truth that they have: for keywords, integers, truths and, in one spelling for all of theirs, UUIDs.</summary>
internal sealed class ValueIndex(PayloadPath path, int rowsMax, bool areUuids = false) : PayloadIndex(path, rowsMax)
{
    private readonly Dictionary<string, List<int>> texts = new(StringComparer.Ordinal);
    private readonly Dictionary<long, List<int>> numbers = [];
    private readonly List<int> fractions = [];
    private readonly List<int> no = [];
    private readonly List<int> yes = [];

    public override PayloadIndex Alike(int rowsMax) => new ValueIndex(Path, rowsMax, areUuids);

    protected override void Add(int row, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String: Enter(texts, areUuids ? UuidText.Of(value.GetString()!) : value.GetString()!, row); break;
            case JsonValueKind.Number when value.TryGetInt64(out var number): Enter(numbers, number, row); break;
            case JsonValueKind.Number: fractions.Add(row); break;
            case JsonValueKind.True: yes.Add(row); break;
            case JsonValueKind.False: no.Add(row); break;
        }
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits)
    {
        if (predicate is MatchExcept { Excepted: var excepted })
        {
            foreach (var (text, rows) in texts)
                if (!excepted.Texts.Contains(text)) SetAll(rows, visible, bits);
            foreach (var (number, rows) in numbers)
                if (!excepted.Numbers.Contains(number)) SetAll(rows, visible, bits);
            SetAll(fractions, visible, bits);
            return;
        }

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

/// <summary>Rows that have a value at the key that is not null, and rows that have a null there.</summary>
internal sealed class PresenceIndex(PayloadPath path, int rowsMax) : PayloadIndex(path, rowsMax)
{
    private readonly List<int> something = [];
    private readonly List<int> nothing = [];

    public override PayloadIndex Alike(int rowsMax) => new PresenceIndex(Path, rowsMax);

    protected override void Add(int row, JsonElement value)
    {
        var rows = value.ValueKind == JsonValueKind.Null ? nothing : something;
        if (rows.Count == 0 || rows[^1] != row) rows.Add(row);
    }

    protected override void Collect(ValuePredicate predicate, int visible, ulong[] bits) => SetAll(predicate is HasNull ? nothing : something, visible, bits);
}

/// <summary>Rows by the words of their text.</summary>
internal sealed class WordIndex(PayloadPath path, int rowsMax, TextAnalyser analyser) : PayloadIndex(path, rowsMax)
{
    private readonly Dictionary<string, List<int>> words = new(StringComparer.Ordinal);

    public override PayloadIndex Alike(int rowsMax) => new WordIndex(Path, rowsMax, analyser);

    protected override void Add(int row, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return;
        foreach (var word in analyser.Words(value.GetString()!))
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
