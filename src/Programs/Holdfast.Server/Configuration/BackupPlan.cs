using Holdfast.Cluster;

namespace Holdfast.Server.Configuration;

/// <summary>Where a copy of a node's backup is kept.</summary>
/// <param name="Address">The bucket.</param>
/// <param name="Credentials">In whose name.</param>
/// <param name="Every">How long after a round of copying the next one begins.</param>
internal sealed record OffSitePlan(S3Address Address, S3Credentials Credentials, TimeSpan Every)
{
    private static readonly TimeSpan EveryLeast = TimeSpan.FromSeconds(1);

    /// <summary>Parses it; null when none is asked for, or it is wrong, which is said in <paramref name="faults"/>.</summary>
    public static OffSitePlan? From(SettingValues values, List<string> faults)
    {
        var text = values[Settings.BackupOffSite].Text;
        var every = BackupPlan.Span(values, Settings.BackupOffSiteEvery, faults);
        if (text.Length == 0) return null;
        if (every < EveryLeast) faults.Add($"{Settings.BackupOffSiteEvery.Key} ({values[Settings.BackupOffSiteEvery].Origin}): less than a second; every round lists and sends what is new");
        if (!S3Address.TryParse(text, Environment.GetEnvironmentVariable, out var address, out var fault))
            faults.Add($"{Settings.BackupOffSite.Key} ({values[Settings.BackupOffSite].Origin}): {fault}");
        var credentials = S3Credentials.Of(Environment.GetEnvironmentVariable);
        if (credentials is null) faults.Add($"{Settings.BackupOffSite.Key}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the node");
        return address is null || credentials is null ? null : new OffSitePlan(address, credentials, every);
    }
}

/// <summary>The backup that a node keeps of its groups.</summary>
/// <param name="Directory">The backup directory.</param>
/// <param name="Every">How long after a base the next one is taken.</param>
/// <param name="Keep">Every moment of so long ago can be restored.</param>
internal sealed record BackupPlan(string Directory, TimeSpan Every, TimeSpan Keep)
{
    private static readonly TimeSpan EveryLeast = TimeSpan.FromSeconds(10);

    /// <summary>What it is encrypted with; null for not at all.</summary>
    public BackupKey? Key { get; init; }

    /// <summary>Where a copy is kept; null for nowhere.</summary>
    public OffSitePlan? OffSite { get; init; }

    /// <summary>Parses it; null when none is asked for. What is wrong is said in <paramref name="faults"/>.</summary>
    public static BackupPlan? From(SettingValues values, string dataDirectory, List<string> faults)
    {
        var directory = values[Settings.BackupDir].Text;
        var every = Span(values, Settings.BackupEvery, faults);
        var keep = Span(values, Settings.BackupKeep, faults);
        if (directory.Length == 0)
        {
            foreach (var setting in (Setting[])[Settings.BackupKeyFile, Settings.BackupOffSite])
                if (values[setting].Text.Length > 0) faults.Add($"{setting.Key} ({values[setting].Origin}): there is no backup without {Settings.BackupDir.Flag} DIRECTORY");
            return null;
        }

        directory = Path.GetFullPath(directory);
        if (every < EveryLeast) faults.Add($"{Settings.BackupEvery.Key} ({values[Settings.BackupEvery].Origin}): {every.TotalSeconds:F0} s is less than the least, {EveryLeast.TotalSeconds:F0} s");
        if (keep < every) faults.Add($"{Settings.BackupKeep.Key} ({values[Settings.BackupKeep].Origin}): shorter than {Settings.BackupEvery.Key}: keep backups for at least one round of bases");
        if (IsWithin(directory, dataDirectory)) faults.Add($"{Settings.BackupDir.Key} ({values[Settings.BackupDir].Origin}): {directory} lies in the data directory, and would be lost with it: give a directory on another disk");
        return new BackupPlan(directory, every, keep) { Key = KeyOf(values, faults), OffSite = OffSitePlan.From(values, faults) };
    }

    /// <summary>Things that work but should be known (R1.13).</summary>
    public IEnumerable<string> WorthKnowing()
    {
        if (Key is null && OffSite is not null) yield return $"the backup leaves this site as it is: whoever reads {OffSite.Address} reads every key and value; encrypt it with {Settings.BackupKeyFile.Flag}";
    }

    private static BackupKey? KeyOf(SettingValues values, List<string> faults)
    {
        if (values[Settings.BackupKeyFile].Text is not { Length: > 0 } path) return null;
        try
        {
            return BackupKey.Read(Path.GetFullPath(path));
        }
        catch (Exception unusable) when (unusable is DataDirectoryUnusableException or IOException or UnauthorizedAccessException)
        {
            faults.Add($"{Settings.BackupKeyFile.Key} ({values[Settings.BackupKeyFile].Origin}): {unusable.Message}");
            return null;
        }
    }

    internal static TimeSpan Span(SettingValues values, Setting setting, List<string> faults)
    {
        if (GoDuration.TryParse(values[setting].Text, TimeSpan.FromHours(1), out var span) && span > TimeSpan.Zero) return span;
        faults.Add($"{setting.Key} ({values[setting].Origin}): \"{values[setting].Text}\" is no span of time such as 30m or 24h");
        return TimeSpan.FromHours(1);
    }

    private static bool IsWithin(string directory, string above) => (directory + "/").StartsWith(above.TrimEnd('/') + "/", StringComparison.Ordinal);
}
