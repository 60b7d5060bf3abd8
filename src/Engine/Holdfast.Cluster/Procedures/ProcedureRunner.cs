using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>What a runner needs done. Real: the node's groups, and the other nodes over control calls. In tests: a cluster in memory.</summary>
public interface IClusterHands
{
    /// <summary>What the group's leader says about it, or null when nobody is reached.</summary>
    ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation);

    /// <summary>Whether this node certainly leads the directory now, and has applied all that was decided there until now.</summary>
    ValueTask<bool> ConfirmAsync(CancellationToken cancellation);

    /// <summary>Whether a majority of those who would decide in a group answer.</summary>
    ValueTask<bool> AnswerEnoughAsync(GroupId group, Configuration members, CancellationToken cancellation);

    /// <summary>Asks the group's leader for a change of members. It may be refused, or its outcome stay unknown: the next look tells.</summary>
    ValueTask ChangeMembersAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation);

    /// <summary>Proposes a command to the directory. Its outcome may stay unknown: all of them are idempotent.</summary>
    ValueTask ProposeAsync(byte[] directoryCommand, CancellationToken cancellation);
}

/// <summary>
/// Drives the procedures of the directory on the node that leads group 0: looks, asks <see cref="Procedure"/> for the next action, does it, and looks again.
/// Whoever leads next simply goes on. Two runners at once do no harm: every change names the configuration it starts from, and is asked for only by who has been confirmed as the directory's leader since it was found
/// necessary, by a directory that has not changed meanwhile.
/// </summary>
public sealed class ProcedureRunner(Func<DirectoryView> view, IClusterHands hands)
{
    /// <summary>Groups that need nothing are looked at once in so many rounds, which at a node's pulse is every five seconds: with hundreds of groups each look is hundreds of calls.</summary>
    private const int RoundsAtRest = 25;

    private static readonly Mark TakenUp = new("cluster: a procedure was taken up by a node that did not lead when it began");

    private static readonly Mark Outdated = new("cluster: a change was not asked for because another leads the directory, or it changed meanwhile");
    private static readonly Mark TooFewAnswer = new("cluster: a change waited because too few of those who would decide answered");

    private DirectoryView? restsAt;
    private ulong ledFrom = ulong.MaxValue;
    private int roundsAtRest;
    private int transfers;
    private volatile ImmutableSortedDictionary<ulong, string> waiting = ImmutableSortedDictionary<ulong, string>.Empty;

    /// <summary>What the procedures under way wait for, by their number; for all threads.</summary>
    public ImmutableSortedDictionary<ulong, string> Waiting => waiting;

    /// <summary>The mistake that is planted.</summary>
    internal PlantedProcedureBug Bug { get; init; }

    /// <summary>This node does not lead group 0: what is waited for is another's to know.</summary>
    public void OnNotLeading() => (restsAt, ledFrom, waiting) = (null, ulong.MaxValue, ImmutableSortedDictionary<ulong, string>.Empty);

