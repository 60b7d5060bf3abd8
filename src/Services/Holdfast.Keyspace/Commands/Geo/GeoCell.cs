namespace Holdfast.Keyspace;

/// <summary>A rectangle of longitudes and latitudes, in degrees.</summary>
internal readonly record struct GeoArea(double West, double South, double East, double North);

/// <summary>
/// A cell of the earth's surface: two bits a step, latitude and longitude by turns. At 26 steps the 52 bits are the score of a member, as in Redis; a cell of fewer steps is a range of scores.
/// Latitudes end where Web Mercator does (EPSG:3857).
/// </summary>
/// <param name="Bits">The cell's number among those of its size.</param>
/// <param name="Step">How often the earth was quartered; zero for no cell.</param>
internal readonly record struct GeoCell(ulong Bits, int Step)
{
    public const int StepMax = 26;
    public const double LatitudeMax = 85.05112878;
    public const double LongitudeMax = 180;

    private const ulong LatitudeBits = 0x5555555555555555;
    private const ulong LongitudeBits = 0xAAAAAAAAAAAAAAAA;

    /// <summary>Whether it is one.</summary>
    public bool IsCell => Step > 0;

    /// <summary>The first score in it.</summary>
    public double ScoreMin => Bits << (52 - (Step * 2));

    /// <summary>The first score behind it.</summary>
    public double ScoreEnd => (Bits + 1) << (52 - (Step * 2));

    /// <summary>Whether a point can be in a cell.</summary>
    public static bool Takes(double longitude, double latitude) => longitude is >= -LongitudeMax and <= LongitudeMax && latitude is >= -LatitudeMax and <= LatitudeMax;

    /// <summary>The cell of a point.</summary>
    public static GeoCell Of(double longitude, double latitude, int step, double latitudeMax = LatitudeMax)
    {
        var row = (latitude + latitudeMax) / (latitudeMax - -latitudeMax);
        var column = (longitude + LongitudeMax) / (LongitudeMax - -LongitudeMax);
        return new GeoCell(Spread((uint)(row * (1UL << step))) | (Spread((uint)(column * (1UL << step))) << 1), step);
    }

    /// <summary>The cell of a member's score.</summary>
    public static GeoCell OfScore(double score) => new((ulong)score, StepMax);

    /// <summary>What it covers.</summary>
    public GeoArea Area()
    {
        var (row, column, cells) = (Gather(Bits), Gather(Bits >> 1), (double)(1UL << Step));
        const double Height = LatitudeMax - -LatitudeMax;
        const double Width = LongitudeMax - -LongitudeMax;
        return new GeoArea(
            -LongitudeMax + (column / cells * Width), -LatitudeMax + (row / cells * Height),
            -LongitudeMax + ((column + 1.0) / cells * Width), -LatitudeMax + ((row + 1.0) / cells * Height));
    }

    /// <summary>Its middle, which is taken for the point that it was made of.</summary>
    public (double Longitude, double Latitude) Middle()
    {
        var area = Area();
        return (Math.Clamp((area.West + area.East) / 2, -LongitudeMax, LongitudeMax), Math.Clamp((area.South + area.North) / 2, -LatitudeMax, LatitudeMax));
    }

    /// <summary>The cell so many columns to the east and rows to the north: -1, 0 or 1. It wraps around.</summary>
    public GeoCell Neighbour(int east, int north) => new(Moved(LongitudeBits, LatitudeBits, east) | Moved(LatitudeBits, LongitudeBits, north), Step);

    /// <summary>Adds to the number whose bits stand at these places: the places between are filled, so that carries pass over them.</summary>
    private ulong Moved(ulong own, ulong between, int change)
    {
        var unused = 64 - (Step * 2);
        var number = Bits & own;
        var filled = between >> unused;
        if (change > 0) number += filled + 1;
        else if (change < 0) number = (number | filled) - (filled + 1);
        return number & (own >> unused);
    }

    private static ulong Spread(uint number)
    {
        ulong bits = number;
        bits = (bits | (bits << 16)) & 0x0000FFFF0000FFFF;
        bits = (bits | (bits << 8)) & 0x00FF00FF00FF00FF;
        bits = (bits | (bits << 4)) & 0x0F0F0F0F0F0F0F0F;
        bits = (bits | (bits << 2)) & 0x3333333333333333;
        return (bits | (bits << 1)) & LatitudeBits;
    }

    private static uint Gather(ulong bits)
    {
        bits &= LatitudeBits;
        bits = (bits | (bits >> 1)) & 0x3333333333333333;
        bits = (bits | (bits >> 2)) & 0x0F0F0F0F0F0F0F0F;
        bits = (bits | (bits >> 4)) & 0x00FF00FF00FF00FF;
        bits = (bits | (bits >> 8)) & 0x0000FFFF0000FFFF;
        return (uint)(bits | (bits >> 16));
    }
}
