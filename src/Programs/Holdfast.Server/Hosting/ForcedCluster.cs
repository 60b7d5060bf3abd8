using Holdfast.Cluster;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>
/// etcd's <c>--force-new-cluster</c>: this member's data becomes a new cluster of one, by the same recovery as <c>holdfast recover</c> (S12), with every other voter given up. The old directory is kept
/// beside the new one. A start that finds this member to be the only voter already does nothing, so the flag may be left on.
/// </summary>
internal static class ForcedCluster
{
    /// <summary>Before the node opens its data directory.</summary>
    /// <exception cref="DataDirectoryUnusableException">The data cannot be recovered from.</exception>
    public static void Apply(ServerPlan plan, NodeLog log)
    {
        var data = plan.DataDirectory.TrimEnd('/');
        var made = data + ".forced";

        // A process that died between the two renames left the new directory, whole, under its first name.
        if (!Directory.Exists(data) && Directory.Exists(made)) Directory.Move(made, data);
        if (!File.Exists(Path.Combine(data, GenesisFile.Name)))
        {
            log.Warn(NodeEvents.Recovery, $"--force-new-cluster: {data} holds no data of a cluster; this member begins as it would without the flag");
            return;
        }

        using (var recovery = new DisasterRecovery([data]))
        {
            if (!recovery.IsNeeded)
            {
                log.Warn(NodeEvents.Recovery, "--force-new-cluster: this member is the only voter already; remove the flag");
                return;
            }

            if (Directory.Exists(made)) Directory.Delete(made, recursive: true); // An earlier try that was never completed.
            recovery.Write(made, recovery.Absent, acceptsDamage: false);
            foreach (var line in recovery.Story) log.Say(NodeEvents.Recovery, line);
        }

        var aside = $"{data}.before-force-{DateTime.UtcNow:yyyyMMddHHmmss}";
        Directory.Move(data, aside);
        Directory.Move(made, data);
        log.Warn(NodeEvents.Recovery, $"--force-new-cluster: a new cluster of this member alone; writes that only other members had are lost, and old members are refused. The data as it was is in {aside}");
    }
}
