using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Filters;

/// <summary>What is asked of the values at a key.</summary>
internal abstract record ValuePredicate
{
    /// <summary>Of all of them together; by default one that fits is enough.</summary>
    public virtual bool IsTrueOfAll(IReadOnlyList<JsonElement> values)
    {
        foreach (var value in values)
            if (IsTrueOf(value)) return true;
        return false;
    }

    /// <summary>Of one.</summary>
    public abstract bool IsTrueOf(JsonElement value);
}

/// <summary>The value is one of these: text, whole numbers, or a truth.</summary>
internal sealed record MatchAny(IReadOnlySet<string> Texts, IReadOnlySet<long> Numbers, bool? Truth) : ValuePredicate
{
    /// <summary>Whether texts are UUIDs, the same in each of their spellings; <see cref="Texts"/> are then as <see cref="UuidText"/> writes them.</summary>
    public bool AreUuids { get; private init; }

    /// <summary>The same question of UUIDs.</summary>
    public MatchAny OfUuids() => this with { Texts = Texts.Select(UuidText.Of).ToHashSet(StringComparer.Ordinal), AreUuids = true };

    public override bool IsTrueOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Texts.Contains(AreUuids ? UuidText.Of(value.GetString()!) : value.GetString()!),
        JsonValueKind.Number => value.TryGetInt64(out var number) && Numbers.Contains(number),
        JsonValueKind.True => Truth == true,
        JsonValueKind.False => Truth == false,
        _ => false,
    };
}

/// <summary>The one spelling by which UUIDs are compared.</summary>
internal static class UuidText
{
    /// <summary>In small letters with hyphens; what is no UUID stays as it is.</summary>
    public static string Of(string text) => PointId.TryParseUuid(text, out var uuid) ? uuid.ToString() : text;
}

/// <summary>The value is none of these, and of a kind that could be.</summary>
internal sealed record MatchExcept(MatchAny Excepted) : ValuePredicate
{
    public override bool IsTrueOf(JsonElement value) => !Excepted.IsTrueOf(value) && (value.ValueKind == JsonValueKind.String || value.ValueKind == JsonValueKind.Number);
}

/// <summary>The text contains all the words, or any of them, or the phrase, as an analyser makes words of it.</summary>
internal sealed record MatchText(TextMatch Kind, IReadOnlyList<string> Words, string Phrase) : ValuePredicate
{
    /// <summary>What makes words of text.</summary>
    public TextAnalyser Analyser { get; init; } = TextAnalyser.Plain;

    /// <summary>The same question under a full-text index: by its words.</summary>
    public MatchText By(TextAnalyser analyser) => this with { Kind = Kind == TextMatch.Substring ? TextMatch.AllWords : Kind, Analyser = analyser, Words = analyser.Asked(Phrase) };

    public override bool IsTrueOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) return false;
        var text = value.GetString()!;
        return Kind switch
        {
            TextMatch.Substring => text.Contains(Phrase, StringComparison.Ordinal),
            TextMatch.Phrase => HasRun(Analyser.Cut == TextCut.Prefix ? (Analyser with { Cut = TextCut.Word }).Words(text) : Analyser.Words(text)),
            TextMatch.AnyWord => Analyser.Words(text).Intersect(Words, StringComparer.Ordinal).Any(),
            _ => Words.Count > 0 && !Words.Except(Analyser.Words(text), StringComparer.Ordinal).Any(),
        };
    }

    private bool HasRun(List<string> text)
    {
        for (var at = 0; at + Words.Count <= text.Count && Words.Count > 0; at++)
        {
            var isHere = true;
            for (var word = 0; word < Words.Count && isHere; word++) isHere = text[at + word] == Words[word];
            if (isHere) return true;
        }

        return false;
    }
}

/// <summary>How text is compared.</summary>
internal enum TextMatch : byte
{
    /// <summary>As it stands: without a full-text index.</summary>
    Substring = 0,

    /// <summary>All words.</summary>
    AllWords = 1,

    /// <summary>One of the words.</summary>
    AnyWord = 2,

    /// <summary>The words behind one another.</summary>
    Phrase = 3,
}

