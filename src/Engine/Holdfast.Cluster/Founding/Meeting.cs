using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// How nodes without a cluster find to one (Redis's CLUSTER MEET): a pure state machine. Whoever is told to meet another asks it, and goes on asking:
/// <code>
///              asked by Alone                   asked by Pledged     asked by Member
/// Alone        waits for nobody: founds; else   Wait                 Coming: asks in turn
///              Wait, with the lowest of those
///              that it waits for
/// Pledged      Wait                             Wait                 Wait
/// Member       Come                             Come, if promised    Same, or Apart
///                                               to this cluster
/// </code>
/// A node gives up being alone in one of two durable steps, and each once: the genesis of a cluster of its own, or the promise to join another's. A node with a genesis has or may have data and never joins (S23);
/// a node without one has none, in no face, because nothing is served before there is a genesis. So whether it is empty and that it lets go of itself is one decision.
/// Nodes that wait for each other in a ring see it because the lowest of them hears its own number from the one that it waits for: that one founds.
/// </summary>
public sealed class Meeting
{
    private const int WishesMax = 64;

    private static readonly Mark RingSeen = new("cluster: nodes that were told to meet each other in a ring found out, and the lowest founded", elsewhere: "MeetingTests: how nodes find each other is a model of its own");
    private static readonly Mark TwoClusters = new("cluster: two nodes were told to meet that belong to two clusters, and both kept theirs", elsewhere: "MeetingTests: how nodes find each other is a model of its own");
    private static readonly Mark ComesByItself = new("cluster: a member was told to meet a node without a cluster, which then asked to join", elsewhere: "MeetingTests: how nodes find each other is a model of its own");

    private readonly NodeId self;
    private readonly PlantedMeetBug bug;
    private readonly List<string> wishes = [];
    private NodeId lowestAhead;

    /// <summary>A node as it starts: with what it finds on its disk.</summary>
    /// <param name="self">Who it is.</param>
    /// <param name="standing">What its disk says.</param>
    /// <param name="cluster">Its cluster, or the one that it has promised to join.</param>
    /// <param name="bug">For the model.</param>
    public Meeting(NodeId self, MeetStanding standing, ClusterId cluster, PlantedMeetBug bug = PlantedMeetBug.None) =>
        (this.self, Standing, Cluster, this.bug) = (self, standing, cluster, bug);

    /// <summary>How far it is.</summary>
    public MeetStanding Standing { get; private set; }

    /// <summary>Its cluster, or the one that it has promised to join; none while it is alone.</summary>
    public ClusterId Cluster { get; private set; }

    /// <summary>Whom it has to ask, "host:port" of peer ports; a node that is alone asks the first, a member all of them.</summary>
    public IReadOnlyList<string> Wishes => wishes;

    /// <summary>It was told to meet another; false when it was told so of too many already.</summary>
    public bool Wish(string target)
    {
        if (wishes.Contains(target)) return true;
        if (wishes.Count >= WishesMax) return false;
        wishes.Add(target);
        return true;
    }

    /// <summary>That wish cannot be had: nobody has answered there for long.</summary>
    public void GiveUp(string target)
    {
        if (wishes.Count > 0 && wishes[0] == target) lowestAhead = NodeId.None;
        wishes.Remove(target);
    }

    /// <summary>Another node asks. The caller carries out the step before it sends the answer, and adds a token to <see cref="MeetVerdict.Come"/>.</summary>
    public (MeetAnswer Answer, MeetStep Step) OnAsked(MeetQuestion question, string askerTarget)
    {
        if (question.Member.Node == self) return (Say(MeetVerdict.Same), MeetStep.None);
        switch (Standing)
        {
            case MeetStanding.Member when question.Standing == MeetStanding.Alone:
                return (Say(MeetVerdict.Come), MeetStep.None);
            case MeetStanding.Member:
                var isOurs = question.Cluster == Cluster;
                if (!isOurs) TwoClusters.Hit();
                return (Say(!isOurs ? bug == PlantedMeetBug.MemberComes ? MeetVerdict.Come : MeetVerdict.Apart : question.Standing == MeetStanding.Pledged ? MeetVerdict.Come : MeetVerdict.Same), MeetStep.None);
            case MeetStanding.Pledged:
                return (Say(MeetVerdict.Wait), bug == PlantedMeetBug.PledgedFounds ? MeetStep.Found : MeetStep.None);
            default:
                return OnAskedAlone(question, askerTarget);
        }
    }

