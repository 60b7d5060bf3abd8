namespace Holdfast.Server.Configuration;

/// <summary>The backup that a node keeps of its groups.</summary>
/// <param name="Directory">The backup directory.</param>
/// <param name="Every">How long after a base the next one is taken.</param>
/// <param name="Keep">Every moment of so long ago can be restored.</param>
internal sealed record BackupPlan(string Directory, TimeSpan Every, TimeSpan Keep)
{
    private static readonly TimeSpan EveryLeast = TimeSpan.FromSeconds(10);

    /// <summary>Parses it; null when none is asked for. What is wrong is said in <paramref name="faults"/>.</summary>
    public static BackupPlan? From(SettingValues values, string dataDirectory, List<string> faults)
    {
        var directory = values[Settings.BackupDir].Text;
        var every = Span(values, Settings.BackupEvery, faults);
        var keep = Span(values, Settings.BackupKeep, faults);
        if (directory.Length == 0) return null;
        directory = Path.GetFullPath(directory);
        if (every < EveryLeast) faults.Add($"{Settings.BackupEvery.Key} ({values[Settings.BackupEvery].Origin}): {every.TotalSeconds:F0} s is less than the least, {EveryLeast.TotalSeconds:F0} s");
        if (keep < every) faults.Add($"{Settings.BackupKeep.Key} ({values[Settings.BackupKeep].Origin}): shorter than {Settings.BackupEvery.Key}: keep backups for at least one round of bases");
        if (IsWithin(directory, dataDirectory)) faults.Add($"{Settings.BackupDir.Key} ({values[Settings.BackupDir].Origin}): {directory} lies in the data directory, and would be lost with it: give a directory on another disk");
        return new BackupPlan(directory, every, keep);
    }

    private static TimeSpan Span(SettingValues values, Setting setting, List<string> faults)
    {
        if (GoDuration.TryParse(values[setting].Text, TimeSpan.FromHours(1), out var span) && span > TimeSpan.Zero) return span;
        faults.Add($"{setting.Key} ({values[setting].Origin}): \"{values[setting].Text}\" is no span of time such as 30m or 24h");
        return TimeSpan.FromHours(1);
    }

    private static bool IsWithin(string directory, string above) => (directory + "/").StartsWith(above.TrimEnd('/') + "/", StringComparison.Ordinal);
}
