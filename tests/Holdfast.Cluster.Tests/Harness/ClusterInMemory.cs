using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>Groups that obey at once, and a list of all that was asked of them: the hands of a runner.</summary>
internal sealed class ClusterInMemory : IClusterHands
{
    public ClusterInMemory(params ulong[] founders)
    {
        Directory = Cast.Founded(founders);
        Groups[GroupId.Directory] = Groups[GroupId.Coordination] = Cast.GenesisOf(founders).InitialConfiguration();
    }

    public DirectoryState Directory { get; }

    public SortedDictionary<GroupId, Configuration> Groups { get; } = [];

    public Dictionary<GroupId, uint> Levels { get; } = [];

    public HashSet<NodeId> Slow { get; } = [];

    public HashSet<NodeId> Silent { get; } = [];

    public bool IsDeposed { get; set; }

    public HashSet<GroupId> Unreachable { get; } = [];

    public List<string> Journal { get; } = [];

    public int Looks { get; private set; }

    public Action? BeforeEachAction { get; set; }

    public ValueTask<GroupSighting?> SightAsync(GroupId group, CancellationToken cancellation)
    {
        Looks++;
        if (Unreachable.Contains(group) || !Groups.TryGetValue(group, out var configuration)) return new((GroupSighting?)null);
        var caughtUp = configuration.Members.ToArray().Select(member => member.Node).Where(node => !Slow.Contains(node));
        return new(new GroupSighting(group, configuration, Levels.GetValueOrDefault(group, 1u), [.. caughtUp]) { Behind = [.. configuration.Members.ToArray().Where(member => !member.CountsForQuorum && Slow.Contains(member.Node)).Select(member => member.Node)] });
    }

    public ValueTask<bool> ConfirmAsync(CancellationToken cancellation) => new(!IsDeposed);

    public ValueTask<bool> AnswerEnoughAsync(GroupId group, Configuration members, CancellationToken cancellation)
    {
        var counted = members.Members.ToArray().Where(member => member.CountsForQuorum).ToArray();
        return new(counted.Count(member => !Silent.Contains(member.Node)) > counted.Length / 2);
    }

    public ValueTask ChangeMembersAsync(ProcedureAction.ChangeMembers change, CancellationToken cancellation)
    {
        BeforeEachAction?.Invoke();
        Assert.Equal(Groups[change.Group], change.From);
        Groups[change.Group] = change.To;
        Journal.Add($"group {change.Group}: {change.To}");
        return default;
    }

    public ValueTask ProposeAsync(byte[] directoryCommand, CancellationToken cancellation)
    {
        BeforeEachAction?.Invoke();
        Assert.True(Directory.Tell(directoryCommand).Accepted);
        return default;
    }

    /// <summary>Runs until nothing is left to do, each round with a new runner: as if leadership changed all the time.</summary>
    public void Settle()
    {
        for (var rounds = 0; rounds < 100; rounds++)
        {
            var step = new ProcedureRunner(() => Directory.View, this).StepAsync(CancellationToken.None);
            Assert.True(step.IsCompletedSuccessfully);
            if (step.Result == 0) return;
        }

        Assert.Fail("the procedures never came to rest");
    }
}
