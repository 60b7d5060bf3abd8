using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>When a group's feature level may rise (S5): a pure decision.</summary>
internal static class FeatureGate
{
    /// <summary>A setting of the directory that holds the level down, so that the old program can still be started: the highest level that groups may be raised to.</summary>
    public const string CeilingSetting = "feature.ceiling";

    /// <summary>
    /// The level that a group should be raised to, by what the directory says of all its members: those of other groups too, which may be added to this one later. The present level when it should
    /// stay. The members are then asked themselves, because a node that was set back to an older program says so only once it runs.
    /// </summary>
    public static uint Target(DirectoryView view, uint levelNow, uint levelKnownHere)
    {
        if (view.Members.Count == 0) return levelNow;
        var target = levelKnownHere;
        foreach (var (_, member) in view.Members) target = Math.Min(target, member.FeatureLevelMax);
        if (view.Settings.TryGetValue(CeilingSetting, out var text) && uint.TryParse(text, out var ceiling)) target = Math.Min(target, ceiling);
        return Math.Max(target, levelNow);
    }

    /// <summary>Whether a level may rise, by what every member has just answered; null for one that did not answer.</summary>
    public static bool MayRise(uint target, IEnumerable<uint?> answers) => answers.All(answer => answer >= target);

    /// <summary>What the directory should know of a node whose record is from an earlier program or configuration; null when it knows it. Its addresses stay: they are changed on purpose only.</summary>
    public static MemberRecord? Renewed(DirectoryView view, MemberRecord self)
    {
        if (!view.Members.TryGetValue(self.Node, out var known)) return null;
        var wanted = known with { FeatureLevelMin = self.FeatureLevelMin, FeatureLevelMax = self.FeatureLevelMax, Roles = self.Roles, Zone = self.Zone, ClientUrls = self.ClientUrls };
        var isKnown = known with { ClientUrls = wanted.ClientUrls } == wanted && known.ClientUrls.AsSpan().SequenceEqual(wanted.ClientUrls.AsSpan());
        return isKnown ? null : wanted;
    }
}
