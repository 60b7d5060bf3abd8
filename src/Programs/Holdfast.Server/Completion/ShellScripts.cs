using System.Text;

namespace Holdfast.Server.Completion;

/// <summary>
/// The table as a script for each shell. Each follows the verbs that stand before the cursor, passing over what is none of them, and offers what may follow there; where
/// nothing fits, the shell's own completion of file names goes on.
/// </summary>
internal static class ShellScripts
{
    /// <summary>For bash 4 and later: <c>source &lt;(holdfast completion bash)</c>.</summary>
    public static string Bash(CompletionTable table)
    {
        var script = new StringBuilder("""
            # Completion of holdfast for bash; made by: holdfast completion bash
            _holdfast() {
                local at= words= word index
                for ((index = 1; index < COMP_CWORD; index++)); do
                    word=${COMP_WORDS[index]}
                    case "$at/$word" in

            """);
        script.Append("            ").Append(Alternatives(table)).Append(") at=$at/$word ;;\n        esac\n    done\n    case \"$at\" in\n");
        foreach (var place in table.Places) script.Append("        '").Append(place.Verbs).Append("') words='").AppendJoin(' ', place.Words.Select(word => word.Word)).Append("' ;;\n");
        return Unix(script.Append("""
                esac
                COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o default -F _holdfast holdfast

            """));
    }

    /// <summary>For zsh: a file _holdfast in a folder of fpath, or sourced after compinit.</summary>
    public static string Zsh(CompletionTable table)
    {
        var script = new StringBuilder("""
            #compdef holdfast
            # Completion of holdfast for zsh; made by: holdfast completion zsh
            _holdfast() {
                local at= word
                local -a offered
                for word in "${(@)words[2,CURRENT-1]}"; do
                    case "$at/$word" in

            """);
        script.Append("            ").Append(Alternatives(table)).Append(") at=$at/$word ;;\n        esac\n    done\n    case \"$at\" in\n");
        foreach (var place in table.Places)
            script.Append("        '").Append(place.Verbs).Append("') offered=(").AppendJoin(' ', place.Words.Select(word => $"'{word.Word}:{Quoted(word.Meaning).Replace(":", "\\:", StringComparison.Ordinal)}'")).Append(") ;;\n");
        return Unix(script.Append("""
                esac
                _describe -t words holdfast offered || _files
            }
            if [ "${funcstack[1]}" = _holdfast ]; then _holdfast "$@"; else compdef _holdfast holdfast; fi

            """));
    }

    /// <summary>For fish: <c>holdfast completion fish &gt; ~/.config/fish/completions/holdfast.fish</c>.</summary>
    public static string Fish(CompletionTable table)
    {
        var script = new StringBuilder("""
            # Completion of holdfast for fish; made by: holdfast completion fish
            function __holdfast_at
                set -l at ''
                for word in (commandline -opc)[2..-1]
                    switch "$at/$word"

            """);
        script.Append("            case ").AppendJoin(' ', table.Places.Where(place => place.Verbs.Length > 0).Select(place => $"'{place.Verbs}'")).Append("\n                set at \"$at/$word\"\n        end\n    end\n    test \"$at\" = \"$argv[1]\"\nend\n");
        foreach (var place in table.Places)
            foreach (var (word, meaning) in place.Words)
                script.Append("complete -c holdfast -n \"__holdfast_at '").Append(place.Verbs).Append("'\" -a '").Append(word).Append("' -d '").Append(Quoted(meaning)).Append("'\n");
        return Unix(script);
    }

    private static string Alternatives(CompletionTable table) => string.Join('|', table.Places.Where(place => place.Verbs.Length > 0).Select(place => place.Verbs));

    /// <summary>A meaning within single quotes of any of the shells: one line, without quotes of its own.</summary>
    private static string Quoted(string meaning) => meaning.Replace("'", "", StringComparison.Ordinal).Replace("\\", "/", StringComparison.Ordinal).ReplaceLineEndings(" ");

    private static string Unix(StringBuilder script) => script.ToString().ReplaceLineEndings("\n");
}
