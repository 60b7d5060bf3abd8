using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// How many data groups take in newcomers at once: each newcomer fetches a whole state over the network and the disks that also serve clients. Learners that are silent do not count, so that a dead node holds
/// up nobody.
/// </summary>
internal static class TransferLimit
{
    /// <summary>Groups whose newcomers are filled at once in the whole cluster; the others wait for their turn.</summary>
    public const int GroupsAtOnceMax = 4;

    private static readonly Mark Waited = new("cluster: a newcomer waited because enough others were being filled", elsewhere: "ProcedureTests: simulated clusters have fewer groups than may be filled at once");

    /// <summary>Data groups with a learner that is being filled.</summary>
    public static int UnderWay(IEnumerable<GroupSighting> sightings) => sightings.Count(sighting => sighting.Group.Value > GroupId.Coordination.Value && sighting.Behind.Count > 0);

    /// <summary>Whether a change may be asked for now. Only one that brings newcomers to a data group ever waits.</summary>
    public static bool Admits(ProcedureAction.ChangeMembers change, int underWay)
    {
        if (underWay < GroupsAtOnceMax || !BringsNewcomers(change)) return true;
        Waited.Hit();
        return false;
    }

    /// <summary>Whether a change makes somebody a member of a data group who was none.</summary>
    public static bool BringsNewcomers(ProcedureAction.ChangeMembers change)
    {
        if (change.Group.Value <= GroupId.Coordination.Value) return false;
        foreach (var member in change.To.Members)
            if (!change.From.Contains(member.Node)) return true;
        return false;
    }
}
