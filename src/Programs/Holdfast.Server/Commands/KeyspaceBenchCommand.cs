using System.CommandLine;
using System.Globalization;
using Holdfast.Keyspace.Endpoints.Transfers;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Commands;

/// <summary>What a load on the Redis face came to; times in milliseconds, of a batch.</summary>
internal sealed record KeyspaceBenchRow(string Test, long Operations, double PerSecond, double MedianMs, double P99Ms, double P999Ms, long Errors, string FirstError);

/// <summary><c>holdfast keyspace bench</c>: how many commands a cluster serves, and how fast, as its clients see it.</summary>
internal static class KeyspaceBenchCommand
{
    private static readonly Option<string> Test = new("--test") { Description = $"What is done, one after the other, of {string.Join(", ", KeyspaceLoad.Tests)}.", DefaultValueFactory = static _ => "set,get" };
    private static readonly Option<int> Clients = new("--clients") { Description = "Connections, spread over the nodes that lead slots: 1 to 1000.", DefaultValueFactory = static _ => 50 };
    private static readonly Option<int> Batch = new("--pipeline") { Description = "Commands that a client sends before it reads their replies: 1 to 1000.", DefaultValueFactory = static _ => 1 };
    private static readonly Option<int> Size = new("--size") { Description = "Bytes of a value: 1 to 1048576.", DefaultValueFactory = static _ => 64 };
    private static readonly Option<int> Keys = new("--keys") { Description = $"How many keys are used; they begin with {KeyspaceLoad.Prefix}. 1 to 10000000.", DefaultValueFactory = static _ => 100_000 };
    private static readonly Option<int> Seconds = new("--seconds") { Description = "How long each test takes: 1 to 3600.", DefaultValueFactory = static _ => 5 };
    private static readonly Option<bool> Keeps = new("--keep") { Description = "Leave the keys there at the end, instead of deleting them." };

    /// <summary>What is longer is shown as this.</summary>
    private const double LongestMs = 60_000;

    internal static Command Create(Func<ParseResult, IReadOnlyList<(string Host, int Port)>> endpointsOf)
    {
        var bench = new Command("bench", "Puts a load on the Redis face and tells how many commands were served and how fast. A cluster in use feels it.") { Test, Clients, Batch, Size, Keys, Seconds, Keeps };
        bench.SetAction((parsed, stop) => RunAsync(parsed, endpointsOf, stop));
        return bench;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<ParseResult, IReadOnlyList<(string Host, int Port)>> endpointsOf, CancellationToken stop)
    {
        try
        {
            var plans = Plans(parsed);
            var rows = new List<KeyspaceBenchRow>();
            var load = new KeyspaceLoad(endpointsOf(parsed));
            foreach (var plan in plans) rows.Add(Row(await load.RunAsync(plan, stop)));
            if (!parsed.GetValue(Keeps)) await load.ForgetAsync(plans[0].Keys, stop);
            Report.Rows(parsed, rows, ReportJson.Readable.IReadOnlyListKeyspaceBenchRow, ["test", "operations", "a second", "median ms", "99 % ms", "99.9 % ms", "errors", "first error"], row =>
                [row.Test, Text(row.Operations, "F0"), Text(row.PerSecond, "F0"), Text(row.MedianMs, "F2"), Text(row.P99Ms, "F2"), Text(row.P999Ms, "F2"), Text(row.Errors, "F0"), row.FirstError]);
            return rows.TrueForAll(static row => row.Operations > 0) ? ExitCode.Done : ExitCode.No;
        }
        catch (TransferFailedException failed)
        {
            return new Failure(ErrorCode.Refused, failed.Message).Say(parsed);
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    private static KeyspaceLoadPlan[] Plans(ParseResult parsed)
    {
        var tests = parsed.GetValue(Test)!.ToLowerInvariant().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (tests.Length == 0 || !tests.All(KeyspaceLoad.Tests.Contains)) throw new ArgumentException($"--test {parsed.GetValue(Test)}: name some of {string.Join(", ", KeyspaceLoad.Tests)}");
        return [.. tests.Select(test => new KeyspaceLoadPlan(test, Within(parsed, Clients, 1000), Within(parsed, Batch, 1000), Within(parsed, Size, 1 << 20), Within(parsed, Keys, 10_000_000), TimeSpan.FromSeconds(Within(parsed, Seconds, 3600))))];
    }

    private static int Within(ParseResult parsed, Option<int> option, int most)
    {
        var said = parsed.GetValue(option);
        return said >= 1 && said <= most ? said : throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{option.Name} {said}: it must be 1 to {most}"));
    }

    private static KeyspaceBenchRow Row(KeyspaceLoadResult result) => new(result.Test, result.Operations, Math.Round(result.Operations / result.Took.TotalSeconds, 1), Milliseconds(result, 0.5), Milliseconds(result, 0.99), Milliseconds(result, 0.999), result.Errors, result.FirstError);

    private static double Milliseconds(KeyspaceLoadResult result, double share) => Math.Round(Math.Min(result.Times.Quantile(share) * 1000, LongestMs), 3);

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);
}
