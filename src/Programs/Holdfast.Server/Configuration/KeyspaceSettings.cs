using System.Globalization;
using Holdfast.Coordination;

namespace Holdfast.Server.Configuration;

/// <summary>The settings of the etcd keyspace: its quota, and when old revisions are forgotten.</summary>
internal static class KeyspaceSettings
{
    private const string RevisionsUnit = " revisions";

    /// <summary>Parses them; what is wrong is said in <paramref name="faults"/>.</summary>
    public static CoordinationOptions Of(SettingValues values, List<string> faults)
    {
        var options = new CoordinationOptions();
        var quota = values[Settings.Quota];
        if (long.TryParse(quota.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)) options = options with { QuotaBytes = bytes };
        else faults.Add($"{Settings.Quota.Key} ({quota.Origin}): \"{quota.Text}\" is not a number of bytes");

        var compaction = values[Settings.Compaction];
        if (compaction.Text == "off") options = options with { AutoCompaction = AutoCompactionMode.Off };
        else if (compaction.Text.EndsWith(RevisionsUnit, StringComparison.Ordinal) && long.TryParse(compaction.Text[..^RevisionsUnit.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var revisions))
            options = options with { AutoCompaction = AutoCompactionMode.Revision, RetentionRevisions = revisions };
        else if (GoDuration.TryParse(compaction.Text, TimeSpan.FromHours(1), out var time)) options = options with { RetentionTime = time };
        else faults.Add($"{Settings.Compaction.Key} ({compaction.Origin}): \"{compaction.Text}\" is none of a time (10m, 1h), a number of revisions (\"1000 revisions\"), off");
        foreach (var fault in options.Validate()) faults.Add($"{Settings.Quota.Key}, {Settings.Compaction.Key}: {fault}");
        return options;
    }
}
