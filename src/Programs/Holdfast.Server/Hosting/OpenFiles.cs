using System.Globalization;

namespace Holdfast.Server.Hosting;

/// <summary>What Linux tells of this process's open files, connections among them.</summary>
internal static class OpenFiles
{
    private const string Open = "/proc/self/fd";
    private const string Limits = "/proc/self/limits";
    private const string Row = "Max open files";

    /// <summary>Whether the system tells.</summary>
    public static bool AreKnown => Directory.Exists(Open);

    /// <summary>How many are open, the one for counting left out.</summary>
    public static double Count() => Directory.EnumerateFileSystemEntries(Open).Count() - 1;

    /// <summary>How many may be open: the soft limit, the first number of its row. Infinite where there is none.</summary>
    public static double Most()
    {
        foreach (var row in File.ReadLines(Limits))
        {
            if (!row.StartsWith(Row, StringComparison.Ordinal)) continue;
            var soft = row[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            return double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var files) ? files : double.PositiveInfinity;
        }

        return double.PositiveInfinity;
    }
}