    /// <summary>The one that was asked has answered. The caller carries out the step; <see cref="MeetStep.Pledge"/> with the token of the answer.</summary>
    public MeetStep OnAnswer(string target, MeetAnswer answer)
    {
        if (!wishes.Contains(target) && Standing != MeetStanding.Pledged) return MeetStep.None;
        if (Standing == MeetStanding.Member && answer.Verdict == MeetVerdict.Come && bug == PlantedMeetBug.MemberComes) return MeetStep.Pledge;
        switch (answer.Verdict)
        {
            case MeetVerdict.Come when Standing == MeetStanding.Alone:
                return MeetStep.Pledge;
            case MeetVerdict.Come when Standing == MeetStanding.Pledged && answer.Cluster == Cluster:
                return MeetStep.Join;
            case MeetVerdict.Same or MeetVerdict.Apart or MeetVerdict.Removed when Standing != MeetStanding.Pledged:
                GiveUp(target);
                return MeetStep.None;
            case MeetVerdict.Wait when Standing == MeetStanding.Alone && wishes[0] == target:
                if (answer.Lowest == self && bug != PlantedMeetBug.RingUnseen)
                {
                    RingSeen.Hit();
                    return MeetStep.Found;
                }

                lowestAhead = answer.Lowest;
                return MeetStep.None;
            default:
                return MeetStep.None; // Asked again: it is on its way, or has to find to a cluster itself.
        }
    }

    /// <summary>The genesis of a cluster is durable, its own or the one that it joined.</summary>
    public void OnMember(ClusterId cluster)
    {
        Invariant.Holds(Standing != MeetStanding.Member || Cluster == cluster || bug != PlantedMeetBug.None, "a node that has a genesis was to be given another");
        Invariant.Holds(Standing != MeetStanding.Pledged || Cluster == cluster || bug != PlantedMeetBug.None, "a node joined another cluster than the one that it had promised to join");
        (Standing, Cluster, lowestAhead) = (MeetStanding.Member, cluster, NodeId.None);
    }

    /// <summary>The promise to join a cluster is durable.</summary>
    public void OnPledged(ClusterId cluster)
    {
        Invariant.Holds(Standing == MeetStanding.Alone || bug != PlantedMeetBug.None, "a node that is not alone promised to join a cluster (S23)");
        (Standing, Cluster, lowestAhead) = (MeetStanding.Pledged, cluster, NodeId.None);
    }

    private (MeetAnswer Answer, MeetStep Step) OnAskedAlone(MeetQuestion question, string askerTarget)
    {
        if (question.Standing == MeetStanding.Member)
        {
            // It was told of us, and cannot come: so we ask, before anybody else.
            ComesByItself.Hit();
            wishes.Remove(askerTarget);
            wishes.Insert(0, askerTarget);
            lowestAhead = NodeId.None;
            return (Say(MeetVerdict.Coming), MeetStep.None);
        }

        if (question.Standing == MeetStanding.Pledged) return (Say(MeetVerdict.Wait), MeetStep.None);
        if (wishes.Count == 0 || bug == PlantedMeetBug.WaitingFounds) return (Say(MeetVerdict.Wait), MeetStep.Found);
        var lowest = lowestAhead == NodeId.None || self.CompareTo(lowestAhead) < 0 ? self : lowestAhead;
        return (Say(MeetVerdict.Wait) with { Lowest = lowest }, MeetStep.None);
    }

    private MeetAnswer Say(MeetVerdict verdict) => new(verdict, self, Standing == MeetStanding.Member ? Cluster : ClusterId.None, NodeId.None, "");
}
