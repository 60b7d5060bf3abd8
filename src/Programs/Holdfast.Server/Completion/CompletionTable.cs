using System.CommandLine;
using System.CommandLine.Completions;
using Holdfast.Server.Etcd;

namespace Holdfast.Server.Completion;

/// <summary>A place on the command line: the verbs that lead there, and the words that may follow.</summary>
/// <param name="Verbs">The verbs after the program's name, joined by slashes, with one before the first; empty for the program alone.</param>
/// <param name="Words">What may follow, each with what it means.</param>
internal sealed record CompletionPlace(string Verbs, IReadOnlyList<(string Word, string Meaning)> Words);

/// <summary>Every place of the command line that has something to offer, the program itself first.</summary>
internal sealed class CompletionTable
{
    private CompletionTable(IReadOnlyList<CompletionPlace> places) => Places = places;

    /// <summary>The places, parents before their children.</summary>
    public IReadOnlyList<CompletionPlace> Places { get; }

    /// <summary>Reads the table off a command and all below it.</summary>
    public static CompletionTable Of(RootCommand root)
    {
        var places = new List<CompletionPlace>();
        Visit(root, "", [], places);
        return new CompletionTable(places);
    }

    /// <summary>An option that stands on every verb below the one that has it.</summary>
    private static void Visit(Command command, string verbs, IReadOnlyList<Option> inherited, List<CompletionPlace> places)
    {
        var words = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var child in command.Subcommands.Where(child => !child.Hidden)) words[child.Name] = child.Description ?? "";
        foreach (var option in command.Options.Concat(inherited).Where(option => !option.Hidden)) words[option.Name] = option.Description ?? "";
        foreach (var argument in command.Arguments)
            foreach (var offered in argument.GetCompletions(CompletionContext.Empty)) words[offered.Label] = argument.Description ?? "";
        // This verb reads its flags by a table of its own, as etcd's.
        if (command.Name == EtcdFlags.Verb)
            foreach (var flag in EtcdFlags.All.Where(flag => flag.Fate == EtcdFlagFate.Used)) words["--" + flag.Name] = "As etcd's.";
        places.Add(new CompletionPlace(verbs, [.. words.Select(word => (word.Key, word.Value))]));
        Option[] handedOn = [.. inherited, .. command.Options.Where(option => option.Recursive)];
        foreach (var child in command.Subcommands.Where(child => !child.Hidden)) Visit(child, $"{verbs}/{child.Name}", handedOn, places);
    }
}
