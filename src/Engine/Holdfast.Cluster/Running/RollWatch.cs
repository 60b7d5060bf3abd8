using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Cluster;

/// <summary>
/// Tells the operator of groups with too few whole voters (S8): whom they wait for, and, once all have answered, what no member could read any more. Each is
/// said once, for a group that waits does so until somebody brings the missing node back.
/// </summary>
internal sealed class RollWatch(Func<NodeId, string> nameOf, Action<string> warn)
{
    private readonly Dictionary<GroupId, (NodeId Awaited, RollHeld? Roll)> said = [];

    public void Look(GroupStatus status)
    {
        var before = said.GetValueOrDefault(status.Group);
        if (status.RollAwaits != NodeId.None && status.RollAwaits != before.Awaited)
            warn($"group {status.Group}: the logs of too many voters are damaged for a majority to elect a leader, so all members must answer, and {nameOf(status.RollAwaits)} has not agreed: "
                + "start it, with its own data, if it is down. Until then the group serves nothing, because what it acknowledged may be on that node alone");
        if (status.Roll is { } held && held != before.Roll) warn(SentenceOf(status.Group, held));
        said[status.Group] = (status.RollAwaits, status.Roll);
    }

    private static string SentenceOf(GroupId group, RollHeld held) => held.MayHaveLost
        ? $"group {group}: all members answered and elected the best log that is left, which ends at {held.Last}. Entries up to {held.DoubtUpTo} were on some disk and no member can read them: "
            + "writes in flight when the power went, or, if a disk lost what it had once written, acknowledged ones"
        : $"group {group}: all members answered and elected the best log, which ends at {held.Last}; nothing is missing";
}
