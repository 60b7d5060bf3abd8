namespace Holdfast.Keyspace;

/// <summary>A circle or a box around a point, in which members are looked for. Lengths are in the unit that was asked for.</summary>
internal struct GeoShape
{
    /// <summary>Metres.</summary>
    private const double EarthRadius = 6372797.560856;

    /// <summary>Half of the earth's girth as Mercator has it, in metres.</summary>
    private const double MercatorMax = 20037726.37;

    public double Longitude;
    public double Latitude;

    /// <summary>Of a circle.</summary>
    public double Radius;

    /// <summary>Of a box.</summary>
    public double Width;

    public double Height;
    public bool IsBox;

    /// <summary>Metres in the unit.</summary>
    public double Unit;

    /// <summary>Metres between two points, on a sphere.</summary>
    public static double Distance(double longitude1, double latitude1, double longitude2, double latitude2)
    {
        var across = Math.Sin((Radians(longitude2) - Radians(longitude1)) / 2);
        if (across == 0) return Distance(latitude1, latitude2);
        var (south, north) = (Radians(latitude1), Radians(latitude2));
        var along = Math.Sin((north - south) / 2);
        return 2.0 * EarthRadius * Math.Asin(Math.Sqrt((along * along) + (Math.Cos(south) * Math.Cos(north) * across * across)));
    }

    /// <summary>Whether a point is in it; then also how far it is from the middle, in metres.</summary>
    public readonly bool Contains(double longitude, double latitude, out double distance)
    {
        if (!IsBox)
        {
            distance = Distance(Longitude, Latitude, longitude, latitude);
            return distance <= Radius * Unit;
        }

        distance = 0;
        if (Distance(latitude, Latitude) > Height * Unit / 2 || Distance(longitude, latitude, Longitude, latitude) > Width * Unit / 2) return false;
        distance = Distance(Longitude, Latitude, longitude, latitude);
        return true;
    }

    /// <summary>The cells that cover it: the one in the middle, then those to the north, south, east, west, and in the corners. Some may be none, and at low steps some are the same.</summary>
    public readonly void Cover(Span<GeoCell> cells)
    {
        var bounds = Bounds();
        var reach = (IsBox ? Math.Sqrt((Width / 2 * (Width / 2)) + (Height / 2 * (Height / 2))) : Radius) * Unit;
        var step = StepFor(reach);
        var middle = GeoCell.Of(Longitude, Latitude, step);
        if (step > 1 && IsTooSmall(middle, bounds)) middle = GeoCell.Of(Longitude, Latitude, --step);
        var area = middle.Area();
        var (south, north, west, east) = (true, true, true, true);
        if (step >= 2)
        {
            south = area.South >= bounds.South;
            north = area.North <= bounds.North;
            west = area.West >= bounds.West;
            east = area.East <= bounds.East;
        }

        cells[0] = middle;
        cells[1] = north ? middle.Neighbour(0, 1) : default;
        cells[2] = south ? middle.Neighbour(0, -1) : default;
        cells[3] = east ? middle.Neighbour(1, 0) : default;
        cells[4] = west ? middle.Neighbour(-1, 0) : default;
        cells[5] = north && east ? middle.Neighbour(1, 1) : default;
        cells[6] = north && west ? middle.Neighbour(-1, 1) : default;
        cells[7] = south && east ? middle.Neighbour(1, -1) : default;
        cells[8] = south && west ? middle.Neighbour(-1, -1) : default;
    }

    /// <summary>How many cells <see cref="Cover"/> writes.</summary>
    public const int CellsMax = 9;

    private static double Radians(double degrees) => degrees * (Math.PI / 180);

    private static double Degrees(double radians) => radians / (Math.PI / 180);

    private static double Distance(double latitude1, double latitude2) => EarthRadius * Math.Abs(Radians(latitude2) - Radians(latitude1));

    /// <summary>Whether the neighbours of a cell do not reach as far as the shape does: near a cell's edge they may not.</summary>
    private static bool IsTooSmall(GeoCell middle, in GeoArea bounds) =>
        middle.Neighbour(0, 1).Area().North < bounds.North || middle.Neighbour(0, -1).Area().South > bounds.South
        || middle.Neighbour(1, 0).Area().East < bounds.East || middle.Neighbour(-1, 0).Area().West > bounds.West;

    /// <summary>The rectangle around it.</summary>
    private readonly GeoArea Bounds()
    {
        var height = Unit * (IsBox ? Height / 2 : Radius);
        var width = Unit * (IsBox ? Width / 2 : Radius);
        var up = Degrees(height / EarthRadius);
        var nearPole = Latitude < 0 ? Latitude - up : Latitude + up;
        var across = Degrees(width / EarthRadius / Math.Cos(Radians(nearPole)));
        return new GeoArea(Longitude - across, Latitude - up, Longitude + across, Latitude + up);
    }

    /// <summary>The step of cells that are about as large as the shape; larger ones towards the poles, where they are narrow.</summary>
    private readonly int StepFor(double reach)
    {
        if (reach == 0) return GeoCell.StepMax;
        var step = -1;
        for (; reach < MercatorMax; reach *= 2) step++;
        if (Math.Abs(Latitude) > 66) step--;
        if (Math.Abs(Latitude) > 80) step--;
        return Math.Clamp(step, 1, GeoCell.StepMax);
    }
}
