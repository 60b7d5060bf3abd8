using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>Uses group 1 and whatever data groups there are, whoever has their replicas just now: nothing that was acknowledged may be lost while they move.</summary>
internal sealed class DataClient(ClusterWorld world) : ClusterClient(world)
{
    /// <summary>Registers of each group.</summary>
    public const byte Registers = 3;

    protected override void Act()
    {
        var groups = World.Groups[1..];
        var group = groups[Dice.Next(groups.Length)];
        var check = World.ProcedureCheck.LedgerOf(group);
        Target = Dice.Chance(0.8) && World.LeaderOf(group) is { } leader ? leader.Machine.Slot : Dice.Next(World.Options.Machines);
        var kind = Dice.Next(10) switch { < 4 => OperationKind.Get, < 9 => OperationKind.Put, _ => OperationKind.Delete };
        var wish = check.History.Call(Dice.Next(Registers), kind, (ulong)check.History.Operations.Count + 1, 0, World.Clock.Now);
        var command = new LedgerCommand(kind, (byte)wish.Key, false, wish.Value, 0, wish.Value).Encode(Dice.Next(60));
        Ask(
            process => process.GroupOf(group) is { } replica ? Propose(replica, command) : new((ProposeOutcome?)null),
            outcome => Hear(check, wish, outcome),
            _ => Later(Think()),
            () => Later(Think()));
    }

    private static async ValueTask<ProposeOutcome?> Propose(ReplicatedGroup replica, byte[] command) => await replica.ProposeAsync(command);

    private void Hear(LedgerCheck check, Operation wish, ProposeOutcome? outcome)
    {
        if (outcome is { IsApplied: true } applied)
        {
            check.History.Return(wish, applied.Reply is ulong before ? before : 0, World.Clock.Now);
            Count((ulong)wish.Id ^ applied.Position.Index.Value << 24);
        }
        else if (outcome is not { Status: ProposalStatus.Unknown })
        {
            // Nothing was written.
            check.WithoutEffect.Add(wish.Id);
            check.Refused.Add(wish.Value);
        }

        Later(Think());
    }
}
