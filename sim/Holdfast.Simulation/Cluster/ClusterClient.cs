using Google.Protobuf;
using Holdfast.Coordination;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>A client of the cluster: it wants one thing at a time from one node at a time, waits so long, and tries elsewhere.</summary>
internal abstract class ClusterClient
{
    private ulong wish;
    private bool isWaiting;

    protected ClusterClient(ClusterWorld world)
    {
        World = world;
        Dice = world.Dice.Fork();
        Target = Dice.Next(world.Options.Machines);
    }

    /// <summary>Answers that told the client something.</summary>
    public int Answered { get; private set; }

    public long AnsweredAt { get; private set; } = -1;

    protected ClusterWorld World { get; }

    protected SeededRandom Dice { get; }

    protected int Target { get; set; }

    /// <summary>Whether the client wishes for nothing any more.</summary>
    protected virtual bool IsOver => World.IsClosing;

    public void Begin() => World.Clock.After(Dice.NextSpan(TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(900)), Next);

    /// <summary>Whether the healed cluster gave the client all that it waits for; null when it did, else what is missing.</summary>
    public virtual string? Missing() => AnsweredAt > World.Options.Storm.Ticks ? null : "was never answered again after healing";

    /// <summary>Wishes for the next thing.</summary>
    protected abstract void Act();

    protected void Next()
    {
        if (!IsOver) Act();
    }

    protected void Later(TimeSpan delay) => World.Clock.After(delay, Next);

    protected TimeSpan Think() => Dice.NextSpan(TimeSpan.Zero, World.Options.ThinkTime);

    /// <summary>Asks the target; <paramref name="answered"/> hears the answer, or the error, or neither and then <paramref name="gaveUp"/> is called.</summary>
    protected void Ask<T>(Func<ClusterProcess, ValueTask<T>> ask, Action<T> answered, Action<EtcdError> refused, Action gaveUp)
    {
        var mine = ++wish;
        isWaiting = true;
        var machine = World.Machines[Target];
        Travel(() => machine.Process?.WhenAwake(() => { if (machine.Process is { } process) _ = Serve(process, ask, mine, answered, refused); }));
        World.Clock.After(World.Options.ClientTimeout, () =>
        {
            if (!isWaiting || mine != wish) return;
            isWaiting = false;
            Target = Dice.Next(World.Options.Machines);
            gaveUp();
        });
    }

    /// <summary>The wish was answered with something that counts.</summary>
    protected void Count(ulong what)
    {
        Answered++;
        AnsweredAt = World.Clock.Now;
        World.Note(what ^ (ulong)Answered << 40);
    }

    protected void Travel(Action arrive)
    {
        if (!World.IsHealed && Dice.Chance(World.Options.Drop / 2)) return;
        World.Clock.After(Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax), arrive);
    }

    protected static ByteString Text(string text) => ByteString.CopyFromUtf8(text);

    private async Task Serve<T>(ClusterProcess process, Func<ClusterProcess, ValueTask<T>> ask, ulong mine, Action<T> answered, Action<EtcdError> refused)
    {
        try
        {
            var answer = await ask(process);
            Travel(() => Hear(mine, () => answered(answer)));
        }
        catch (EtcdException failure)
        {
            Travel(() => Hear(mine, () => refused(failure.Error)));
        }
        catch (Exception fault)
        {
            World.Fault(fault);
        }
    }

    private void Hear(ulong mine, Action hear)
    {
        if (!isWaiting || mine != wish) return; // Given up: what comes now is not believed.
        isWaiting = false;
        hear();
    }
}