    /// <summary>One round over everything under way. Returns how many actions were taken; zero means that there is nothing to do now.</summary>
    public async ValueTask<int> StepAsync(CancellationToken cancellation)
    {
        var seen = view();
        if (ReferenceEquals(restsAt, seen) && ++roundsAtRest % RoundsAtRest != 0) return 0;
        restsAt = null;
        if (ledFrom == ulong.MaxValue) ledFrom = seen.NextProcedure;
        var sightings = new SortedDictionary<GroupId, GroupSighting>();
        GroupId[] groups = [GroupId.Directory, GroupId.Coordination, .. seen.Groups.Keys];
        foreach (var group in groups)
            if (await hands.SightAsync(group, cancellation).ConfigureAwait(false) is { } sighting) sightings[group] = sighting;

        transfers = TransferLimit.UnderWay(sightings.Values);
        var waits = ImmutableSortedDictionary.CreateBuilder<ulong, string>();
        var taken = 0;
        var touched = new HashSet<GroupId>();
        var isAnyRunning = false;
        foreach (var (id, procedure) in seen.Procedures)
        {
            if (procedure.State != ProcedureState.Running || (Bug == PlantedProcedureBug.ProcedureNotResumed && id < ledFrom)) continue;
            isAnyRunning |= procedure.Move is null; // Moves are driven by their source's leader, and hold nothing up here.
            var action = Bug == PlantedProcedureBug.RecordTakenForGroup && IsNowherePlaced(procedure, seen) ? new ProcedureAction.Finish(true, "") : Procedure.Next(procedure, seen, sightings);
            if (action is ProcedureAction.Wait wait) waits[id] = wait.For;
            else if (await TakeAsync(id, action, seen, touched, waits, cancellation).ConfigureAwait(false)) taken++;
            if (action is ProcedureAction.Finish && id < ledFrom) TakenUp.Hit();
        }

        waiting = waits.ToImmutable();
        if (Bug == PlantedProcedureBug.SweepForgotten) return taken;
        var needsNothing = !isAnyRunning && sightings.Count == groups.Length;
        foreach (var (group, sighting) in sightings)
        {
            // Who belongs to groups 0 and 1 is the procedures' to say while there are any; a data group's record says it at all times, and waits for nobody's joining.
            if (isAnyRunning && !seen.Groups.ContainsKey(group)) continue;
            if (Procedure.Sweep(seen, sighting, Bug) is not { } sweep) continue;
            needsNothing = false;
            if (sweep is not ProcedureAction.Wait && await TakeAsync(0, sweep, seen, touched, waits, cancellation).ConfigureAwait(false)) taken++;
        }

        if (needsNothing) restsAt = seen;
        return taken;
    }

    private static bool IsNowherePlaced(ProcedureRecord procedure, DirectoryView view) =>
        procedure.Kind == ProcedureKind.RemoveNode && !view.Groups.Values.Any(group => group.Replicas.Any(place => place.Node == procedure.Subject));

    private async ValueTask<bool> TakeAsync(ulong procedure, ProcedureAction action, DirectoryView seen, HashSet<GroupId> touched, ImmutableSortedDictionary<ulong, string>.Builder waits, CancellationToken cancellation)
    {
        switch (action)
        {
            // One change to a group in a round: the second would start from a configuration that the first has just replaced.
            case ProcedureAction.ChangeMembers change when TransferLimit.Admits(change, transfers) && !touched.Contains(change.Group):
                if (!await AnswerEnoughAsync(change, cancellation).ConfigureAwait(false))
                {
                    waits[procedure] = $"group {change.Group}: of the members that it is to have, {change.To}, too few answer";
                    return false;
                }

                if (!await IsConfirmedAsync(seen, cancellation).ConfigureAwait(false)) return false;
                touched.Add(change.Group);
                if (TransferLimit.BringsNewcomers(change)) transfers++;
                await hands.ChangeMembersAsync(change, cancellation).ConfigureAwait(false);
                return true;
            case ProcedureAction.PlaceReplicas place:
                await hands.ProposeAsync(DirectoryCommand.PlaceGroup(place.Group, place.Replicas), cancellation).ConfigureAwait(false);
                return true;
            case ProcedureAction.Finish finish:
                await hands.ProposeAsync(DirectoryCommand.FinishProcedure(procedure, finish.IsDone, finish.Note), cancellation).ConfigureAwait(false);
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// A change to members of whom too few are there would be begun and never end: it needs a majority of the old and of the new ones, and until it has ended nobody can be replaced (joint consensus, Raft paper 6).
    /// </summary>
    private async ValueTask<bool> AnswerEnoughAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation)
    {
        if (Bug == PlantedProcedureBug.SilentMembersTaken || change.From.HasSameQuorumAs(change.To) || await hands.AnswerEnoughAsync(change.Group, change.To, cancellation).ConfigureAwait(false)) return true;
        TooFewAnswer.Hit();
        return false;
    }

    /// <summary>A leader that was deposed and does not know it yet would undo what its successor does, and count on nodes that were removed since.</summary>
    private async ValueTask<bool> IsConfirmedAsync(DirectoryView seen, CancellationToken cancellation)
    {
        if (Bug == PlantedProcedureBug.DriverNotConfirmed) return true;
        var isLeader = await hands.ConfirmAsync(cancellation).ConfigureAwait(false);
        var now = view();
        if (isLeader && ReferenceEquals(now.Members, seen.Members) && ReferenceEquals(now.Groups, seen.Groups) && ReferenceEquals(now.Procedures, seen.Procedures)) return true;
        Outdated.Hit();
        return false;
    }
}
