using Holdfast.Coordination;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Uses a ledger as an embedder of groups would: under a session a wish whose fate is unknown is repeated under its number until it is answered, and is
/// executed once all the same (S11).
/// </summary>
internal sealed class LedgerClient : ClusterClient
{
    private const byte Registers = 3;

    private static readonly Mark Repeated = new("sim: a wish was repeated under its number");
    private static readonly Mark AnsweredEarly = new("sim: a command was answered before it was committed, as its client had asked for");
    private static readonly Mark SessionLost = new("sim: a client's session was evicted");

    private readonly GroupId group;
    private readonly LedgerCheck check;
    private readonly bool usesSession;
    private readonly bool isBulky;
    private readonly SeededRandom classDice;
    private ulong session;
    private ulong sequence;
    private Operation? open;
    private byte[] command = [];
    private bool wasRepeated, isAsync;

    public LedgerClient(ClusterWorld world, GroupId group, int number)
        : base(world)
    {
        (this.group, isBulky) = (group, number == 0 && world.Options.HasBulkyClient);
        classDice = new SeededRandom(world.Options.Seed ^ 0xC1A5_5E5 ^ (ulong)number);
        check = group == ClusterWorld.Ledger ? world.LedgerCheck : world.ExecutorCheck;
        usesSession = Dice.Chance(world.Options.ChunksMax > 3 ? 0.2 : 0.7) && !isBulky;
    }

    protected override void Act()
    {
        if (Dice.Chance(0.1)) Target = Dice.Next(World.Options.Machines);
        if (usesSession && session == 0) OpenSession();
        else if (open is not null) Propose();
        else if (group == ClusterWorld.Ledger && Dice.Chance(0.15)) ReadStale();
        else if (usesSession && Dice.Chance(0.03)) Forget();
        else Wish();
    }

    /// <summary>As a client that restarts: its old session stays behind until it is evicted.</summary>
    private void Forget()
    {
        session = 0;
        Later(Think());
    }

    private void OpenSession() => Ask(
        process => process.GroupOf(group).OpenSessionAsync(),
        outcome =>
        {
            if (outcome is { IsApplied: true, Reply: ulong id })
            {
                (session, sequence) = (id, 0);
                Count(id);
            }

            Retarget();
        },
        _ => Later(Think()),
        () => Later(Think()));

    private void Wish()
    {
        // Where files by hash are to be shared by successive snapshots, most registers seldom change.
        var key = World.Options.Pressure == ClusterPressure.RottenFiles && !Dice.Chance(0.05) ? (byte)0 : (byte)Dice.Next(Registers);
        var kind = Dice.Next(10) switch { < 3 => OperationKind.Get, < 7 => OperationKind.Put, < 8 => OperationKind.Delete, _ => OperationKind.CompareAndSwap };
        var history = check.History;
        open = history.Call(key, kind, (ulong)history.Operations.Count + 1, LastSeen(key), World.Clock.Now);
        var wish = new LedgerCommand(kind, key, Dice.Chance(0.1), open.Value, open.Expected, open.Value);
        // What may be refused for its size for ever is wished for without a session: there nobody repeats it.
        var chunks = usesSession ? 3 : World.Options.ChunksMax;
        command = wish.Encode(isBulky && !World.IsHealed ? World.Options.UncommittedBytesMax + Dice.Next(World.Options.ChunkBytes) : Dice.Next(10) switch { < 6 when chunks == 3 => 0, < 8 => Dice.Next(100), _ => Dice.Next(World.Options.ChunkBytes * chunks) });
        (sequence, wasRepeated, isAsync) = (sequence + 1, false, group == ClusterWorld.Executor && classDice.Chance(World.Options.AsyncShare));
        Propose();
    }

