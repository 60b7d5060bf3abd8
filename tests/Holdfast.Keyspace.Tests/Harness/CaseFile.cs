using System.Globalization;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// A family's cases: <c>Cases/NAME.txt</c>, a command a line, executed in order on both sides; and <c>Cases/NAME.random.txt</c>, templates from which long sequences are drawn. Lines with # are comments. In templates:
/// {k} a key of a few, {v} a value, {i} a small number, {I} any number, edges too, {f} a float, {b} 0 or 1, {m} a member of a few, {a|b|} one of these words or nothing, and [n:…] repeats what stands in it one to n times.
/// </summary>
internal static partial class CaseFile
{
    private static readonly string[] Edges = ["0", "1", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "007", "1.5", "abc", "", " 1", "2147483647", "4294967296", "-0"];
    private static readonly string[] Floats = ["0", "1", "-1", "0.1", "1.5", "-2.25", "3.0e3", "1e-5", "10.5", "inf", "-inf", "nan", "abc", "1e400", "123456789.123456789", "-0.0", "5e-324", "1e17", "100000000000000000000"];

    public static IEnumerable<string> Families => Directory.GetFiles(Folder, "*.txt").Select(path => Path.GetFileName(path).Split('.')[0]).Distinct().Order(StringComparer.Ordinal);

    public static List<string[]> Fixed(string family) => [.. Lines($"{family}.txt").Select(Request.Split)];

    public static List<string[]> Random(string family, int count, ulong seed)
    {
        var templates = Lines($"{family}.random.txt").ToArray();
        if (templates.Length == 0) return [];
        var dice = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Draw(templates[dice.Next(templates.Length)], dice)).Where(words => words.Length > 0)];
    }

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "Cases");

    private static IEnumerable<string> Lines(string file)
    {
        var path = Path.Combine(Folder, file);
        return File.Exists(path) ? File.ReadLines(path, Encoding.Latin1).Where(line => line.Trim().Length > 0 && !line.StartsWith('#')) : [];
    }

    private static string[] Draw(string template, SeededRandom dice)
    {
        var words = new List<string>();
        var parts = Expand(template, dice).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var part in parts)
        {
            if (part.StartsWith('{') && part.EndsWith('}') && part.Contains('|', StringComparison.Ordinal))
            {
                var choices = part[1..^1].Split('|');
                var choice = choices[dice.Next(choices.Length)];
                // A choice may be several words, joined by commas: {EX,10|PX,5000|}.
                if (choice.Length > 0) words.AddRange(choice.Split(',').Select(word => Fill(word.Contains('<', StringComparison.Ordinal) ? word.Replace('<', '{').Replace('>', '}') : word, dice)));
            }
            else
            {
                words.Add(Fill(part, dice));
            }
        }

        return [.. words];
    }

    private static string Expand(string template, SeededRandom dice)
    {
        while (Repetition().Match(template) is { Success: true, Index: var open })
        {
            var close = template.IndexOf(']', open);
            var colon = template.IndexOf(':', open);
            var max = int.Parse(template.AsSpan(open + 1, colon - open - 1), CultureInfo.InvariantCulture);
            var body = template[(colon + 1)..close];
            template = template[..open] + string.Join(' ', Enumerable.Repeat(body, 1 + dice.Next(max))) + template[(close + 1)..];
        }

        return template;
    }

    /// <summary>A bracket before a number: before anything else it is one of a range of members.</summary>
    [System.Text.RegularExpressions.GeneratedRegex(@"\[\d+:")]
    private static partial System.Text.RegularExpressions.Regex Repetition();

    private static string Fill(string word, SeededRandom dice) => word switch
    {
        "{k}" => $"{{t}}:{dice.Next(6)}",
        "{v}" => Value(dice),
        "{m}" => dice.Next(4) == 0 ? $"{dice.Next(40)}" : $"m{dice.Next(30)}",
        "{i}" => $"{dice.Next(-12, 25)}",
        "{sk}" => $"{{t}}:s{dice.Next(5)}",
        "{hk}" => $"{{t}}:h{dice.Next(4)}",
        "{hb}" => $"{{t}}:hbig{dice.Next(2)}",
        "{hv}" => dice.Next(3) == 0 ? $"{dice.Next(-1000, 1000)}" : dice.Next(5) == 0 ? $"{dice.Next(-4000, 4000) / 8.0}" : $"v{dice.Next(100)}",
        "{zk}" => $"{{t}}:z{dice.Next(4)}",
        "{zb}" => $"{{t}}:zbig{dice.Next(2)}",
        "{lk}" => $"{{t}}:l{dice.Next(2)}",
        "{gk}" => $"{{t}}:g{dice.Next(3)}",
        "{lon}" => dice.Next(3) == 0 ? $"{dice.Next(-180, 181)}" : (dice.Next(-1_800_000, 1_800_000) / 1e4).ToString(CultureInfo.InvariantCulture),
        "{lat}" => dice.Next(3) == 0 ? $"{dice.Next(-85, 86)}" : (dice.Next(-850_000, 850_000) / 1e4).ToString(CultureInfo.InvariantCulture),
        "{km}" => (dice.Next(1, 40_000) * Math.Pow(2, -dice.Next(16))).ToString(CultureInfo.InvariantCulture),
        "{f-}" => (dice.NextDouble() * 100).ToString(CultureInfo.InvariantCulture),
        "{f+}" => $"f{dice.Next(400)}",
        "{n}" => $"{dice.Next(1, 12)}",
        "{I}" => dice.Next(3) == 0 ? Edges[dice.Next(Edges.Length)] : $"{dice.Next(-200, 200)}",
        "{f}" => dice.Next(3) == 0 ? Floats[dice.Next(Floats.Length)] : (dice.Next(-4000, 4000) / 8.0).ToString(CultureInfo.InvariantCulture),
        "{b}" => dice.Next(2) == 0 ? "0" : "1",
        _ => word,
    };

    private static string Value(SeededRandom dice) => dice.Next(8) switch
    {
        0 => "",
        1 => $"{dice.Next(-1000, 100_000)}",
        2 => new string((char)('a' + dice.Next(26)), dice.Next(1, 80)),
        3 => "\0\r\n\xff",
        4 => new string('x', dice.Next(40, 50)),
        5 => $"{dice.NextDouble()}",
        _ => $"v{dice.Next(100)}",
    };
}
