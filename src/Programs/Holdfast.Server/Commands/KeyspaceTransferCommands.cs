using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Holdfast.Keyspace.Endpoints.Transfers;
using Holdfast.Server.Hosting;
using Holdfast.Transport;

namespace Holdfast.Server.Commands;

/// <summary>What an export or import has done.</summary>
internal sealed record KeyspaceTransferRow(string What, long Keys, string Note);

/// <summary><c>holdfast keyspace export|import</c>: RDB files out and in, and a running Redis that is taken over.</summary>
internal static class KeyspaceTransferCommands
{
    private const string PasswordVariable = "HOLDFAST_SOURCE_PASSWORD";
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(1);

    internal static Command CreateExport(Func<ParseResult, IReadOnlyList<(string Host, int Port)>> endpointsOf)
    {
        var file = new Argument<string>("file") { Description = "The RDB file to write; it is there when it is whole." };
        var version = new Option<int>("--rdb") { Description = "The file's version: 10 for Redis 7.0 and later, 12 for 7.4 and later, which can say when single fields of hashes expire.", DefaultValueFactory = static _ => 10 };
        var export = new Command("export", "Writes all keys and functions into an RDB file that Redis loads, each key as it is when it is read.") { file, version };
        export.SetAction((parsed, stop) => RunAsync(parsed, () => ExportAsync(parsed, endpointsOf(parsed), parsed.GetValue(file)!, parsed.GetValue(version), stop)));
        return export;
    }

    internal static Command CreateImport(Func<ParseResult, IReadOnlyList<(string Host, int Port)>> endpointsOf)
    {
        var source = new Argument<string>("source") { Description = "An RDB file, or host:port of a running Redis or Valkey, which is attached to as a replica is." };
        var follows = new Option<bool>("--follow") { Description = "Follow the running Redis until interrupted (Ctrl-C), then take what is left and end: stop its writers before." };
        var user = new Option<string?>("--source-user") { Description = $"Signs in at the running Redis; its password is in {PasswordVariable}." };
        var import = new Command("import", "Puts the keys and functions of an RDB file or of a running Redis into the cluster, in the place of those of the same name.") { source, follows, user };
        import.SetAction((parsed, stop) => RunAsync(parsed, () => ImportAsync(parsed, endpointsOf(parsed), parsed.GetValue(source)!, parsed.GetValue(follows), parsed.GetValue(user), stop)));
        return import;
    }

    private static async Task<int> RunAsync(ParseResult parsed, Func<Task<int>> verb)
    {
        try
        {
            return await verb();
        }
        catch (Exception refused) when (refused is TransferFailedException or InvalidDataException)
        {
            return new Failure(ErrorCode.Refused, refused.Message).Say(parsed);
        }
        catch (IOException fault)
        {
            return new Failure(ErrorCode.Misused, fault.Message).Say(parsed);
        }
        catch (Exception exception) when (Failure.Of(exception) is { } failure)
        {
            return failure.Say(parsed);
        }
    }

    private static async Task<int> ExportAsync(ParseResult parsed, IReadOnlyList<(string Host, int Port)> endpoints, string path, int version, CancellationToken stop)
    {
        if (version is not (10 or 12)) throw new ArgumentException($"--rdb {version}: files of version 10 or 12 are written");
        var partial = path + ".partial";
        long keys;
        try
        {
            await using var file = new BufferedStream(new FileStream(partial, FileMode.Create, FileAccess.Write), 1 << 20);
            keys = await KeyspaceExport.RunAsync(endpoints, file, version, stop);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }

        File.Move(partial, path, overwrite: true);
        return Said(parsed, new KeyspaceTransferRow("exported", keys, path));
    }

    private static async Task<int> ImportAsync(ParseResult parsed, IReadOnlyList<(string Host, int Port)> endpoints, string source, bool follows, string? user, CancellationToken stop)
    {
        if (File.Exists(source))
        {
            await using var file = File.OpenRead(source);
            return Said(parsed, new KeyspaceTransferRow("imported", await KeyspaceImport.RunAsync(file, endpoints, stop), source));
        }

        if (!HostPort.TryParse(source, out var host, out var port)) throw new ArgumentException($"'{source}' is no file, and not host:port");
        await using var spool = new FileStream(Path.GetTempFileName(), new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose });
        var attach = new KeyspaceAttach(host, port, user, Environment.GetEnvironmentVariable(PasswordVariable), endpoints);
        var told = Stopwatch.StartNew();
        var outcome = await attach.RunAsync(spool, follows ? stop : new CancellationToken(canceled: true), progress =>
        {
            if (told.Elapsed < BetweenLines) return;
            told.Restart();
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{progress.Keys} keys put, {progress.Waiting} changed since; heard to {progress.Offset}"));
        }, follows ? CancellationToken.None : stop);
        return Said(parsed, new KeyspaceTransferRow("imported", outcome.Keys, string.Create(CultureInfo.InvariantCulture, $"{source} to offset {outcome.Offset}")));
    }

    private static int Said(ParseResult parsed, KeyspaceTransferRow row)
    {
        Report.One(parsed, row, ReportJson.Readable.KeyspaceTransferRow, string.Create(CultureInfo.InvariantCulture, $"{row.What} {row.Keys} keys: {row.Note}"));
        return ExitCode.Done;
    }
}
