using System.CommandLine;
using Holdfast.Cluster;
using Holdfast.Coordination.Endpoints;
using Holdfast.Primitives;
using Holdfast.Server.Client;
using Holdfast.Server.Configuration;
using Holdfast.Server.Hosting;
using Holdfast.Storage;

namespace Holdfast.Server.Commands;

/// <summary>A node's backup as <c>holdfast backup status</c> shows it.</summary>
internal sealed record BackupRow(string Name, string Folder, string Bases, string Covered, double BehindSeconds, string Fault);

/// <summary>A group in a backup directory as <c>holdfast backup list</c> shows it.</summary>
internal sealed record BackupListRow(string Cluster, string Node, ulong Group, int Bases, string From, string To, string Last, long Bytes, string Fault);

/// <summary><c>holdfast backup status|now|list|verify|drill</c>: what the nodes keep, and what a backup directory is worth.</summary>
internal static class BackupCommand
{
    private static readonly string[] ListColumns = ["cluster", "node", "group", "bases", "from", "to", "last", "bytes", "fault"];

    internal static Command Create() => new("backup", "The backups that nodes keep with --backup-dir: how they stand, a new base now, what a directory holds, and whether it can be restored; keys to encrypt them, and copies off site.")
    {
        CreateStatus(), CreateNow(), CreateList(), CreateVerify(), RestoreCommand.CreateDrill("drill"), CreateKey(), CreateFetch(),
    };

    /// <summary>Runs a verb over files, and turns what they refuse into a sentence and an exit code.</summary>
    internal static int Try(ParseResult parsed, Func<int> verb)
    {
        try
        {
            return verb();
        }
        catch (ArgumentException misused)
        {
            return new Failure(ErrorCode.Misused, misused.Message).Say(parsed);
        }
        catch (Exception refusal) when (refusal is DataDirectoryException or DataDirectoryUnusableException or WalRefusedException or IOException or UnauthorizedAccessException)
        {
            return new Failure(ErrorCode.Refused, refusal.Message).Say(parsed);
        }
    }

    /// <summary>A cluster's id as it was typed; none when it was not.</summary>
    internal static ClusterId Cluster(string? text)
    {
        if (string.IsNullOrEmpty(text)) return ClusterId.None;
        return ulong.TryParse(text, System.Globalization.NumberStyles.HexNumber, System.Globalization.CultureInfo.InvariantCulture, out var id) ? new ClusterId(id) : throw new ArgumentException($"--cluster: \"{text}\" is no cluster's id; holdfast backup list shows them");
    }

    /// <summary>The option that names the key of encrypted backups.</summary>
    internal static Option<string> KeyFile() => new("--key-file") { Description = "The key file that the nodes were given with --backup-key-file, where the backups are encrypted." };

    /// <summary>The key that was named; null for none.</summary>
    internal static BackupKey? Key(string? file) => string.IsNullOrEmpty(file) ? null : BackupKey.Read(file);

