using System.Runtime.CompilerServices;
using System.Text;

namespace Holdfast.Keyspace.Tests;

/// <summary>docs/keyspace.md lists every command, and says of each whether it is served and whether it has a case against Redis: the list is made from the command table and the case files, and nobody writes it.</summary>
public sealed class CommandPageTests
{
    private const string Begin = "<!-- commands: made by CommandPageTests -->\n";
    private const string End = "<!-- end of commands -->\n";

    [Fact]
    public void The_page_lists_the_commands_as_the_table_and_the_cases_have_them()
    {
        var page = File.ReadAllText(PagePath());
        var (from, to) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        Assert.True(from >= 0 && to > from, "docs/keyspace.md has lost the marks between which the list of commands stands");
        var expected = page[..(from + Begin.Length)] + List() + page[to..];
        if (expected == page) return;
        var made = Path.Combine(AppContext.BaseDirectory, "keyspace.md");
        File.WriteAllText(made, expected);
        Assert.Fail($"docs/keyspace.md is not what the command table and the cases say; the right page is {made}: copy it");
    }

    [Fact]
    public void Every_command_that_is_served_has_a_summary_of_ours() =>
        Assert.All(All(CommandTable.Build()).Where(spec => spec is { IsInternal: false, Subcommands: null } && spec.Handler != CommandSpec.Unbound), spec => Assert.True(spec.Summary.Length > 0, $"{spec.Name} has no summary"));

    private static string List()
    {
        var table = CommandTable.Build();
        var cases = CaseFile.Families.SelectMany(family => CaseFile.Fixed(family).Concat(CaseFile.Random(family, 2000, 1))).Concat(Scenario.Names.SelectMany(Scenario.CommandsOf))
            .Select(words => NameOf(table, words)).Append(SyncTests.Compared).ToHashSet(StringComparer.Ordinal);
        var written = Transcript.Names.SelectMany(Transcript.Of).Select(step => NameOf(table, Request.Split(step.Command))).ToHashSet(StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (var group in All(table).Where(spec => !spec.IsInternal).GroupBy(spec => spec.Group).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            var commands = group.Where(spec => spec.Subcommands is null || spec.Handler != CommandSpec.Unbound).ToArray();
            var served = commands.Count(spec => spec.Handler != CommandSpec.Unbound);
            text.Append($"\n**{group.Key}** ({served} of {commands.Length} served): ");
            text.AppendJoin(", ", commands.Select(spec => $"{spec.Name.Replace('|', ' ').ToUpperInvariant()}{Mark(spec, cases, written)}"));
            text.Append('\n');
        }

        return text.Append('\n').ToString();
    }

    private static string Mark(CommandSpec spec, HashSet<string> cases, HashSet<string> written) => spec.Handler == CommandSpec.Unbound ? " –" : cases.Contains(spec.Name) ? " ✓" : written.Contains(spec.Name) ? " ◇" : " ✗";

    private static string NameOf(CommandTable table, string[] words)
    {
        var spec = table.Find(Encoding.Latin1.GetBytes(words[0]));
        if (spec?.Subcommands is { } subcommands && words.Length > 1 && subcommands.TryGetValue(words[1].ToLowerInvariant(), out var sub)) return sub.Name;
        return spec?.Name ?? "";
    }

    private static IEnumerable<CommandSpec> All(CommandTable table) => table.All.Values.SelectMany(spec => spec.Subcommands is { } subcommands ? [spec, .. subcommands.Values] : (IEnumerable<CommandSpec>)[spec]);

    private static string PagePath([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "docs", "keyspace.md");
}
