using System.CommandLine;
using Holdfast.Cluster;
using Holdfast.Server.Hosting;
using Holdfast.Storage;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast recover</c>: from what is left of a cluster that lost its majority for good, a new cluster of one node (S12).</summary>
internal static class RecoverCommand
{
    internal static Command Create()
    {
        var command = new Command("recover", "After losing a majority's disks for good: makes a new cluster of one node from the data directories that are left. They are only read.");
        var data = new Option<string[]>("--data") { Description = "A data directory that is left; repeat it for every one. No node may run on it.", Required = true };
        var lost = new Option<string[]>("--lost") { Description = "The name or id of a voter whose disk is gone for good; repeat it for every one.", DefaultValueFactory = _ => [] };
        var output = new Option<string>("--out") { Description = "The new data directory. [default: the first --data with -recovered]" };
        var acceptsDamage = new Option<bool>("--accept-damage") { Description = "Gives up entries that cannot be read." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be done." };
        foreach (var option in (Option[])[data, lost, output, acceptsDamage, dryRun]) command.Options.Add(option);
        Report.AddTo(command);
        command.SetAction(parsed =>
        {
            var directories = parsed.GetValue(data)!;
            var target = Path.GetFullPath(parsed.GetValue(output) ?? directories[0].TrimEnd('/') + "-recovered");
            try
            {
                return Recover(parsed, directories, target, parsed.GetValue(lost)!, parsed.GetValue(acceptsDamage), parsed.GetValue(dryRun));
            }
            catch (Exception refusal) when (refusal is DataDirectoryException or DataDirectoryUnusableException or WalRefusedException or SnapshotDamagedException or IOException or UnauthorizedAccessException)
            {
                return new Failure(ErrorCode.Refused, refusal.Message).Say(parsed);
            }
        });
        return command;
    }

    private static int Recover(ParseResult parsed, string[] directories, string target, string[] lost, bool acceptsDamage, bool isDryRun)
    {
        using var progress = new ProgressLine();
        using var recovery = new DisasterRecovery(directories, progress.Show);
        progress.Clear();
        var faults = recovery.Decide(lost, acceptsDamage);
        if (!Report.IsJson(parsed))
        {
            Console.WriteLine($"cluster {recovery.Cluster}");
            foreach (var line in recovery.Story) Console.WriteLine("  " + line);
        }

        foreach (var fault in faults) new Failure(ErrorCode.Refused, fault).Say(parsed);
        if (faults.Count > 0) return ExitCode.Failed;
        var made = isDryRun ? null : recovery.Write(target, lost, acceptsDamage).ToString();
        progress.Clear();
        Report.One(parsed, new RecoveryRow(recovery.Cluster.ToString(), [.. recovery.Story], target, made), ReportJson.Readable.RecoveryRow, made is null
            ? $"dry run: nothing was written; without --dry-run the new data directory is {target}"
            : $"{target}: cluster {made}, one node. Writes that only lost disks had are lost; every old member is refused by the new cluster.\n"
                + $"Start it with: holdfast server --data {target} and the node's name and addresses; then let new nodes join with holdfast token. Never start old data directories again.");
        return ExitCode.Done;
    }
}