    private static Command CreateStatus()
    {
        var command = new Command("status", "Says of every node whether it keeps a backup, since when, and up to which moment. Exit code 1 when one stands still, or none is kept.");
        var servers = ClientOptions.AddTo(command);
        var report = Report.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            var answers = await ClusterSurvey.AskAsync(access, cancel);
            var rows = answers.Select(RowOf).ToList();
            report.Print(parsed, rows, ReportJson.Readable.IReadOnlyListBackupRow, ["name", "folder", "bases of", "covered to", "behind", "fault"], row => [row.Name, row.Folder, row.Bases, row.Covered, $"{row.BehindSeconds:F1} s", row.Fault]);
            return rows.Exists(row => row.Folder.Length > 0) && rows.All(row => row.Fault.Length == 0) ? ExitCode.Done : ExitCode.Failed;
        }));
        return command;
    }

    private static BackupRow RowOf(NodeAnswer answer)
    {
        if (answer.Status is not { } status) return new BackupRow(answer.Name, "", "", "", 0, answer.Failure);
        if (status.Backup is not { } backup) return new BackupRow(status.Name, "", "", "", 0, "");
        return new BackupRow(status.Name, backup.Folder, Moments.Text(backup.BaseMicros), Moments.Text(backup.CoveredMicros), backup.CoveredMicros == 0 ? 0 : Math.Max(0, (status.TimeMicros - backup.CoveredMicros) / 1e6), backup.Fault);
    }

    private static Command CreateNow()
    {
        var command = new Command("now", "Takes new bases into the backup of the node that is asked, and waits until they are complete.");
        var servers = ClientOptions.AddTo(command);
        command.SetAction((parsed, cancel) => servers.TryAsync(parsed, async access =>
        {
            using var admin = new AdminClient(access.Endpoints[0], access);
            var before = (await admin.StatusAsync(cancel)).Backup?.BasesTaken ?? 0;
            await admin.TakeBackupAsync(cancel);
            using var progress = new ProgressLine();
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            while (await timer.WaitForNextTickAsync(cancel))
            {
                var status = await admin.StatusAsync(cancel);
                if (status.Backup is not { } backup) throw new AdminException(409, $"{status.Name} keeps no backup any more");
                if (backup.Fault.Length > 0) throw new AdminException(503, backup.Fault);
                progress.Show("base", backup.CopiedBytes, backup.TotalBytes);
                if (backup.BasesTaken == before) continue;
                Report.Done(parsed, $"{backup.Folder}: bases of {Moments.Text(backup.BaseMicros)}, log up to {Moments.Text(backup.CoveredMicros)}");
                break;
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static Command CreateList() => CreateReading("list", "Lists what a backup directory holds, and between which moments it can be restored.", reads: false);

    private static Command CreateVerify() => CreateReading("verify", "Reads a backup directory through and checks every base and every entry against its checksum. Exit code 1 when something is damaged or missing.", reads: true);

    private static Command CreateReading(string name, string meaning, bool reads)
    {
        var command = new Command(name, meaning);
        var from = new Option<string>("--from") { Description = "The backup directory.", Required = true };
        var cluster = new Option<string>("--cluster") { Description = "Only this cluster's." };
        command.Options.Add(from);
        command.Options.Add(cluster);
        var key = KeyFile();
        command.Options.Add(key);
        var report = Report.AddTo(command);
        command.SetAction(parsed => Try(parsed, () =>
        {
            using var progress = new ProgressLine();
            var read = 0L;
            var lines = BackupCatalog.Open(parsed.GetValue(from)!, Cluster(parsed.GetValue(cluster)), Key(parsed.GetValue(key))).List(reads, bytes => progress.Show("reading", read += bytes, 0));
            progress.Dispose();
            report.Print(parsed, [.. lines.Select(RowOf)], ReportJson.Readable.IReadOnlyListBackupListRow, ListColumns, Cells);
            return lines.All(line => line.Fault.Length == 0) ? ExitCode.Done : ExitCode.Failed;
        }));
        return command;
    }

    private static Command CreateKey()
    {
        var command = new Command("key", "Draws a key to encrypt backups with, into a new file that only its owner reads. Keep it elsewhere than the backups: without it they are lost.");
        var output = new Option<string>("--out") { Description = "The key file, which must not be there yet.", Required = true };
        command.Options.Add(output);
        command.SetAction(parsed => Try(parsed, () =>
        {
            var path = Path.GetFullPath(parsed.GetValue(output)!);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (var file = new StreamWriter(path, options)) file.Write(BackupKey.Draw());
            Report.Done(parsed, $"{path}: the key {BackupKey.Read(path).Id}; give it to the nodes with {Settings.BackupKeyFile.Flag}, and keep a copy elsewhere than the backups");
            return ExitCode.Done;
        }));
        return command;
    }

    private static Command CreateFetch()
    {
        var command = new Command("fetch", "Brings the copies that nodes keep with --backup-off-site back into a directory, to list, verify, drill and restore from. Goes on where it stopped.");
        var from = new Option<string>("--from") { Description = "What the nodes were given: s3://BUCKET/PREFIX; store, region and credentials as theirs, in the environment.", Required = true };
        var to = new Option<string>("--to") { Description = "The directory.", Required = true };
        command.Options.Add(from);
        command.Options.Add(to);
        command.SetAction(async (parsed, cancel) =>
        {
            if (!S3Address.TryParse(parsed.GetValue(from)!, Environment.GetEnvironmentVariable, out var address, out var fault)) return new Failure(ErrorCode.Misused, $"--from: {fault}").Say(parsed);
            if (S3Credentials.Of(Environment.GetEnvironmentVariable) is not { } credentials) return new Failure(ErrorCode.Misused, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY").Say(parsed);
            using var progress = new ProgressLine();
            try
            {
                var fetched = await OffSiteFetch.RunAsync(address, credentials, parsed.GetValue(to)!, (done, total) => progress.Show("fetching", done, total), cancel);
                progress.Dispose();
                Report.Done(parsed, $"{fetched} files came from {address}; look at them with holdfast backup verify --from {parsed.GetValue(to)}");
                return ExitCode.Done;
            }
            catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
            {
                return new Failure(ErrorCode.Refused, refusal.Message).Say(parsed);
            }
        });
        return command;
    }

    private static BackupListRow RowOf(BackupLine line) =>
        new(line.Cluster.ToString(), line.NodeName, line.Group.Value, line.Bases, Moments.Text(line.FromMicros), Moments.Text(line.ToMicros), line.Last.ToString(), line.Bytes, line.Fault);

    private static string[] Cells(BackupListRow row) =>
        [row.Cluster, row.Node, row.Group.ToString(System.Globalization.CultureInfo.InvariantCulture), row.Bases.ToString(System.Globalization.CultureInfo.InvariantCulture), row.From, row.To, row.Last, ProgressLine.Size(row.Bytes), row.Fault];
}
