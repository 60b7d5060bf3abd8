using System.Globalization;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>A way to restore a group: a base of one archive and the log after it.</summary>
/// <param name="Archive">Which of the archives, from 0.</param>
/// <param name="Base">The base.</param>
/// <param name="End">Where the log after it leads.</param>
internal sealed record GroupRoad(int Archive, ArchivedBase Base, ChainEnd End);

/// <summary>
/// A restore, decided: for every group the road that leads furthest, to the same moment in all of them, or why not. Pure. It refuses what would silently restore less than was asked for.
/// </summary>
internal sealed class RestorePlan
{
    private RestorePlan(SortedDictionary<GroupId, GroupRoad> chosen, IReadOnlyList<string> faults) => (Chosen, Faults) = (chosen, faults);

    /// <summary>The road of each group.</summary>
    public SortedDictionary<GroupId, GroupRoad> Chosen { get; }

    /// <summary>All that speaks against it, a sentence each.</summary>
    public IReadOnlyList<string> Faults { get; }

    /// <summary>Decides.</summary>
    /// <param name="roads">Every group's possible roads; an empty list for a group that has log and no usable base.</param>
    /// <param name="toMicros">The moment; null for everything that was archived.</param>
    /// <param name="levelKnown">The highest feature level that this program knows.</param>
    /// <param name="bug">A planted mistake.</param>
    public static RestorePlan Of(IReadOnlyDictionary<GroupId, IReadOnlyList<GroupRoad>> roads, long? toMicros, uint levelKnown, PlantedBackupBug bug = default)
    {
        var chosen = new SortedDictionary<GroupId, GroupRoad>();
        var faults = new List<string>();
        foreach (var (group, possible) in roads.OrderBy(pair => pair.Key))
        {
            // A data group that did not exist at that moment has no base before it, and is none of the restored cluster's; the directory tells whether one is missing.
            var isOwn = group == GroupId.Directory || group == GroupId.Coordination;
            if (possible.Count == 0)
            {
                if (isOwn) faults.Add($"group {group}: no base of it {(toMicros is { } at ? $"is from before {Text(at)}" : "can be read")}: name a later moment, or the backups of more nodes");
                continue;
            }

            var best = possible.OrderByDescending(road => road.End.IsWhole && (toMicros is null || road.End.Reaches(toMicros.Value))).ThenByDescending(road => road.End.Last).ThenByDescending(road => road.Base.Position).First();
            chosen[group] = best;
            if (toMicros is { } wanted && !best.End.Reaches(wanted) && bug != PlantedBackupBug.UncoveredMomentRestored)
                faults.Add(best.End.IsWhole
                    ? $"group {group}: the backups reach to {Text(Math.Max(best.End.CoveredMicros, best.End.TimeMicros))}, and {Text(wanted)} was asked for: name an earlier moment, or leave --to out for everything that there is"
                    : $"{best.End.Fault(group)}, and {Text(wanted)} lies there: name a moment before {Text(best.End.TimeMicros)}, or one after the next base");
            else if (!best.End.IsWhole && toMicros is null)
                faults.Add($"{best.End.Fault(group)}: name a moment before {Text(best.End.TimeMicros)} with --to");
            if (group == GroupId.Directory && best.End.TimeMicros == 0)
                faults.Add($"group {group}: {(toMicros is { } early ? $"at {Text(early)} the cluster was not founded yet" : "the cluster was never founded")}: name a later moment");
            if (best.End.Level > levelKnown) faults.Add($"group {group} is at feature level {best.End.Level}, and this program knows {levelKnown}: use the program that wrote the backup, or a newer one (S5)");
        }

        foreach (var own in (GroupId[])[GroupId.Directory, GroupId.Coordination])
            if (!roads.ContainsKey(own)) faults.Add($"there is no backup of group {own}: name the backups of more nodes");
        return new RestorePlan(chosen, faults);
    }

    internal static string Text(long micros) => micros == 0 ? "never" : DateTime.UnixEpoch.AddTicks(micros * 10).ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
