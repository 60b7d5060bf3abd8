using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// What a member does at every pulse, in this order: its replicas follow the directory, feature levels rise where they may, and the node that leads group 0 drives the procedures. Whoever leads next goes on from
/// what the groups say.
/// </summary>
internal sealed class ClusterRound
{
    private readonly INodeSeat seat;
    private readonly NodeHands hands;
    private readonly DataGroups dataGroups;
    private readonly LevelRaiser levels;
    private readonly ProcedureRunner runner;

    /// <summary>The rounds of one node.</summary>
    /// <param name="seat">The node.</param>
    /// <param name="view">The directory as this node knows it.</param>
    public ClusterRound(INodeSeat seat, Func<DirectoryView> view)
    {
        this.seat = seat;
        hands = new NodeHands(seat, view);
        dataGroups = new DataGroups(seat, hands.FindLeaderAsync);
        levels = new LevelRaiser(seat, hands, view);
        runner = new ProcedureRunner(view, hands) { Bug = seat.Bug };
    }

    /// <summary>The node's hands, which also answer others.</summary>
    public NodeHands Hands => hands;

    /// <summary>What the procedures under way wait for.</summary>
    public IReadOnlyDictionary<ulong, string> Waiting => runner.Waiting;

    /// <summary>One round.</summary>
    /// <param name="view">The directory now.</param>
    /// <param name="founding">What this node's cluster began with.</param>
    /// <param name="cancellation">The node stops.</param>
    public async Task StepAsync(DirectoryView view, Genesis founding, CancellationToken cancellation)
    {
        await dataGroups.FollowAsync(view, cancellation).ConfigureAwait(false);
        if (view.Cluster != ClusterId.None) await levels.StepAsync(cancellation).ConfigureAwait(false);
        if (hands.Find(GroupId.Directory) is not { Status.IsServingLeader: true })
        {
            runner.OnNotLeading();
            return;
        }

        foreach (var remains in ReservedPlace.Remains(view, seat.WallMicros)) await hands.ProposeAsync(remains, cancellation).ConfigureAwait(false);
        if (view.Cluster != ClusterId.None) await runner.StepAsync(cancellation).ConfigureAwait(false);
        else if (founding.Origin == GenesisOrigin.Founded) await hands.ProposeAsync(DirectoryCommand.Found(founding), cancellation).ConfigureAwait(false);
    }
}
