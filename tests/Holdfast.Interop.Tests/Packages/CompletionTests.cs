using System.CommandLine;
using System.Diagnostics;
using Holdfast.Server.Commands;
using Holdfast.Server.Completion;

namespace Holdfast.Interop.Tests.Packages;

/// <summary>The completion scripts, and the page of commands: made from the table that the command line is read with.</summary>
public sealed class CompletionTests
{
    private static readonly CompletionTable Table = CompletionTable.Of(VerbTable.Create());

    [Theory]
    [InlineData("holdfast ", "server etcd demo kv lock elect service flag status doctor member cert recover config sim version completion")]
    [InlineData("holdfast fl", "flag")]
    [InlineData("holdfast flag ", "set rollout get ls history rollback")]
    [InlineData("holdfast flag set --ru", "--rule")]
    [InlineData("holdfast flag set checkout o", "on off")]
    [InlineData("holdfast completion ", "bash zsh fish")]
    [InlineData("holdfast member r", "remove")]
    [InlineData("holdfast nonsense flag l", "ls")]
    [InlineData("holdfast etcd --initial-cl", "--initial-cluster --initial-cluster-state")]
    public async Task Bash_offers_what_may_follow(string line, string expected)
    {
        var offered = await BashAsync(line);
        foreach (var word in expected.Split(' ')) Assert.Contains(word, offered);
        var typed = line[(line.LastIndexOf(' ') + 1)..];
        Assert.All(offered, word => Assert.StartsWith(typed, word, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Bash_offers_at_every_place_what_the_command_line_takes_there()
    {
        // One shell for all places, or this would take a minute.
        var script = string.Concat(Table.Places.Select(place => $"COMP_WORDS=(holdfast {place.Verbs.Replace('/', ' ')} ''); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _holdfast; echo \"${{COMPREPLY[@]}}\"\n"));
        var lines = (await RunAsync("bash", "-c", ShellScripts.Bash(Table) + script)).Split('\n');
        for (var at = 0; at < Table.Places.Count; at++) Assert.Equal(string.Join(' ', Table.Places[at].Words.Select(word => word.Word)), lines[at]);
        Assert.True(Table.Places.Count > 30, $"only {Table.Places.Count} places");
    }

    [Fact]
    public void Every_place_is_one_that_the_command_line_knows()
    {
        var root = VerbTable.Create();
        foreach (var place in Table.Places)
        {
            var parsed = root.Parse([.. place.Verbs.Split('/', StringSplitOptions.RemoveEmptyEntries)]);
            Assert.Equal(place.Verbs.Length == 0 ? root.Name : place.Verbs.Split('/')[^1], parsed.CommandResult.Command.Name);
        }
    }

    /// <summary>In zsh with its completion system: the script registers itself, and at every place hands on what may follow, with its meaning. What would draw it on a screen is stood in for.</summary>
    [Fact]
    public async Task Zsh_offers_at_every_place_what_the_command_line_takes_there()
    {
        const string Drawing = "_describe() { print -r -- \"${(pj:\t:)${(@P)4}}\" }\n";
        var asked = string.Concat(Table.Places.Select(place => $"words=(holdfast {place.Verbs.Replace('/', ' ')} ''); CURRENT=$#words; _holdfast\n"));
        var lines = (await RunAsync("zsh", "-f", "-c", $"autoload -Uz compinit && compinit -D -u\n{ShellScripts.Zsh(Table)}\n{Drawing}print -r -- $_comps[holdfast]\n{asked}")).Split('\n');
        Assert.Equal("_holdfast", lines[0]);
        for (var at = 0; at < Table.Places.Count; at++)
        {
            var offered = lines[at + 1].Split('\t', StringSplitOptions.RemoveEmptyEntries).Select(word => word.Split(':', 2)).ToArray();
            Assert.Equal(Table.Places[at].Words.Select(word => word.Word), offered.Select(word => word[0]));
            Assert.All(offered, word => Assert.NotEqual("", word[1]));
        }
    }

    /// <summary>In fish, as it completes a line; in an empty folder, for it offers files beside.</summary>
    [Fact]
    public async Task Fish_offers_at_every_place_what_the_command_line_takes_there()
    {
        var empty = Directory.CreateTempSubdirectory("holdfast-fish-").FullName;
        try
        {
            // Words that begin with a dash are offered to who has typed one.
            var asked = string.Concat(Table.Places.Select(place => Asked(place.Verbs, "") + Asked(place.Verbs, "-")));
            var said = await RunAsync("fish", "--no-config", "-c", $"{ShellScripts.Fish(Table)}\ncd '{empty}'\n{asked}");
            var offered = said.Split("=== ").Skip(1).Select(place => place.Split('\n')).ToLookup(lines => lines[0], lines => lines[1..].Where(line => line.Length > 0).Select(line => line.Split('\t')[0]));
            foreach (var place in Table.Places)
                Assert.Equal(place.Words.Select(word => word.Word).Order(StringComparer.Ordinal), offered[place.Verbs].SelectMany(words => words).Distinct().Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(empty);
        }

        static string Asked(string verbs, string typed) => $"echo '=== {verbs}'; complete -C 'holdfast {(verbs + " ").Replace('/', ' ').TrimStart()}{typed}'\n";
    }

    /// <summary>HOLDFAST_WRITE_DOCS=1 writes the page anew.</summary>
    [Fact]
    public async Task The_page_of_commands_is_what_the_program_says()
    {
        var (path, page) = (Operating.Checkout.PathOf("docs/commands.md"), CommandReference.Of(VerbTable.Create()));
        if (Environment.GetEnvironmentVariable("HOLDFAST_WRITE_DOCS") == "1") await File.WriteAllTextAsync(path, page);
        Assert.Equal(await File.ReadAllTextAsync(path), page);
    }

    private static async Task<string[]> BashAsync(string line)
    {
        var words = string.Join(' ', line.Split(' ').Select(word => $"'{word}'"));
        var said = await RunAsync("bash", "-c", $"{ShellScripts.Bash(Table)}COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _holdfast; printf '%s\\n' \"${{COMPREPLY[@]}}\"");
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task<string> RunAsync(string program, params string[] words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0 && (await fault).Length == 0, await fault);
        return said;
    }
}
