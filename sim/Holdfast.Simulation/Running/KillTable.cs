using System.Globalization;
using System.Text;

namespace Holdfast.Simulation.Running;

/// <summary>How a planted bug was found.</summary>
/// <param name="Seeds">At which seed, counted from 1.</param>
/// <param name="Finding">What the check said.</param>
/// <param name="IsOfScenario">Not by the world's own seeds: by those of the scenario that is kept for it.</param>
internal readonly record struct Kill(int Seeds, string Finding, bool IsOfScenario = false)
{
    /// <summary>Where it was found, as a table has it.</summary>
    public string Place => IsOfScenario ? $"scenario, {Seeds}" : $"{Seeds}";
}

/// <summary>The table of planted bugs: how many seeds each took, and what found it. On a page it stands between two marks, so that a run puts what it saw where people read it.</summary>
internal static class KillTable
{
    /// <summary>The table of some bugs, in Markdown.</summary>
    public static string Of(IEnumerable<(string Name, Kill? Kill)> rows)
    {
        var table = new StringBuilder("| planted bug | seeds to kill | found as |\n|---|---|---|\n");
        foreach (var (name, kill) in rows)
            table.Append(CultureInfo.InvariantCulture, $"| {name} | {(kill is { } found ? $"{found.Place} | {found.Finding.Replace("|", "\\|", StringComparison.Ordinal)}" : "**not found** | ")} |\n");
        return table.ToString();
    }

    /// <summary>Puts a world's table in the place of the one before.</summary>
    /// <exception cref="FormatException">The page has no marks for this world.</exception>
    public static void Write(string page, string world, string table)
    {
        var text = File.ReadAllText(page);
        var begin = $"<!-- table of the {world} world -->\n";
        var from = text.IndexOf(begin, StringComparison.Ordinal);
        var end = from < 0 ? -1 : text.IndexOf("<!-- end -->", from, StringComparison.Ordinal);
        if (end < 0) throw new FormatException($"{page} has no place for the {world} world: \"{begin.TrimEnd()}\" and \"<!-- end -->\"");
        File.WriteAllText(page, text[..(from + begin.Length)] + "\n" + table + "\n" + text[end..]);
    }
}
