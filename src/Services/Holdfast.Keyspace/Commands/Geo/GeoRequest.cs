using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>A search for members near a point, as GEOSEARCH, GEORADIUS and their kin ask for it.</summary>
internal ref struct GeoRequest
{
    public GeoShape Shape;
    public bool WithDistance;
    public bool WithHash;
    public bool WithPoint;
    public bool StoresDistance;
    public bool TakesAny;
    public bool IsSorted;
    public bool IsDescending;
    public long Count;

    /// <summary>The argument of the key in which the result is stored; zero for none.</summary>
    public int StoreKey;

    private bool hasMember;
    private bool hasPoint;
    private bool hasRadius;
    private bool hasBox;

    /// <summary>Parses what stands behind GEORADIUS's and GEORADIUSBYMEMBER's point and radius; otherwise the error is the reply.</summary>
    public bool TryRadiusOptions(CommandCall call, int from, bool mayStore)
    {
        for (var at = from; at < call.Count; at++)
        {
            if (TryCommon(call, ref at, out var isFault)) continue;
            if (isFault) return false;
            var stores = mayStore && at + 1 < call.Count;
            if (stores && call.Is(at, "STORE"u8)) StoresDistance = false;
            else if (stores && call.Is(at, "STOREDIST"u8)) StoresDistance = true;
            else return Refuse(call);
            StoreKey = ++at;
        }

        return Holds(call, isSearch: false);
    }

    /// <summary>Parses what stands behind GEOSEARCH's key; otherwise the error is the reply.</summary>
    public bool TrySearchOptions(CommandCall call, int from, in KeyPlace source)
    {
        var isStored = StoreKey > 0;
        for (var at = from; at < call.Count; at++)
        {
            if (TryCommon(call, ref at, out var isFault)) continue;
            if (isFault) return false;
            var left = call.Count - at - 1;
            if (call.Is(at, "FROMMEMBER"u8) && left >= 1 && !hasPoint)
            {
                hasMember = true;
                if (source.Exists && !TryMember(call, source, at + 1)) return false;
                at++;
            }
            else if (call.Is(at, "FROMLONLAT"u8) && left >= 2 && !hasMember)
            {
                hasPoint = true;
                if (!GeoArguments.TryPoint(call, at + 1, out Shape.Longitude, out Shape.Latitude)) return false;
                at += 2;
            }
            else if (call.Is(at, "BYRADIUS"u8) && left >= 2 && !hasBox)
            {
                hasRadius = true;
                if (!GeoArguments.TryRadius(call, at + 1, out Shape.Radius, out Shape.Unit)) return false;
                at += 2;
            }
            else if (call.Is(at, "BYBOX"u8) && left >= 3 && !hasRadius)
            {
                Shape.IsBox = hasBox = true;
                if (!GeoArguments.TryBox(call, at + 1, out Shape.Width, out Shape.Height, out Shape.Unit)) return false;
                at += 3;
            }
            else if (isStored && call.Is(at, "STOREDIST"u8)) StoresDistance = true;
            else return Refuse(call);
        }

        return Holds(call, isSearch: true);
    }

    /// <summary>The point is that of a member; otherwise the error is the reply.</summary>
    public bool TryMember(CommandCall call, in KeyPlace source, int argument)
    {
        if (!SortedSetValue.TryScore(call.Keyspace, source, call[argument], out var score))
        {
            call.Reply.Error("ERR could not decode requested zset member"u8);
            return false;
        }

        (Shape.Longitude, Shape.Latitude) = GeoCell.OfScore(score).Middle();
        return true;
    }

    /// <summary>The options that all have; false for another word, and for a fault that was said.</summary>
    private bool TryCommon(CommandCall call, ref int at, out bool isFault)
    {
        isFault = false;
        if (call.Is(at, "WITHDIST"u8)) WithDistance = true;
        else if (call.Is(at, "WITHHASH"u8)) WithHash = true;
        else if (call.Is(at, "WITHCOORD"u8)) WithPoint = true;
        else if (call.Is(at, "ANY"u8)) TakesAny = true;
        else if (call.Is(at, "ASC"u8)) (IsSorted, IsDescending) = (true, false);
        else if (call.Is(at, "DESC"u8)) (IsSorted, IsDescending) = (true, true);
        else if (call.Is(at, "COUNT"u8) && at + 1 < call.Count)
        {
            isFault = true;
            if (!RespNumber.TryParse(call[++at], out Count)) call.Reply.Error(CommandErrors.NotAnInteger);
            else if (Count <= 0) call.Reply.Error("ERR COUNT must be > 0"u8);
            else isFault = false;
            return !isFault;
        }
        else return false;
        return true;
    }

    /// <summary>Whether the options go together; otherwise the error is the reply.</summary>
    private bool Holds(CommandCall call, bool isSearch)
    {
        var name = System.Text.Encoding.Latin1.GetString(call[0]);
        if (StoreKey > 0 && (WithDistance || WithHash || WithPoint))
            call.Reply.Error($"ERR {(isSearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS")} is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
        else if (isSearch && !hasMember && !hasPoint) call.Reply.Error($"ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}");
        else if (isSearch && !hasRadius && !hasBox) call.Reply.Error($"ERR exactly one of BYRADIUS and BYBOX can be specified for {name}");
        else if (TakesAny && Count == 0) call.Reply.Error("ERR the ANY argument requires COUNT argument"u8);
        else
        {
            // The nearest ones can be counted off only when they are in order.
            IsSorted |= Count > 0 && !TakesAny;
            return true;
        }

        return false;
    }

    private static bool Refuse(CommandCall call)
    {
        call.SyntaxError();
        return false;
    }
}
