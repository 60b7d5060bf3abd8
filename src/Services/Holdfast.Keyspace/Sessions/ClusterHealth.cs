using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>
/// Whether the cluster serves (cluster_state): every slot has an owner, and no shard with slots has been without a leader for longer than a failover takes. Looked at now and then on the loop; a shard that is
/// without a leader for a moment changes nothing, because its clients wait for the next one.
/// </summary>
internal sealed class ClusterHealth
{
    /// <summary>A shard without a leader for so long is one whose quorum is away.</summary>
    private static readonly TimeSpan PatienceLeast = TimeSpan.FromSeconds(2);

    private readonly Dictionary<GroupId, Instant> leaderlessSince = [];

    /// <summary>Slots whose shard is without a leader, a moment or longer.</summary>
    public int SlotsSuspect { get; private set; }

    /// <summary>Slots whose shard is without a leader for so long that its quorum is away.</summary>
    public int SlotsFailed { get; private set; }

    /// <summary>Looks.</summary>
    public void Look(Topology topology, SettingTable settings, Instant now)
    {
        var (suspect, failed) = (0, 0);
        var patience = TimeSpan.FromMilliseconds(Math.Min(settings.NodeTimeoutMillis, 60_000));
        if (patience < PatienceLeast) patience = PatienceLeast;
        for (var i = 0; i < topology.Shards.Length; i++)
        {
            var shard = topology.Shards[i];
            var slots = 0;
            foreach (var (first, last) in shard.Slots) slots += last - first + 1;
            if (slots == 0 || topology.LeaderOf(i) != NodeId.None)
            {
                leaderlessSince.Remove(shard.Group);
                continue;
            }

            if (!leaderlessSince.TryGetValue(shard.Group, out var since)) leaderlessSince[shard.Group] = since = now;
            if (now - since >= patience) failed += slots;
            else suspect += slots;
        }

        (SlotsSuspect, SlotsFailed) = (suspect, failed);
    }

    /// <summary>Whether the cluster serves, by this node's settings.</summary>
    public bool IsOk(Topology topology, SettingTable settings) => topology.Alone is null && (!settings.RequiresFullCoverage || (topology.SlotsUnassigned == 0 && SlotsFailed == 0));
}