/// <summary>A number between bounds; NaN for a bound that is not there.</summary>
internal sealed record NumberRange(double Above, double From, double Below, double To) : ValuePredicate
{
    public override bool IsTrueOf(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && Contains(number);

    /// <summary>The least and the largest number between the bounds; null where there is none.</summary>
    public (double Low, double High)? Bounds
    {
        get
        {
            if (double.IsPositiveInfinity(Above) || double.IsNegativeInfinity(Below)) return null;
            var low = Larger(double.IsNaN(Above) ? double.NegativeInfinity : double.BitIncrement(Above), From);
            var high = -Larger(double.IsNaN(Below) ? double.NegativeInfinity : -double.BitDecrement(Below), -To);
            return low <= high ? (low, high) : null;

            static double Larger(double one, double other) => one < other ? other : one;
        }
    }

    /// <summary>Whether a number lies between the bounds.</summary>
    public bool Contains(double number) => !(number <= Above) && !(number < From) && !(number >= Below) && !(number > To);
}

/// <summary>A moment between bounds, in microseconds since the Unix epoch; null for a bound that is not there.</summary>
internal sealed record MomentRange(long? Above, long? From, long? Below, long? To) : ValuePredicate
{
    public override bool IsTrueOf(JsonElement value) => value.ValueKind == JsonValueKind.String && Moments.TryParse(value.GetString()!, out var moment) && Contains(moment);

    /// <summary>The first and the last moment between the bounds; null where there is none.</summary>
    public (long Low, long High)? Bounds
    {
        get
        {
            if (Above == long.MaxValue || Below == long.MinValue) return null;
            var low = Math.Max(Above is { } above ? above + 1 : long.MinValue, From ?? long.MinValue);
            var high = Math.Min(Below is { } below ? below - 1 : long.MaxValue, To ?? long.MaxValue);
            return low <= high ? (low, high) : null;
        }
    }

    /// <summary>Whether a moment lies between the bounds.</summary>
    public bool Contains(long moment) => !(moment <= Above) && !(moment < From) && !(moment >= Below) && !(moment > To);
}

/// <summary>So many values, an absent key having none.</summary>
internal sealed record ValuesCount(NumberRange Range) : ValuePredicate
{
    public override bool IsTrueOfAll(IReadOnlyList<JsonElement> values) => Range.Contains(values.Count(value => value.ValueKind != JsonValueKind.Null));

    public override bool IsTrueOf(JsonElement value) => false;
}

/// <summary>There is a value that is not null: the opposite of an empty key.</summary>
internal sealed record HasSomething : ValuePredicate
{
    public override bool IsTrueOf(JsonElement value) => value.ValueKind != JsonValueKind.Null;
}

/// <summary>There is a null.</summary>
internal sealed record HasNull : ValuePredicate
{
    public override bool IsTrueOf(JsonElement value) => value.ValueKind == JsonValueKind.Null;
}

/// <summary>The key is absent, null or an empty array.</summary>
internal sealed record IsEmptyCondition(PayloadPath Path) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (value.ValueKind != JsonValueKind.Null) return false;
        return true;
    }
}

/// <summary>The key is there and null, or an array that contains null.</summary>
internal sealed record IsNullCondition(PayloadPath Path) : Condition
{
    public override bool IsTrueOf(in FilterSubject subject)
    {
        foreach (var value in Path.Values(subject.Root))
            if (value.ValueKind == JsonValueKind.Null) return true;
        return false;
    }
}

/// <summary>A place on Earth, in degrees.</summary>
internal readonly record struct GeoPoint(double Longitude, double Latitude)
{
    private const double EarthRadiusMetres = 6_371_008.8;

    /// <summary>A place as a payload writes it: an object with <c>lon</c> and <c>lat</c>.</summary>
    public static bool TryRead(JsonElement value, out GeoPoint point)
    {
        point = default;
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("lon", out var lon) || !value.TryGetProperty("lat", out var lat)) return false;
        if (lon.ValueKind != JsonValueKind.Number || lat.ValueKind != JsonValueKind.Number) return false;
        point = new GeoPoint(lon.GetDouble(), lat.GetDouble());
        return true;
    }

    /// <summary>Metres along the surface (haversine).</summary>
    public double MetresTo(GeoPoint other)
    {
        var (one, two) = (Latitude * Math.PI / 180, other.Latitude * Math.PI / 180);
        var (up, along) = (Math.Sin((two - one) / 2), Math.Sin((other.Longitude - Longitude) * Math.PI / 360));
        return 2 * EarthRadiusMetres * Math.Asin(Math.Min(1, Math.Sqrt((up * up) + (Math.Cos(one) * Math.Cos(two) * along * along))));
    }
}

/// <summary>An area on Earth.</summary>
internal interface IGeoPredicate
{
    /// <summary>Whether a place lies in it.</summary>
    bool Contains(GeoPoint point);
}

/// <summary>A place not further than a radius from a centre.</summary>
internal sealed record GeoRadius(GeoPoint Centre, double Metres) : ValuePredicate, IGeoPredicate
{
    public override bool IsTrueOf(JsonElement value) => GeoPoint.TryRead(value, out var point) && Contains(point);

    public bool Contains(GeoPoint point) => Centre.MetresTo(point) <= Metres;
}

