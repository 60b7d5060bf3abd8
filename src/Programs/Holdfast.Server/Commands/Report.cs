using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Server.Client;
using Spectre.Console;

namespace Holdfast.Server.Commands;

/// <summary>What <c>-o json</c> prints, by generated code.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<NodeRow>))]
[JsonSerializable(typeof(IReadOnlyList<MemberRow>))]
[JsonSerializable(typeof(IReadOnlyList<Finding>))]
[JsonSerializable(typeof(IReadOnlyList<BackupRow>))]
[JsonSerializable(typeof(IReadOnlyList<BackupListRow>))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>For people as much as for programs: quotes stay quotes.</summary>
    public static readonly ReportJson Readable = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true });
}

/// <summary>How a verb prints rows: a table on a terminal, tab-separated lines into a pipe, or JSON. Tables have no colour, so NO_COLOR has nothing to take away.</summary>
internal sealed class Report
{
    private readonly Option<string> format = new("--output", "-o") { Description = "table or json. Into a pipe a table is tab-separated lines without a header.", DefaultValueFactory = _ => "table" };

    /// <summary>Adds the option.</summary>
    public static Report AddTo(Command command)
    {
        var report = new Report();
        report.format.AcceptOnlyFromAmong("table", "json");
        command.Options.Add(report.format);
        return report;
    }

    /// <summary>Prints.</summary>
    public void Print<T>(ParseResult parsed, IReadOnlyList<T> rows, JsonTypeInfo<IReadOnlyList<T>> type, string[] columns, Func<T, string[]> cells)
    {
        if (parsed.GetValue(format) == "json")
        {
            Console.WriteLine(JsonSerializer.Serialize(rows, type));
        }
        else if (Console.IsOutputRedirected)
        {
            foreach (var row in rows) Console.WriteLine(string.Join('\t', cells(row)));
        }
        else
        {
            var table = new Table().AddColumns(columns);
            foreach (var row in rows) table.AddRow(cells(row).Select(Markup.Escape).ToArray());
            AnsiConsole.Write(table);
        }
    }
}
