using Holdfast.Primitives;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Network;

/// <summary>
/// The wires between machines. A packet may be dropped, delayed, doubled and overtaken; a direction between two machines may be cut, one way only
/// as well. Cuts are looked at when a packet leaves and when it would arrive.
/// </summary>
internal sealed class SimNetwork
{
    private readonly SimClock clock;
    private readonly SimOptions options;
    private readonly SeededRandom dice;
    private readonly Action<int, int, object> deliver;
    private readonly bool[,] isCut;

    public SimNetwork(SimClock clock, SimOptions options, SeededRandom dice, Action<int, int, object> deliver)
    {
        this.clock = clock;
        this.options = options;
        this.dice = dice;
        this.deliver = deliver;
        isCut = new bool[options.Sites, options.Sites];
    }

    /// <summary>When true nothing is lost, doubled or late.</summary>
    public bool IsHealed { get; private set; }

    public long Sent { get; private set; }

    public long Dropped { get; private set; }

    /// <summary>Sends a packet from one machine to another.</summary>
    public void Send(int from, int to, object packet, TimeSpan extra = default)
    {
        Sent++;
        if (isCut[from, to] || (!IsHealed && dice.Chance(options.Drop)))
        {
            Dropped++;
            return;
        }

        Schedule(from, to, packet, extra);
        if (!IsHealed && dice.Chance(options.Duplicate)) Schedule(from, to, packet, extra);
    }

    /// <summary>Cuts one direction.</summary>
    public void Cut(int from, int to) => isCut[from, to] = true;

    public void Restore(int from, int to) => isCut[from, to] = false;

    /// <summary>Cuts a group of machines off from the others: both ways, or only what they send, or only what they receive.</summary>
    public void Isolate(ReadOnlySpan<bool> inside, bool outbound, bool inbound)
    {
        for (var from = 0; from < options.Sites; from++)
            for (var to = 0; to < options.Sites; to++)
            {
                if (inside[from] == inside[to]) continue;
                if (inside[from] ? outbound : inbound) isCut[from, to] = true;
            }
    }

    /// <summary>Removes all cuts.</summary>
    public void RestoreAll() => Array.Clear(isCut);

    /// <summary>From now on the network is perfect.</summary>
    public void Heal()
    {
        RestoreAll();
        IsHealed = true;
    }

    private void Schedule(int from, int to, object packet, TimeSpan extra)
    {
        var delay = extra + dice.NextSpan(options.DelayMin, options.DelayMax);
        if (!IsHealed && dice.Chance(options.Straggle)) delay *= 10;
        clock.After(delay, () =>
        {
            if (isCut[from, to]) Dropped++;
            else deliver(from, to, packet);
        });
    }
}