/// <summary>A place inside a box, which may reach over the date line.</summary>
internal sealed record GeoBox(GeoPoint TopLeft, GeoPoint BottomRight) : ValuePredicate, IGeoPredicate
{
    public override bool IsTrueOf(JsonElement value) => GeoPoint.TryRead(value, out var point) && Contains(point);

    public bool Contains(GeoPoint point)
    {
        if (point.Latitude > TopLeft.Latitude || point.Latitude < BottomRight.Latitude) return false;
        return TopLeft.Longitude <= BottomRight.Longitude
            ? point.Longitude >= TopLeft.Longitude && point.Longitude <= BottomRight.Longitude
            : point.Longitude >= TopLeft.Longitude || point.Longitude <= BottomRight.Longitude;
    }
}

/// <summary>A place inside a ring and in none of the holes.</summary>
internal sealed record GeoPolygon(IReadOnlyList<GeoPoint> Exterior, IReadOnlyList<IReadOnlyList<GeoPoint>> Interiors) : ValuePredicate, IGeoPredicate
{
    public override bool IsTrueOf(JsonElement value) => GeoPoint.TryRead(value, out var point) && Contains(point);

    public bool Contains(GeoPoint point) => IsInside(Exterior, point) && !Interiors.Any(ring => IsInside(ring, point));

    private static bool IsInside(IReadOnlyList<GeoPoint> ring, GeoPoint point)
    {
        var isInside = false;
        for (int at = 0, before = ring.Count - 1; at < ring.Count; before = at++)
        {
            var (a, b) = (ring[at], ring[before]);
            if (a.Latitude > point.Latitude == b.Latitude > point.Latitude) continue;
            if (point.Longitude < ((b.Longitude - a.Longitude) * (point.Latitude - a.Latitude) / (b.Latitude - a.Latitude)) + a.Longitude) isInside = !isInside;
        }

        return isInside;
    }
}

/// <summary>Moments as text (RFC 3339, a date, or a date and time without a zone, which means UTC), in microseconds since the Unix epoch. Arithmetic only: the same on every machine.</summary>
internal static class Moments
{
    public static bool TryParse(string text, out long micros)
    {
        micros = 0;
        var s = text.AsSpan().Trim();
        if (s.Length < 10 || s[4] != '-' || s[7] != '-' || !Digits(s[..4], out var year) || !Digits(s[5..7], out var month) || !Digits(s[8..10], out var day)) return false;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DaysIn(year, month)) return false;
        var seconds = DaysSinceEpoch(year, month, day) * 86_400L;
        s = s[10..];
        long fraction = 0;
        if (s.Length > 0 && s[0] is 'T' or 't' or ' ')
        {
            s = s[1..];
            if (s.Length < 5 || s[2] != ':' || !Digits(s[..2], out var hour) || !Digits(s[3..5], out var minute) || hour > 23 || minute > 59) return false;
            seconds += (hour * 3600L) + (minute * 60L);
            s = s[5..];
            if (s.Length >= 3 && s[0] == ':')
            {
                if (!Digits(s[1..3], out var second) || second > 60) return false;
                seconds += second;
                s = s[3..];
            }

            if (s.Length > 1 && s[0] == '.')
            {
                var digits = 1;
                while (digits < s.Length && char.IsAsciiDigit(s[digits])) digits++;
                for (var at = 1; at <= 6; at++) fraction = (fraction * 10) + (at < digits ? s[at] - '0' : 0);
                s = s[digits..];
            }
        }

        if (!TryZone(s.Trim(), out var offset)) return false;
        micros = ((seconds - offset) * 1_000_000) + fraction;
        return true;
    }

    private static bool TryZone(ReadOnlySpan<char> s, out long seconds)
    {
        seconds = 0;
        if (s.Length == 0 || (s.Length == 1 && s[0] is 'Z' or 'z')) return true;
        if (s[0] is not ('+' or '-') || s.Length < 3 || !Digits(s[1..3], out var hours)) return false;
        var rest = s[3..];
        if (rest.Length > 0 && rest[0] == ':') rest = rest[1..];
        var minutes = 0;
        if (rest.Length > 0 && (rest.Length != 2 || !Digits(rest, out minutes))) return false;
        seconds = ((hours * 3600L) + (minutes * 60L)) * (s[0] == '-' ? -1 : 1);
        return true;
    }

    private static bool Digits(ReadOnlySpan<char> text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static int DaysIn(int year, int month) => month switch
    {
        2 => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    /// <summary>Counted in years that begin in March (Hinnant, "chrono-compatible low-level date algorithms").</summary>
    private static long DaysSinceEpoch(int year, int month, int day)
    {
        var y = month <= 2 ? year - 1 : year;
        var era = y / 400;
        var yearOfEra = y - (era * 400);
        var dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        return (era * 146_097L) + (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear - 719_468;
    }
}
