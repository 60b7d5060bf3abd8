using Holdfast.Coordination.Endpoints;

namespace Holdfast.Server.Client;

/// <summary>Something that <c>holdfast doctor</c> found.</summary>
/// <param name="Code">Stable, for machines; docs/operations.md says more.</param>
/// <param name="IsError">Whether it must be mended now; else it is allowed and unwise.</param>
/// <param name="Sentence">What is, and what to do.</param>
internal sealed record Finding(string Code, bool IsError, string Sentence);

/// <summary>The guard rails (R1.13) as rules over what the nodes answered. It asks nobody, so every rule has its test.</summary>
internal static class Diagnosis
{
    /// <summary>Entries behind the leader: a second of ten thousand writes. A follower that is behind for longer will need a snapshot.</summary>
    private const ulong LagMax = 10_000;

    /// <summary>The slowest fsync in a hundred: at this, elections and renewals of leases begin to feel the disk.</summary>
    private const double SyncMillisecondsMax = 50;

    private static readonly TimeSpan BackupBehindMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SkewMax = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan CertificateWarning = TimeSpan.FromDays(21);
    private static readonly TimeSpan CertificateError = TimeSpan.FromDays(3);

    /// <summary>Every rule, errors first.</summary>
    public static IReadOnlyList<Finding> Of(IReadOnlyList<NodeAnswer> answers, DateTimeOffset now)
    {
        var nodes = answers.Where(answer => answer.Status is not null).ToList();
        var found = new List<Finding>();
        foreach (var silent in answers.Where(answer => answer.Status is null))
            found.Add(new("node-down", true, $"{Called(silent)} does not answer ({silent.Failure}): start it, or if its machine is gone take it out with holdfast leave {silent.Name} and join another"));
        if (nodes.Select(node => node.Status!.ClusterId).Distinct(StringComparer.Ordinal).Count() > 1)
            found.Add(new("two-clusters", true, "the endpoints belong to different clusters: mend --endpoints, or a node was founded apart that should have joined"));
        found.AddRange(nodes.SelectMany(node => OfNode(node, now)));
        found.AddRange(OfVersions(nodes));
        found.AddRange(KeyspaceDiagnosis.Of(nodes));
        foreach (var group in nodes.SelectMany(node => node.Status!.Groups.Select(group => group.Group)).Distinct().Order()) found.AddRange(OfGroup(group, nodes));
        return [.. found.OrderByDescending(finding => finding.IsError)];
    }

    private static IEnumerable<Finding> OfNode(NodeAnswer node, DateTimeOffset now)
    {
        var status = node.Status!;
        foreach (var alarm in status.Alarms) yield return new("alarm-" + alarm.Code.Replace('_', '-'), true, $"{status.Name}: {alarm.Sentence}");
        foreach (var member in status.Members.Where(member => !member.IsReachable)) yield return new("peer-silent", true, $"{status.Name} does not hear from {member.Name} at {member.PeerAddress}: look at that node, and at the network between their peer ports");
        foreach (var group in status.Groups.Where(group => !group.IsRestored)) yield return new("restoring", false, $"{status.Name} builds its state of {Called(group.Group)} again and serves no reads of it; wait");
        if (node.ClockSkew > SkewMax) yield return new("clock-skew", false, $"the clock of {status.Name} is {node.ClockSkew.TotalSeconds:F1} s from this machine's: leases do not depend on it, but logs and stamps do; run an NTP client");
        if (status.SyncMillisecondsP99 > SyncMillisecondsMax)
            yield return new("slow-disk", false, $"one fsync in a hundred on {status.Name} takes {status.SyncMillisecondsP99:F0} ms or more: every write waits for it; give the data directory a disk of its own, an SSD");
        if (status.Backup is { Fault.Length: 0, CoveredMicros: > 0 } backup && TimeSpan.FromMicroseconds(status.TimeMicros - backup.CoveredMicros) is var behind && behind > BackupBehindMax)
            yield return new("backup-behind", false, $"the backup of {status.Name} is {behind.TotalSeconds:F0} s behind: its disk is too slow, or the groups have no leader that confirms what is in it");
        if (status.CertificatesEndSeconds == 0) yield break;
        var left = DateTimeOffset.FromUnixTimeSeconds(status.CertificatesEndSeconds) - now;
        if (left < CertificateWarning)
            yield return new("certificate-ends", left < CertificateError, $"a certificate of {status.Name} {(left > TimeSpan.Zero ? $"ends in {left.TotalDays:F0} days" : "has ended")}: renew it (holdfast cert node); it is taken up without a restart");
    }

