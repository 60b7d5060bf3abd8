namespace Holdfast.Cluster;

/// <summary>How many replicas the members can carry.</summary>
public static class ReplicaCount
{
    /// <summary>The largest odd number, not above what is wanted, for which there are nodes: those that carry the face, and witnesses for a minority of the places. At least one.</summary>
    public static int For(DirectoryView view, string face, int wanted)
    {
        var carriers = view.Members.Values.Count(member => member.Roles.Carry(face));
        var witnesses = view.Members.Values.Count(member => member.Roles.Witnesses(face));
        for (var replicas = wanted % 2 == 0 ? wanted - 1 : wanted; replicas > 1; replicas -= 2)
            if (replicas <= carriers + Math.Min(witnesses, Placement.WitnessesMax(replicas))) return replicas;
        return 1;
    }
}
