using Holdfast.Primitives;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Network;

/// <summary>
/// The wires between machines. A packet may be dropped, delayed, doubled and overtaken, or none of that where they carry connections (<see cref="SimConnections"/>); a direction between two machines
/// may be cut, one way only as well. Cuts are looked at when a packet leaves and when it would arrive.
/// </summary>
internal sealed class SimNetwork
{
    private readonly SimClock clock;
    private readonly SimOptions options;
    private readonly SeededRandom dice;
    private readonly Action<int, int, object> deliver;
    private readonly bool[,] isCut;
    private readonly SimConnections? connections;

    /// <param name="clock">Virtual time.</param>
    /// <param name="options">What the wires are like.</param>
    /// <param name="dice">What happens on them.</param>
    /// <param name="deliver">Told of a packet that has come from one machine to another.</param>
    /// <param name="onReset">Told of two machines whose connection broke or was made anew.</param>
    public SimNetwork(SimClock clock, SimOptions options, SeededRandom dice, Action<int, int, object> deliver, Action<int, int> onReset)
    {
        this.clock = clock;
        this.options = options;
        this.dice = dice;
        this.deliver = deliver;
        isCut = new bool[options.Sites, options.Sites];
        if (options.KeepsOrder) connections = new SimConnections(clock, options, (from, to) => !isCut[from, to], deliver, onReset);
    }

    /// <summary>When true nothing is lost, doubled or late.</summary>
    public bool IsHealed { get; private set; }

    public long Sent { get; private set; }

    public long Dropped { get; private set; }

    /// <summary>Sends a packet from one machine to another; beats have a connection of their own (S2).</summary>
    public void Send(int from, int to, object packet, TimeSpan extra = default, bool isBeat = false)
    {
        Sent++;
        if (connections is not null)
        {
            if (!connections.TrySend(from, to, packet, extra, isBeat)) Dropped++;
            return;
        }

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

    /// <summary>The connection between two machines breaks, if there is one.</summary>
    public void Reset(int one, int other) => connections?.Break(one, other);

    /// <summary>A process begins: whatever was under way to the one before it, or from it, belongs to connections that are gone.</summary>
    public void OnBoot(int site) => connections?.BreakAll(site);

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