    private static IEnumerable<Finding> OfVersions(List<NodeAnswer> nodes)
    {
        var versions = nodes.GroupBy(node => node.Status!.Version, StringComparer.Ordinal).ToList();
        if (versions.Count > 1)
            yield return new("versions-differ", false, $"nodes run different versions ({string.Join("; ", versions.Select(same => $"{same.Key}: {string.Join(", ", same.Select(node => node.Name))}"))}): finish the upgrade");
    }

    private static IEnumerable<Finding> OfGroup(ulong number, List<NodeAnswer> nodes)
    {
        var replicas = nodes.SelectMany(node => node.Status!.Groups.Where(group => group.Group == number).Select(group => (Node: node.Status!, Group: group))).ToList();
        foreach (var term in replicas.Where(replica => replica.Group.Role == "leader").GroupBy(replica => replica.Group.Term).Where(term => term.Count() > 1))
            yield return new("split-brain", true, $"{string.Join(" and ", term.Select(replica => replica.Node.Name))} both lead term {term.Key} of {Called(number)}: stop clients from writing, keep every data directory, and compare the nodes before anything else");
        var newest = replicas.MaxBy(replica => replica.Group.Term).Group;
        if (replicas.All(replica => replica.Group.Leader is "0" or "0000000000000000" or ""))
            yield return new("no-leader", true, $"nobody leads {Called(number)}: a majority of its {newest.Voters.Count} voters must run and reach each other; if it never will again, see lost quorum in docs/operations.md");
        foreach (var (node, group) in replicas.Where(replica => replica.Group.CommitIndex - Math.Min(replica.Group.AppliedIndex, replica.Group.CommitIndex) > LagMax))
            yield return new("apply-backlog", false, $"{node.Name} has {group.CommitIndex - group.AppliedIndex} committed entries of {Called(number)} to apply: its processor is too slow for what is written");
        foreach (var (node, group) in replicas.Where(replica => replica.Group.Role == "leader"))
            foreach (var follower in group.Followers.Where(follower => follower.Lag > LagMax))
                yield return new("lag", false, $"{node.Members.FirstOrDefault(member => member.NodeId == follower.NodeId)?.Name ?? follower.NodeId} lacks {follower.Lag} entries of {Called(number)}: look at its disk and at the network to it");
        foreach (var finding in OfVoters(number, newest, replicas)) yield return finding;
    }

    private static IEnumerable<Finding> OfVoters(ulong number, GroupStatus group, List<(NodeStatus Node, GroupStatus Group)> replicas)
    {
        // The directory and the keyspace have the same voters: it is said once.
        if (number == 0)
        {
            if (group.Voters.Count == 1) yield return new("single-voter", false, "one node: nothing survives its loss. Three nodes survive the loss of one (holdfast token on this node, holdfast server --join on two more)");
            else if (group.Voters.Count % 2 == 0) yield return new("even-voters", false, $"{group.Voters.Count} voting nodes survive the loss of {(group.Voters.Count - 1) / 2}, no more than {group.Voters.Count - 1} would: add one or take one out");
        }

        foreach (var learner in group.Learners)
        {
            var name = replicas[0].Node.Members.FirstOrDefault(member => member.NodeId == learner)?.Name ?? learner;
            if (group.Voters.Count < 5) yield return new("learner-waits", false, $"{name} is a learner of {Called(number)}: it becomes a voter by itself once it has caught up, or, if it was added as a learner, when holdfast member promote asks for it; else look at its log");
        }
    }

    private static string Called(ulong group) => group switch { 0 => "the directory", 1 => "the etcd keyspace", _ => $"group {group}" };

    private static string Called(NodeAnswer answer) => answer.Name.Length > 0 ? $"{answer.Name} at {answer.Address}" : answer.Address;
}
