using System.CommandLine;
using System.Text;
using Holdfast.Server.Etcd;

namespace Holdfast.Server.Completion;

/// <summary>docs/commands.md: every verb with its arguments and options, from the same table as the command line. A test compares the page with this.</summary>
internal static class CommandReference
{
    private const string Title = """
        # Commands

        Every verb of `holdfast`, made by `holdfast reference` from the table that the command line itself is read with; a test compares. Options of a verb stand on the verbs below it too where it says so.
        Exit codes, addresses, users and certificates: [operations](operations.md). `holdfast etcd` takes etcd's own flags as well: [coordination](coordination.md).

        """;

    /// <summary>The page.</summary>
    public static string Of(RootCommand root)
    {
        var page = new StringBuilder(Title);
        foreach (var verb in root.Subcommands.Where(verb => !verb.Hidden)) Describe(page, verb, "holdfast");
        return page.ToString().ReplaceLineEndings("\n");
    }

    private static void Describe(StringBuilder page, Command command, string before)
    {
        var path = $"{before} {command.Name}";
        page.Append("\n## ").Append(path).Append("\n\n").Append(Line(command.Description)).Append("\n\n    ").Append(path);
        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden)) page.Append(' ').Append(Placeholder(argument));
        if (command.Subcommands.Any(child => !child.Hidden)) page.Append(" COMMAND");
        page.Append(command.Options.Any(option => !option.Hidden) ? " [options]\n" : "\n");
        foreach (var argument in command.Arguments.Where(argument => !argument.Hidden)) page.Append("\n* `").Append(argument.Name.ToUpperInvariant()).Append("` ").Append(Line(argument.Description));
        foreach (var option in command.Options.Where(option => !option.Hidden).OrderBy(option => option.Name, StringComparer.Ordinal)) Describe(page, option);
        if (command.Arguments.Count > 0 || command.Options.Any(option => !option.Hidden)) page.Append('\n');
        if (command.Name == EtcdFlags.Verb) DescribeEtcdFlags(page);
        foreach (var child in command.Subcommands.Where(child => !child.Hidden)) Describe(page, child, path);
    }

    /// <summary>etcd's flags, each with what becomes of it: the table that reads them.</summary>
    private static void DescribeEtcdFlags(StringBuilder page)
    {
        page.Append("\n| flag of etcd's | here | why |\n|---|---|---|\n");
        foreach (var flag in EtcdFlags.All.OrderBy(flag => flag.Fate).ThenBy(flag => flag.Name, StringComparer.Ordinal))
            page.Append("| `--").Append(flag.Name).Append("` | ").Append(flag.Fate switch { EtcdFlagFate.Used => "as there", EtcdFlagFate.Ignored => "without effect", _ => "refused" }).Append(" | ").Append(Line(flag.Why)).Append(" |\n");
    }

    private static void Describe(StringBuilder page, Option option)
    {
        page.Append("\n* `").Append(option.Name).Append('`');
        foreach (var alias in option.Aliases.Where(alias => alias.StartsWith('-') && alias != "-?").Order(StringComparer.Ordinal)) page.Append(", `").Append(alias).Append('`');
        page.Append(' ').Append(Line(option.Description));
        if (option.Required) page.Append(" Required.");
        if (option.Recursive) page.Append(" (Verbs below too.)");
    }

    private static string Placeholder(Argument argument)
    {
        var name = argument.Name.ToUpperInvariant() + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static string Line(string? text) => (text ?? "").ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);
}
