using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>Some slots, as ranges in order that neither meet nor overlap. Immutable. As text: "0-5460,9000".</summary>
internal sealed class SlotRanges
{
    /// <summary>Most ranges of one text: every second slot.</summary>
    private const int RangesMax = KeySlot.Count / 2;

    private SlotRanges(ImmutableArray<(int First, int Last)> ranges) => Ranges = ranges;

    public ImmutableArray<(int First, int Last)> Ranges { get; }

    public int Count => Ranges.Sum(range => range.Last - range.First + 1);

    public bool IsEmpty => Ranges.IsEmpty;

    /// <summary>The slots of a set, in ranges.</summary>
    public static SlotRanges Of(SlotSet slots)
    {
        var ranges = ImmutableArray.CreateBuilder<(int, int)>();
        for (var from = 0; slots.TryRange(from, out var first, out var last); from = last + 1) ranges.Add((first, last));
        return new SlotRanges(ranges.ToImmutable());
    }

    public static SlotRanges Of(IEnumerable<(int First, int Last)> ranges)
    {
        var slots = new SlotSet();
        foreach (var (first, last) in ranges) slots.Add(first, last);
        return Of(slots);
    }

    /// <summary>Reads the text; null for anything else, and for no slots at all.</summary>
    public static SlotRanges? Parse(string text)
    {
        var slots = new SlotSet();
        var parts = text.Split(',');
        if (parts.Length > RangesMax) return null;
        foreach (var part in parts)
        {
            if (!TryRange(part, out var first, out var last)) return null;
            slots.Add(first, last);
        }

        return Of(slots);
    }

    /// <summary>Reads "7" or "7-9".</summary>
    public static bool TryRange(string text, out int first, out int last)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        last = 0;
        var isGood = int.TryParse(dash < 0 ? text : text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out first);
        if (dash < 0) last = first;
        else isGood &= int.TryParse(text[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out last);
        return isGood && first <= last && last < KeySlot.Count;
    }

    public bool Contains(int slot)
    {
        var (low, high) = (0, Ranges.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (slot < Ranges[middle].First) high = middle - 1;
            else if (slot > Ranges[middle].Last) low = middle + 1;
            else return true;
        }

        return false;
    }

    public IEnumerable<int> Slots()
    {
        foreach (var (first, last) in Ranges)
            for (var slot = first; slot <= last; slot++) yield return slot;
    }

    /// <summary>Whether all of them are in a set.</summary>
    public bool AllIn(SlotSet slots) => Slots().All(slot => slots[slot]);

    /// <summary>Whether any of them is in a set.</summary>
    public bool AnyIn(SlotSet slots) => Slots().Any(slot => slots[slot]);

    public bool Overlaps(SlotRanges other) => Slots().Any(other.Contains);

    /// <summary>Adds them to a set, or takes them out of it.</summary>
    public void Put(SlotSet slots, bool isIn)
    {
        foreach (var slot in Slots()) slots[slot] = isIn;
    }

    public void Write(SpanWriter writer)
    {
        writer.WriteUInt16((ushort)Ranges.Length);
        foreach (var (first, last) in Ranges)
        {
            writer.WriteUInt16((ushort)first);
            writer.WriteUInt16((ushort)last);
        }
    }

    public static SlotRanges Read(ref SpanReader reader)
    {
        var ranges = ImmutableArray.CreateBuilder<(int, int)>();
        for (var left = (int)reader.ReadUInt16(); left > 0 && reader.IsWhole; left--) ranges.Add((reader.ReadUInt16(), Math.Min((int)reader.ReadUInt16(), KeySlot.Count - 1)));
        return new SlotRanges(ranges.ToImmutable());
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (first, last) in Ranges)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"{first}");
            if (last > first) text.Append(CultureInfo.InvariantCulture, $"-{last}");
        }

        return text.ToString();
    }
}
