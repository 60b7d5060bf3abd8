using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Cluster;

/// <summary>
/// Rolling upgrades, on every node: says in the directory what this node's program can do, and raises the feature level of the groups that this node leads once every member's program knows the next one.
/// A member that does not answer holds the level down: it could come back with the program that it had.
/// </summary>
internal sealed class LevelRaiser(INodeSeat seat, NodeHands hands, Func<DirectoryView> view)
{
    /// <summary>Looks, of which every tenth asks or tells: an upgrade takes minutes.</summary>
    private const int LooksBetween = 10;

    private static readonly Mark Followed = new("cluster: a young group was raised to the directory's feature level");
    private static readonly Mark Raised = new("cluster: a group's feature level was raised when every member knew it");
    private static readonly Mark Held = new("cluster: a feature level stayed because a member's running program did not confirm it");

    private int looks;

    /// <summary>One look.</summary>
    public async Task StepAsync(CancellationToken cancellation)
    {
        var sure = hands.Find(GroupId.Directory)?.Status.FeatureLevel ?? 0;
        foreach (var group in seat.Groups) await FollowAsync(group, sure).ConfigureAwait(false);
        if (looks++ % LooksBetween != 0) return;
        var now = view();
        if (FeatureGate.Renewed(now, seat.Member) is { } record) await hands.ProposeAsync(DirectoryCommand.UpdateMember(record), cancellation).ConfigureAwait(false);
        uint?[]? answers = null;
        foreach (var group in seat.Groups)
        {
            var status = group.Status;
            if (!status.IsServingLeader) continue;
            var target = FeatureGate.Target(now, status.FeatureLevel, seat.FeatureLevelKnown);
            if (target <= status.FeatureLevel) continue;
            answers ??= await AskAllAsync(now, cancellation).ConfigureAwait(false);
            if (!FeatureGate.MayRise(target, answers))
            {
                Held.Hit();
                return;
            }

            var outcome = await group.RaiseFeatureLevelAsync(target).ConfigureAwait(false);
            if (!outcome.IsApplied) continue;
            Raised.Hit();
            seat.Say($"group {group.Id}: feature level {status.FeatureLevel} becomes {target}: every member's program knows it; older programs can no longer run it");
        }
    }

    /// <summary>A group that was made after the last rise begins below it: every member knows the directory's level, or it would be none, so nobody needs to be asked.</summary>
    private static async Task FollowAsync(ReplicatedGroup group, uint sure)
    {
        if (group.Status is { IsServingLeader: true } status && status.FeatureLevel < sure && (await group.RaiseFeatureLevelAsync(sure).ConfigureAwait(false)).IsApplied) Followed.Hit();
    }

    private async Task<uint?[]> AskAllAsync(DirectoryView now, CancellationToken cancellation)
    {
        var asked = now.Members.Keys.Select(node => hands.LevelOfAsync(node, cancellation).AsTask());
        return await Task.WhenAll(asked).ConfigureAwait(false);
    }
}
