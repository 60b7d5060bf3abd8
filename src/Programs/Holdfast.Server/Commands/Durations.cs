using System.CommandLine;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Commands;

/// <summary>Options that are spans of time, as Go writes them; a bare number is seconds.</summary>
internal static class Durations
{
    /// <summary>An option with a default.</summary>
    public static Option<string> Option(string name, string text, string description) => new(name) { Description = description, DefaultValueFactory = _ => text };

    /// <summary>What was said.</summary>
    /// <exception cref="ArgumentException">It is no span of time.</exception>
    public static TimeSpan Of(ParseResult parsed, Option<string> option) =>
        GoDuration.TryParse(parsed.GetValue(option)!, TimeSpan.FromSeconds(1), out var span)
            ? span
            : throw new ArgumentException($"{option.Name}: \"{parsed.GetValue(option)}\" is no span of time such as 10s or 1m30s");
}
