using System.CommandLine;
using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Keyspace;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Server.Hosting;
using Holdfast.Storage;

namespace Holdfast.Server.Commands;

/// <summary><c>holdfast restore</c>: from a backup directory the data directory of a new cluster's first node; with <c>--drill</c> the proof that it works, thrown away again.</summary>
internal static class RestoreCommand
{
    internal static Command Create()
    {
        var command = new Command("restore", "Makes a new cluster of one node from backups, as of now or of a moment; further nodes then join it. The backups are only read.");
        var source = new RestoreSource(command);
        var name = new Option<string>("--name") { Description = "The new node's name.", DefaultValueFactory = _ => "n1" };
        var output = new Option<string>("--out") { Description = "The new data directory. [default: ./holdfast-data]" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be done." };
        var drill = new Option<bool>("--drill") { Description = "A drill: restores into a temporary directory, starts a node on it, asks it, and throws it away." };
        foreach (var option in (Option[])[name, output, dryRun, drill]) command.Options.Add(option);
        Report.AddTo(command);
        command.SetAction((parsed, cancel) =>
        {
            if (parsed.GetValue(drill)) return DrillAsync(parsed, source, parsed.GetValue(name)!, cancel);
            var target = Path.GetFullPath(parsed.GetValue(output) ?? "./holdfast-data");
            return Task.FromResult(BackupCommand.Try(parsed, () => Restore(parsed, source, target, parsed.GetValue(name)!, parsed.GetValue(dryRun))));
        });
        return command;
    }

    /// <summary>The same drill as a verb of its own.</summary>
    internal static Command CreateDrill(string verb)
    {
        var command = new Command(verb, "Proves that backups can be restored: rebuilds every group into a temporary directory, compares its state with the hashes that the live nodes left, starts a node on it, asks it, and throws it away. For a weekly job.");
        var source = new RestoreSource(command);
        Report.AddTo(command);
        command.SetAction((parsed, cancel) => DrillAsync(parsed, source, "drill", cancel));
        return command;
    }

    private static int Restore(ParseResult parsed, RestoreSource source, string target, string name, bool isDryRun)
    {
        using var progress = new ProgressLine();
        var restoration = source.Of(parsed, progress);
        var faults = restoration.Decide();
        foreach (var fault in faults) new Failure(ErrorCode.Refused, fault).Say(parsed);
        if (isDryRun || faults.Count > 0)
        {
            Tell(parsed, restoration.Story, faults.Count > 0 ? null : new RestoredRow(Lines(restoration.Story), target, null), $"dry run: nothing was written; without --dry-run the new data directory is {target}");
            return faults.Count > 0 ? ExitCode.Failed : ExitCode.Done;
        }

        var cluster = restoration.Write(target, name);
        progress.Dispose();
        Tell(
            parsed, restoration.Story, new RestoredRow(Lines(restoration.Story), target, cluster.ToString()),
            $"{target}: cluster {cluster}, one node. Its revisions and fencing tokens go on beyond all that were ever issued; nodes of the old cluster are refused.\n"
                + $"Start it with: holdfast server --name {name} --data {target} and its addresses; then let new nodes join with holdfast token. Never start old data directories again.");
        return ExitCode.Done;
    }

    private static async Task<int> DrillAsync(ParseResult parsed, RestoreSource source, string name, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-drill-").FullName;
        try
        {
            using var progress = new ProgressLine();
            IReadOnlyList<RestoredGroup> story = [];
            var code = BackupCommand.Try(parsed, () =>
            {
                var restoration = source.Of(parsed, progress);
                restoration.Write(Path.Combine(folder, "data"), name);
                story = restoration.Story;
                return ExitCode.Done;
            });
            progress.Dispose();
            if (code != ExitCode.Done) return code;
            var served = await RestoreDrill.ServeAsync(Path.Combine(folder, "data"), name, [.. story.Select(group => group.Face).Distinct()], cancel);
            Tell(parsed, story, new RestoredRow(Lines(story), "", null), $"drill: a node served {served.Sentence}; nothing of it is left");
            return ExitCode.Done;
        }
        catch (CannotStartException refusal)
        {
            return new Failure(ErrorCode.CannotStart, $"the restored node does not start: {refusal.Message}").Say(parsed);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Lines(IReadOnlyList<RestoredGroup> story) =>
        [.. story.Select(group => $"group {group.Group}{(group.Face.Length is 0 ? "" : $" ({group.Face})")}: from {group.NodeName}, base {group.Base} and {group.Entries} entries, up to {group.Last} of {Moments.Text(group.TimeMicros)}{(group.ProvenAt == LogPosition.Zero ? "" : $"; the state at {group.ProvenAt} equals the live one's")}")];

    /// <summary>What was found, and what was done; null for nothing.</summary>
    private static void Tell(ParseResult parsed, IReadOnlyList<RestoredGroup> story, RestoredRow? done, string sentence)
    {
        if (!Report.IsJson(parsed))
            foreach (var line in Lines(story)) Console.WriteLine("  " + line);
        if (done is not null) Report.One(parsed, done, ReportJson.Readable.RestoredRow, sentence);
    }
}

/// <summary>Where a restore reads from, as its options say.</summary>
internal sealed class RestoreSource
{
    private readonly Option<string> from = new("--from") { Description = "The backup directory, or one node's archive in it.", Required = true };
    private readonly Option<string> to = new("--to") { Description = "The moment: 2026-11-27T06:00:00Z, or how long ago, -10m. By the leaders' clocks, the same in all groups. [default: everything that is there]" };
    private readonly Option<string> cluster = new("--cluster") { Description = "The cluster's id, where the directory holds several." };
    private readonly Option<string> key = BackupCommand.KeyFile();

    /// <summary>Adds the options.</summary>
    public RestoreSource(Command command)
    {
        foreach (var option in (Option[])[from, to, cluster, key]) command.Options.Add(option);
    }

    /// <summary>The restoration that was asked for.</summary>
    public Restoration Of(ParseResult parsed, ProgressLine progress)
    {
        var moment = parsed.GetValue(to) is { } text ? Moments.Parse(text) : (long?)null;
        var catalog = BackupCatalog.Open(parsed.GetValue(from)!, BackupCommand.Cluster(parsed.GetValue(cluster)), BackupCommand.Key(parsed.GetValue(key)));
        return new Restoration(catalog, moment, Machines(), new GroupOptions { FeatureLevelKnown = BuildLevel.Known }) { Progress = progress.Show };
    }

    /// <summary>Makes the empty state of a group of any face, switched on or not; null for a face that this program does not carry. What the faces hold beside goes with the process.</summary>
    private static Func<GroupId, string, StateFiles, IStateMachine?> Machines()
    {
        var redis = new RedisFace(new KeyspaceOptions(), new NodeLog(TextWriter.Null, isJson: false, "restore"));
        return (group, face, files) => group == GroupId.Coordination
            ? new CoordinationStateMachine(() => files)
            : new DataFaces(new VectorsFace(static fault => Environment.FailFast("holdfast: " + fault.Message, fault), _ => files), redis).MakeMachine(new GroupRecord(group, face, []));
    }
}
