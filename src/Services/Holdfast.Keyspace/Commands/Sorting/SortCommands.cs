using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>SORT and SORT_RO. BY and GET with patterns reach keys of other slots and are refused, as Redis does in cluster mode.</summary>
internal sealed class SortCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("sort", call => Sort(call, mayStore: true), "Returns the elements of a list, set or sorted set in order, or stores them").MoreKeys = FindStore;
        table.Bind("sort_ro", call => Sort(call, mayStore: false), "Returns the elements of a list, set or sorted set in order");
    }

    /// <summary>Options of SORT.</summary>
    private record struct Options(bool IsDescending, bool IsAlphabetic, bool IsUnsorted, long From, long Count, int StoreAt);

    /// <summary>An element, with its weight when it is sorted as a number.</summary>
    private readonly record struct Element(byte[] Text, double Weight);

    private static void Sort(CommandCall call, bool mayStore)
    {
        if (!TryOptions(call, mayStore, out var options)) return;
        var place = call.Locate(1);
        if (place.Exists && !SortSource.CanRead(place.Kind))
        {
            call.Reply.Error(CommandErrors.WrongType);
            return;
        }

        // What is stored, or comes out of a script, must be the same on every replica: a set has no order of its own.
        if (options.IsUnsorted && place.Kind == ValueKind.Set && (options.StoreAt > 0 || call.DeniesWaiting)) options = options with { IsUnsorted = false, IsAlphabetic = true };
        var texts = place.Exists ? SortSource.Read(call, place) : [];
        if (options is { IsUnsorted: true, IsDescending: true } && place.Kind != ValueKind.Set) texts.Reverse();
        if (!TryOrder(texts, options, out var elements))
        {
            call.Reply.Error("ERR One or more scores can't be converted into double"u8);
            return;
        }

        var from = (int)Math.Clamp(options.From, 0, elements.Count);
        var count = options.Count < 0 ? elements.Count - from : (int)Math.Min(options.Count, elements.Count - from);
        if (options.StoreAt > 0) Store(call, options.StoreAt, elements.GetRange(from, count));
        else
        {
            call.Reply.Array(count);
            for (var i = from; i < from + count; i++) call.Reply.Bulk(elements[i].Text);
        }
    }

    private static bool TryOrder(List<byte[]> texts, in Options options, out List<Element> elements)
    {
        elements = new List<Element>(texts.Count);
        foreach (var text in texts)
        {
            var weight = 0d;
            if (options is { IsUnsorted: false, IsAlphabetic: false } && !TryWeight(text, out weight)) return false;
            elements.Add(new Element(text, weight));
        }

        if (options.IsUnsorted) return true;
        var sign = options.IsDescending ? -1 : 1;
        var ordered = elements.ToArray();
        if (options is { IsAlphabetic: true, StoreAt: 0 }) Array.Sort(ordered, (one, other) => sign * UpToZero(one.Text).SequenceCompareTo(UpToZero(other.Text)));
        else if (options.IsAlphabetic) Array.Sort(ordered, (one, other) => sign * one.Text.AsSpan().SequenceCompareTo(other.Text));
        else Array.Sort(ordered, (one, other) => sign * (one.Weight.CompareTo(other.Weight) is not 0 and var order ? order : one.Text.AsSpan().SequenceCompareTo(other.Text)));
        elements = [.. ordered];
        return true;
    }

    /// <summary>What C's collation in its plain locale sees of a text.</summary>
    private static ReadOnlySpan<byte> UpToZero(byte[] text) => text.AsSpan().IndexOf((byte)0) is >= 0 and var end ? text.AsSpan(0, end) : text;

    /// <summary>As strtod reads it: blanks may stand before, and nothing is zero.</summary>
    private static bool TryWeight(ReadOnlySpan<byte> text, out double weight)
    {
        weight = 0;
        text = text.TrimStart(" \t\n\v\f\r"u8);
        return text.IsEmpty || (RespNumber.TryParse(text, out weight) && (!double.IsInfinity(weight) || (text[^1] | 0x20) is 'f' or 'y'));
    }

    private static void Store(CommandCall call, int argument, List<Element> elements)
    {
        var place = call.Locate(argument);
        if (elements.Count > 0)
        {
            var list = new QuickList(call.Keyspace.Arena, call.Keyspace);
            foreach (var element in elements) list.Push(element.Text, isFirst: false);
            ListEdit.Set(call, ref place, list, -1);
            call.Changed(place.Key, KeyEvents.List, "sortstore"u8, elements.Count);
        }
        else if (place.Exists)
        {
            call.Keyspace.Remove(ref place);
            call.Changed(place.Key, KeyEvents.Generic, "del"u8);
        }

        call.Reply.Integer(elements.Count);
    }

    private static bool TryOptions(CommandCall call, bool mayStore, out Options options)
    {
        options = new Options(false, false, false, 0, -1, 0);
        for (var at = 2; at < call.Count; at++)
        {
            var more = call.Count - at - 1;
            if (call.Is(at, "ASC"u8)) options.IsDescending = false;
            else if (call.Is(at, "DESC"u8)) options.IsDescending = true;
            else if (call.Is(at, "ALPHA"u8)) options.IsAlphabetic = true;
            else if (more >= 2 && call.Is(at, "LIMIT"u8))
            {
                if (!call.TryInteger(at + 1, out var from) || !call.TryInteger(at + 2, out var count)) return false;
                (options.From, options.Count) = (from, count);
                at += 2;
            }
            else if (mayStore && more >= 1 && call.Is(at, "STORE"u8))
            {
                options.StoreAt = ++at;
            }
            else if (more >= 1 && call.Is(at, "BY"u8))
            {
                if (call[++at].Contains((byte)'*')) return Refuse(call, "ERR BY option of SORT denied in Cluster mode."u8);
                options.IsUnsorted = true;
            }
            else if (more >= 1 && call.Is(at, "GET"u8))
            {
                return Refuse(call, "ERR GET option of SORT denied in Cluster mode."u8);
            }
            else
            {
                return Refuse(call, CommandErrors.Syntax);
            }
        }

        return true;
    }

    private static bool Refuse(CommandCall call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }

    /// <summary>The key behind STORE: the last one counts.</summary>
    private static void FindStore(RespArguments arguments, List<int> places)
    {
        var found = 0;
        for (var at = 2; at < arguments.Count; at++)
        {
            if (Is(arguments, at, "LIMIT"u8)) at += 2;
            else if (Is(arguments, at, "GET"u8) || Is(arguments, at, "BY"u8)) at++;
            else if (Is(arguments, at, "STORE"u8) && at + 1 < arguments.Count) found = ++at;
        }

        if (found > 0 && !places.Contains(found)) places.Add(found);
    }

    private static bool Is(RespArguments arguments, int at, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(arguments[at], word);
}
