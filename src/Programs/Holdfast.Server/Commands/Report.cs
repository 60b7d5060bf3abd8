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
[JsonSerializable(typeof(IReadOnlyList<KeyRow>))]
[JsonSerializable(typeof(IReadOnlyList<SettingRow>))]
[JsonSerializable(typeof(IReadOnlyList<VersionRow>))]
[JsonSerializable(typeof(IReadOnlyList<FlagRow>))]
[JsonSerializable(typeof(IReadOnlyList<ServiceRow>))]
[JsonSerializable(typeof(IReadOnlyList<InstanceRow>))]
[JsonSerializable(typeof(IReadOnlyList<SlotRow>))]
[JsonSerializable(typeof(IReadOnlyList<KeyspaceNodeRow>))]
[JsonSerializable(typeof(IReadOnlyList<MoveRow>))]
[JsonSerializable(typeof(IReadOnlyList<KeyspaceBenchRow>))]
[JsonSerializable(typeof(KeyspaceTransferRow))]
[JsonSerializable(typeof(IReadOnlyList<ShardRow>))]
[JsonSerializable(typeof(IReadOnlyList<TransferRow>))]
[JsonSerializable(typeof(IReadOnlyList<PassageRow>))]
[JsonSerializable(typeof(AnswerRow))]
[JsonSerializable(typeof(ChangeRow))]
[JsonSerializable(typeof(FailureRow))]
[JsonSerializable(typeof(ProgramRow))]
[JsonSerializable(typeof(RecoveryRow))]
[JsonSerializable(typeof(RestoredRow))]
[JsonSerializable(typeof(CertificateRow))]
[JsonSerializable(typeof(IReadOnlyList<TopRow>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(Dictionary<string, long>))]
[JsonSerializable(typeof(Dictionary<string, bool>))]
internal sealed partial class ReportJson : JsonSerializerContext
{
    /// <summary>For people as much as for programs: quotes stay quotes.</summary>
    public static readonly ReportJson Readable = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true });

    /// <summary>One object a line, for what goes on and for complaints.</summary>
    public static readonly ReportJson Lines = new(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower });
}

/// <summary>
/// How a verb prints: a table on a terminal, tab-separated lines into a pipe, or JSON; what goes on (a watch) is a JSON object a line. Nothing has colour where NO_COLOR is set or standard output is no
/// terminal; what a pipe gets never has.
/// </summary>
internal sealed class Report
{
    private static readonly Option<string> Format = Described();

    private Report()
    {
    }

    /// <summary>Adds the option to a command and all below it.</summary>
    public static Report AddTo(Command command)
    {
        if (!command.Options.Contains(Format)) command.Options.Add(Format);
        return new Report();
    }

    /// <summary>Whether JSON was asked for.</summary>
    public static bool IsJson(ParseResult parsed) => parsed.GetResult(Format) is { } said && said.GetValueOrDefault<string>() == "json";

    /// <summary>Prints rows.</summary>
    public void Print<T>(ParseResult parsed, IReadOnlyList<T> rows, JsonTypeInfo<IReadOnlyList<T>> type, string[] columns, Func<T, string[]> cells) => Rows(parsed, rows, type, columns, cells);

    /// <summary>Prints rows.</summary>
    public static void Rows<T>(ParseResult parsed, IReadOnlyList<T> rows, JsonTypeInfo<IReadOnlyList<T>> type, string[] columns, Func<T, string[]> cells)
    {
        if (IsJson(parsed))
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

    /// <summary>Prints one thing: its text, or its JSON.</summary>
    public static void One<T>(ParseResult parsed, T value, JsonTypeInfo<T> type, string text) => Console.WriteLine(IsJson(parsed) ? JsonSerializer.Serialize(value, type) : text);

    /// <summary>Prints the revision that a write made.</summary>
    public static int Revision(ParseResult parsed, long revision)
    {
        One(parsed, new Dictionary<string, long> { ["revision"] = revision }, ReportJson.Readable.DictionaryStringInt64, $"revision {revision}");
        return Hosting.ExitCode.Done;
    }

    /// <summary>Prints that something was done.</summary>
    public static void Done(ParseResult parsed, string sentence) => One(parsed, new Dictionary<string, string> { ["done"] = sentence }, ReportJson.Readable.DictionaryStringString, sentence);

    private static Option<string> Described()
    {
        var format = new Option<string>("--output", "-o") { Description = "table or json. Into a pipe a table is tab-separated lines without a header.", DefaultValueFactory = _ => "table", Recursive = true };
        format.AcceptOnlyFromAmong("table", "json");
        return format;
    }
}