    /// <summary>Looks at what a node has, if that is young enough (S14).</summary>
    private void ReadStale()
    {
        var (bound, calledAt) = (Dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(1500)), World.Clock.Now);
        Target = Dice.Next(World.Options.Machines);
        Ask(
            process => AppliedAt(process, bound),
            shown =>
            {
                if (shown is { } index)
                {
                    check.OnStaleRead(calledAt, bound, index);
                    Count(index.Value);
                }

                Later(Think());
            },
            _ => Later(Think()),
            () => Later(Think()));
    }

    private async ValueTask<LogIndex?> AppliedAt(ClusterProcess process, TimeSpan bound)
    {
        var replica = process.GroupOf(group);
        try
        {
            return await replica.ReadAsync(() => replica.Replica.State!.Applied.Index, ReadConsistency.Stale(bound));
        }
        catch (ReadRefusedException)
        {
            return null;
        }
    }

    private void Propose()
    {
        var (operation, bytes, options) = (open!, command, new ProposeOptions { Durability = isAsync ? Durability.Async : Durability.Quorum, Session = usesSession ? session : 0, Sequence = usesSession ? sequence : 0 });
        Ask(
            process => Propose(process, operation, bytes, options),
            outcome => Hear(operation, outcome),
            _ => Later(Think()),
            () =>
            {
                if (usesSession) Repeat();
                else open = null;
                Later(Think());
            });
    }

    /// <summary>What a node answers is looked at as it leaves the node, and not only when it arrives.</summary>
    private async ValueTask<ProposeOutcome> Propose(ClusterProcess process, Operation operation, byte[] bytes, ProposeOptions options)
    {
        var replica = process.GroupOf(group);
        var outcome = await replica.ProposeAsync(bytes, options);
        if (group == ClusterWorld.Executor && outcome is { IsApplied: true, Reply: ulong before })
        {
            if (options.Durability == Durability.Quorum) check.OnReplied(process.Node, outcome.Position, replica.Replica.State!.Applied.Index);
            else if (operation.HasEffect(before)) check.OnRepliedEarly(process.Node, outcome.Position, operation.Value);
        }

        return outcome;
    }

    private void Hear(Operation operation, in ProposeOutcome outcome)
    {
        switch (outcome.Status)
        {
            case ProposalStatus.Applied when isAsync:
                // What was changed may still be lost, so in the history it may happen at any time, or never; what was only looked at says nothing at all.
                if (outcome.Reply is ulong shown && !operation.HasEffect(shown)) check.WithoutEffect.Add(operation.Id);
                AnsweredEarly.Hit();
                Count((ulong)operation.Id ^ outcome.Position.Index.Value << 24);
                open = null;
                Later(Think());
                return;
            case ProposalStatus.Applied:
                operation.ObservesPrior = outcome.Reply is ulong;
                check.History.Return(operation, outcome.Reply is ulong before ? before : 0, World.Clock.Now);
                check.OnAcknowledged(World.Clock.Now, outcome.Position.Index);
                Count((ulong)operation.Id ^ outcome.Position.Index.Value << 24);
                open = null;
                Later(Think());
                return;
            case ProposalStatus.SessionEvicted:
                SessionLost.Hit();
                if (!wasRepeated) Refuse(operation);
                (open, session) = (null, 0);
                break;
            case ProposalStatus.TooLarge:
                // Its effects will be too large whenever it is asked again, under a session too: it is given up.
                if (!wasRepeated) Refuse(operation);
                open = null;
                break;
            case ProposalStatus.Unknown when usesSession:
                Repeat();
                break;
            case ProposalStatus.Unknown:
                open = null;
                break;
            default:
                // Nothing was written. Without a session that is the end of the wish; with one it is asked again.
                if (usesSession) break;
                Refuse(operation);
                open = null;
                break;
        }

        Retarget();
    }

    private void Repeat()
    {
        Repeated.Hit();
        wasRepeated = true;
    }

    private void Refuse(Operation operation)
    {
        check.WithoutEffect.Add(operation.Id);
        ClusterCheck.Require(!check.WasExecuted(operation.Value), $"wish {operation.Value} was executed, and its client was told that it was not");
        check.Refused.Add(operation.Value);
    }

    private void Retarget()
    {
        if (isBulky && World.LeaderOf(group) is { } leading)
        {
            // It insists, and knows whom to ask.
            Target = leading.Machine.Slot;
            Later(TimeSpan.FromMilliseconds(1 + Dice.Next(12)));
            return;
        }

        // A group that executes at append is asked at its leader.
        Target = group == ClusterWorld.Executor && Dice.Chance(0.7) && World.LeaderOf(group) is { } leader ? leader.Machine.Slot : Dice.Next(World.Options.Machines);
        Later(TimeSpan.FromMilliseconds(5 + Dice.Next(40)));
    }

    private ulong LastSeen(byte key)
    {
        for (var i = check.History.Operations.Count - 1; i >= 0 && i > check.History.Operations.Count - 20; i--)
            if (check.History.Operations[i] is { HasReturned: true, ObservesPrior: true } operation && operation.Key == key) return operation.Apply(operation.Observed);
        return 0;
    }
}
