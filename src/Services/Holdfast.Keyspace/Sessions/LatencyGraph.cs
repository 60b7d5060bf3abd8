using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>Delays as a drawing of letters: a column for each, four rows high, and below it how long ago.</summary>
internal static class LatencyGraph
{
    private const int Columns = 80;
    private const int Rows = 4;
    private const string Levels = "_o#";

    public static string Draw(string name, LatencySeries series, long nowSeconds)
    {
        var samples = series.Samples.TakeLast(Columns).ToArray();
        var (low, high) = (samples.Min(each => each.Millis), samples.Max(each => each.Millis));
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{name} - high {high} ms, low {low} ms (all time high {series.Worst} ms)\n").Append('-', Columns).Append('\n');
        var steps = (Rows * Levels.Length) - 1;
        var heights = samples.Select(each => high == low ? 0 : (int)((each.Millis - low) * steps / (high - low))).ToArray();
        for (var row = Rows - 1; row >= 0; row--)
        {
            var line = new StringBuilder();
            foreach (var height in heights)
            {
                var level = height - (row * Levels.Length);
                line.Append(level < 0 ? ' ' : level >= Levels.Length ? '|' : Levels[level]);
            }

            var drawn = line.ToString().TrimEnd();
            if (drawn.Length > 0) text.Append(drawn).Append('\n');
        }

        text.Append('\n');
        var ages = samples.Select(each => Age(nowSeconds - each.Seconds)).ToArray();
        for (var row = 0; row < ages.Max(age => age.Length); row++) text.Append(string.Concat(ages.Select(age => row < age.Length ? age[row] : ' ')).TrimEnd()).Append('\n');
        return text.ToString();
    }

    private static string Age(long seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds}s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}m"),
        < 86_400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86_400}d"),
    };
}
