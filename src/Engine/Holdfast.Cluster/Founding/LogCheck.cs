using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Cluster;

/// <summary>
/// Whether a node may begin its groups on what its log still says. A log that forgot a vote or an acknowledged entry is never begun as if it were whole (S4, S8): either its
/// cluster repairs it, or an operator decides.
/// </summary>
internal static class LogCheck
{
    /// <summary>Its presence says that the log was begun: a directory that has it and no log has lost votes.</summary>
    private static readonly OnceFile Begun = new("log-begun", 0x424C4648); // "HFLB"

    private static readonly Mark NewerData = new("cluster: a program refused data of a higher feature level than it knows", elsewhere: "LogCheckTests: simulated logs are judged by the world");
    private static readonly Mark LogGone = new("cluster: a node whose log is gone was refused", elsewhere: "LogCheckTests: simulated logs are judged by the world");
    private static readonly Mark SoleVoterDamaged = new("cluster: a damaged sole voter was refused", elsewhere: "LogCheckTests: simulated logs are judged by the world");

    /// <summary>Before the log is opened.</summary>
    /// <exception cref="DataDirectoryUnusableException">The log is gone.</exception>
    public static void BeforeOpening(IDisk disk)
    {
        if (!Begun.IsThere(disk) || WriteAheadLog.Exists(disk)) return;
        LogGone.Hit();
        throw new DataDirectoryUnusableException("the write-ahead log is gone, and with it votes and entries that others count on. Put the folder wal back from where it went; " + Replacement);
    }

    /// <summary>The log is open: from now on its absence means a loss.</summary>
    public static void NoteBegun(IDisk disk) => Begun.Write(disk);

    /// <summary>What the log held may be refused, before anything on disk is changed.</summary>
    /// <exception cref="DataDirectoryUnusableException">It is damaged, and nobody but an operator can decide.</exception>
    public static void Judge(WalRecovery recovery, NodeId self, uint featureLevelKnown)
    {
        foreach (var group in recovery.Groups)
        {
            if (group.IsTombstoned || EntryStamp.HighestLevel(group.FeatureLevel, group.Entries) is var level && level <= featureLevelKnown) continue;
            NewerData.Hit();
            throw new DataDirectoryUnusableException(
                $"the data is of a newer program: group {group.Group} is at feature level {level}, and this program knows {featureLevelKnown} (S5). Start the program that wrote it, or a newer one; nothing was changed");
        }

        if (recovery.GroupsLost > 0 && (recovery.Find(GroupId.Directory) is null || recovery.Find(GroupId.Coordination) is null))
            throw new DataDirectoryUnusableException($"the write-ahead log is damaged: which groups were here is lost. {string.Join(" ", recovery.Findings)} {Replacement}");
        foreach (var group in recovery.Groups)
        {
            if (group.IsTombstoned || group.DamagedUpTo == LogIndex.Zero || !InForce(group).IsSoleVoter(self)) continue;
            SoleVoterDamaged.Hit();
            throw new DataDirectoryUnusableException(
                $"the log of group {group.Group} is damaged: entries up to {group.DamagedUpTo} may be missing, {group.Entries.Count} after {group.Snapshot} can be read, and this node is the group's only voter, so nobody can repair it. "
                + $"{string.Join(" ", recovery.Findings)} Restore the data directory from a backup; or look at what would be lost with holdfast recover --data DIR --accept-damage --dry-run, and accept it without --dry-run");
        }
    }

    /// <summary>The configuration in force in a recovered log: the newest in it, committed or not.</summary>
    internal static Configuration InForce(RecoveredGroup group)
    {
        for (var i = group.Entries.Count - 1; i >= 0; i--)
        {
            if (group.Entries[i].Kind != EntryKind.Configuration) continue;
            var reader = new SpanReader(group.Entries[i].Payload.Span);
            if (Configuration.TryDecode(ref reader, out var found)) return found;
        }

        return group.Configuration;
    }

    private const string Replacement = "If it is lost, move the data directory away and start with an empty one and a join token (holdfast token on another member), or with the node's certificate: it comes back as a replacement of itself. If no other member is left, see holdfast recover";
}
