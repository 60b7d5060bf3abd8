using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>How SORT orders: not at all, by text, or by number (equal numbers by text, so that every replica has the same).</summary>
internal readonly record struct SortOrder(bool IsUnsorted, bool IsAlphabetic, bool IsDescending, bool IsStored)
{
    /// <summary>Whether elements have a weight.</summary>
    public bool IsByNumber => !IsUnsorted && !IsAlphabetic;

    public int Compare(SortTexts texts, in SortElement one, in SortElement other)
    {
        var order = IsAlphabetic ? 0 : one.Weight.CompareTo(other.Weight);
        if (order == 0) order = IsAlphabetic && !IsStored ? UpToZero(texts[one]).SequenceCompareTo(UpToZero(texts[other])) : texts[one].SequenceCompareTo(texts[other]);
        return IsDescending ? -order : order;
    }

    /// <summary>As strtod reads it: blanks may stand before, and nothing is zero.</summary>
    public static bool TryWeight(ReadOnlySpan<byte> text, out double weight)
    {
        weight = 0;
        text = text.TrimStart(" \t\n\v\f\r"u8);
        return text.IsEmpty || (RespNumber.TryParse(text, out weight) && (!double.IsInfinity(weight) || (text[^1] | 0x20) is 'f' or 'y'));
    }

    /// <summary>What C's collation in its plain locale sees of a text.</summary>
    private static ReadOnlySpan<byte> UpToZero(ReadOnlySpan<byte> text) => text.IndexOf((byte)0) is >= 0 and var end ? text[..end] : text;
}
