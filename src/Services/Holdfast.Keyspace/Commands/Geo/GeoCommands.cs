using System.Globalization;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Places on the earth as members of sorted sets, whose scores are cells.</summary>
internal sealed class GeoCommands : ICommandFamily
{
    private const int HashLetters = 11;
    private const int HashBits = 52;

    public void Bind(CommandTable table)
    {
        table.Bind("geoadd", Add, "Adds members with their longitudes and latitudes to a sorted set");
        table.Bind("geopos", Positions, "Returns the longitudes and latitudes of members");
        table.Bind("geodist", Distance, "Returns the distance between two members");
        table.Bind("geohash", Hashes, "Returns the geohash strings of members");
    }

    private static void Add(CommandCall call)
    {
        var (absent, there, changes, at) = (false, false, false, 2);
        for (; at < call.Count; at++)
        {
            if (call.Is(at, "NX"u8)) absent = true;
            else if (call.Is(at, "XX"u8)) there = true;
            else if (call.Is(at, "CH"u8)) changes = true;
            else break;
        }

        if ((call.Count - at) % 3 != 0 || (absent && there) || at == call.Count)
        {
            call.SyntaxError();
            return;
        }

        for (var i = at; i < call.Count; i += 3)
            if (!GeoArguments.TryPoint(call, i, out _, out _)) return;
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var (added, updated) = (0, 0);
        if (place.Exists || !there)
        {
            var edit = new SortedSetEdit(call, place);
            for (var i = at; i < call.Count; i += 3)
            {
                GeoArguments.TryPoint(call, i, out var longitude, out var latitude);
                double score = GeoCell.Of(longitude, latitude, GeoCell.StepMax).Bits;
                var isThere = edit.TryScore(call[i + 2], out var before);
                if (isThere ? absent || before == score : there) continue;
                edit.Put(call[i + 2], score);
                if (isThere) updated++;
                else added++;
            }

            edit.Save();
        }

        if (added + updated > 0) call.Changed(call[1], KeyEvents.SortedSet, "zadd"u8, added + updated);
        call.Reply.Integer(changes ? added + updated : added);
    }

    private static void Positions(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++)
        {
            if (SortedSetValue.TryScore(call.Keyspace, place, call[i], out var score)) GeoReplies.Point(call.Reply, GeoCell.OfScore(score).Middle());
            else call.Reply.NullArray();
        }
    }

    private static void Distance(CommandCall call)
    {
        var unit = 1.0;
        if (call.Count == 5)
        {
            if (!GeoArguments.TryUnit(call, 4, out unit)) return;
        }
        else if (call.Count > 5)
        {
            call.SyntaxError();
            return;
        }

        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        if (!SortedSetValue.TryScore(call.Keyspace, place, call[2], out var one) || !SortedSetValue.TryScore(call.Keyspace, place, call[3], out var other))
        {
            call.Reply.Null();
            return;
        }

        var (from, to) = (GeoCell.OfScore(one).Middle(), GeoCell.OfScore(other).Middle());
        GeoReplies.Distance(call.Reply, GeoShape.Distance(from.Longitude, from.Latitude, to.Longitude, to.Latitude) / unit);
    }

    /// <summary>The strings of geohash.org: cells of a world whose latitudes go to the poles. They have 55 bits and scores 52, so the last letter is always the same.</summary>
    private static void Hashes(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        call.Reply.Array(call.Count - 2);
        Span<byte> text = stackalloc byte[HashLetters];
        for (var i = 2; i < call.Count; i++)
        {
            if (!SortedSetValue.TryScore(call.Keyspace, place, call[i], out var score))
            {
                call.Reply.Null();
                continue;
            }

            var (longitude, latitude) = GeoCell.OfScore(score).Middle();
            var bits = GeoCell.Of(longitude, latitude, GeoCell.StepMax, latitudeMax: 90).Bits;
            for (var letter = 0; letter < HashLetters; letter++)
                text[letter] = "0123456789bcdefghjkmnpqrstuvwxyz"u8[letter == HashLetters - 1 ? 0 : (int)(bits >> (HashBits - ((letter + 1) * 5))) & 31];
            call.Reply.Bulk(text);
        }
    }
}

/// <summary>Points, lengths and units as arguments; otherwise the error is the reply.</summary>
internal static class GeoArguments
{
    public static bool TryPoint(CommandCall call, int argument, out double longitude, out double latitude)
    {
        latitude = 0;
        if (!Score.TryParse(call[argument], out longitude) || !Score.TryParse(call[argument + 1], out latitude))
        {
            call.Reply.Error(CommandErrors.NotAFloat);
            return false;
        }

        if (GeoCell.Takes(longitude, latitude)) return true;
        call.Reply.Error(string.Create(CultureInfo.InvariantCulture, $"ERR invalid longitude,latitude pair {Fixed(longitude)},{Fixed(latitude)}"));
        return false;
    }

    public static bool TryUnit(CommandCall call, int argument, out double metres)
    {
        metres = call.Is(argument, "m"u8) ? 1 : call.Is(argument, "km"u8) ? 1000 : call.Is(argument, "ft"u8) ? 0.3048 : call.Is(argument, "mi"u8) ? 1609.34 : 0;
        if (metres > 0) return true;
        call.Reply.Error("ERR unsupported unit provided. please use M, KM, FT, MI"u8);
        return false;
    }

    /// <summary>A length that is not negative, and its unit.</summary>
    public static bool TryRadius(CommandCall call, int argument, out double radius, out double metres)
    {
        metres = 0;
        if (!Score.TryParse(call[argument], out radius)) call.Reply.Error("ERR need numeric radius"u8);
        else if (radius < 0) call.Reply.Error("ERR radius cannot be negative"u8);
        else return TryUnit(call, argument + 1, out metres);
        return false;
    }

    public static bool TryBox(CommandCall call, int argument, out double width, out double height, out double metres)
    {
        (height, metres) = (0, 0);
        if (!Score.TryParse(call[argument], out width)) call.Reply.Error("ERR need numeric width"u8);
        else if (!Score.TryParse(call[argument + 1], out height)) call.Reply.Error("ERR need numeric height"u8);
        else if (width < 0 || height < 0) call.Reply.Error("ERR height or width cannot be negative"u8);
        else return TryUnit(call, argument + 2, out metres);
        return false;
    }

    private static string Fixed(double number) => double.IsInfinity(number) ? number > 0 ? "inf" : "-inf" : number.ToString("F6", CultureInfo.InvariantCulture);
}

/// <summary>Points and distances as replies.</summary>
internal static class GeoReplies
{
    /// <summary>A distance has four decimals.</summary>
    public static void Distance(RespWriter reply, double distance)
    {
        Span<byte> text = stackalloc byte[64];
        distance.TryFormat(text, out var length, "F4", CultureInfo.InvariantCulture);
        reply.Bulk(text[..length]);
    }

    public static void Point(RespWriter reply, (double Longitude, double Latitude) point)
    {
        reply.Array(2);
        Coordinate(reply, point.Longitude);
        Coordinate(reply, point.Latitude);
    }

    /// <summary>A coordinate has up to 17 decimals.</summary>
    private static void Coordinate(RespWriter reply, double number)
    {
        Span<byte> text = stackalloc byte[64];
        number.TryFormat(text, out var length, "F17", CultureInfo.InvariantCulture);
        while (text[length - 1] == '0') length--;
        if (text[length - 1] == '.') length--;
        if (reply.Protocol < 3)
        {
            reply.Bulk(text[..length]);
            return;
        }

        reply.Raw(","u8);
        reply.Raw(text[..length]);
        reply.Raw("\r\n"u8);
    }
}
