using Holdfast.Primitives;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Raft;

/// <summary>How a server answered.</summary>
internal enum AnswerKind : byte
{
    Done = 0,

    /// <summary>Nothing was written; another may know better.</summary>
    Refused = 1,
}

/// <summary>A client that has one operation under way, and begins another when it was answered or has waited too long.</summary>
internal sealed class ToyClient(RaftWorld world)
{
    private readonly SeededRandom dice = world.Dice.Fork();
    private Operation? current;
    private int target;
    private long answeredAt = -1;

    public bool AnsweredSince(long time) => answeredAt > time;

    public void Begin() => world.Clock.After(dice.NextSpan(TimeSpan.Zero, world.Options.ThinkTime), Call);

    private void Call()
    {
        if (world.IsClosing) return;
        var key = dice.Next(world.Options.Keys);
        var kind = dice.Chance(world.Options.ReadShare) ? OperationKind.Get : dice.Next(10) switch { < 6 => OperationKind.Put, < 7 => OperationKind.Delete, _ => OperationKind.CompareAndSwap };
        var value = (ulong)world.History.Operations.Count + 1;
        var expected = LastSeen(key);
        var operation = current = world.History.Call(key, kind, value, expected, world.Clock.Now);
        if (dice.Chance(world.Options.ClientsRoam ? 0.6 : 0.1)) target = dice.Next(world.Sites.Count);
        var site = world.Sites[target];
        Travel(() => site.Process?.OnClient(operation, (kind, observed, hint) => Travel(() => Answered(operation, kind, observed, hint))));
        world.Clock.After(world.Options.ClientTimeout, () =>
        {
            if (current == operation) GiveUp();
        });
    }

    private ulong LastSeen(int key)
    {
        // Half of the swaps aim at a value that was there a moment ago, so that some succeed.
        for (var i = world.History.Operations.Count - 1; i >= 0 && i > world.History.Operations.Count - 20; i--)
        {
            var operation = world.History.Operations[i];
            if (operation.Key == key && operation.HasReturned) return operation.Apply(operation.Observed);
        }

        return 0;
    }

    private void Answered(Operation operation, AnswerKind kind, ulong observed, NodeId hint)
    {
        if (current != operation) return; // Given up: what comes now is not believed.
        if (kind == AnswerKind.Done)
        {
            world.History.Return(operation, observed, world.Clock.Now);
            world.Note((ulong)operation.Id << 32 ^ observed);
            answeredAt = world.Clock.Now;
        }
        else
        {
            world.WithoutEffect.Add(operation.Id);
            target = hint != NodeId.None && world.SiteOf(hint) is { } site ? site.Slot : dice.Next(world.Sites.Count);
        }

        current = null;
        world.Clock.After(kind == AnswerKind.Done ? dice.NextSpan(TimeSpan.Zero, world.Options.ThinkTime) : TimeSpan.FromMilliseconds(5 + dice.Next(30)), Call);
    }

    private void GiveUp()
    {
        current = null;
        target = dice.Next(world.Sites.Count);
        Call();
    }

    private void Travel(Action arrive)
    {
        if (!world.IsHealed && dice.Chance(world.Options.Drop / 2)) return;
        world.Clock.After(dice.NextSpan(world.Options.DelayMin, world.Options.DelayMax), arrive);
    }
}
