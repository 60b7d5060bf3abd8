using Holdfast.Primitives;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Network;

/// <summary>
/// What a transport makes of the wires, and promises the core (decision 0031): between two machines packets come in the order in which they were sent, once, and none is missing before one that comes. What a cut takes
/// takes the connection with it. Both ends are told when a connection breaks and when the next one is made; until then nothing is sent. Beats have one of their own (S2), whose end nobody asks for.
/// </summary>
internal sealed class SimConnections
{
    private static readonly Mark BrokenUnderWay = new("sim: a connection broke with packets under way");

    private readonly SimClock clock;
    private readonly SimOptions options;
    private readonly Func<int, int, bool> passes;
    private readonly Action<int, int, object> deliver;
    private readonly Action<int, int> onReset;
    private readonly SeededRandom dice;
    private readonly Link[,] links;

    private sealed class Link
    {
        public bool IsUp { get; set; } = true;

        public int Epoch { get; set; }

        public int UnderWay { get; set; }

        /// <summary>When the last packet arrives, by direction and for beats apart.</summary>
        public long[] LastArrivals { get; } = new long[4];
    }

    /// <param name="clock">Virtual time.</param>
    /// <param name="options">How long packets take.</param>
    /// <param name="passes">Whether the wire from one machine to another is whole.</param>
    /// <param name="deliver">Told of a packet that has come.</param>
    /// <param name="onReset">Told of two machines whose connection broke or was made anew.</param>
    public SimConnections(SimClock clock, SimOptions options, Func<int, int, bool> passes, Action<int, int, object> deliver, Action<int, int> onReset)
    {
        (this.clock, this.options, this.passes, this.deliver, this.onReset) = (clock, options, passes, deliver, onReset);
        dice = new SeededRandom(options.Seed ^ 0xC0_77EC_7105);
        links = new Link[options.Sites, options.Sites];
        for (var one = 0; one < options.Sites; one++)
            for (var other = one; other < options.Sites; other++) links[one, other] = new Link(); // To oneself, too: whoever asks anybody may draw himself.
    }

    /// <summary>False, and nothing sent, while there is no connection.</summary>
    public bool TrySend(int from, int to, object packet, TimeSpan extra, bool isBeat)
    {
        var link = LinkOf(from, to);
        if (isBeat) return passes(from, to) && Carry(from, to, link, packet, extra, isBeat);
        if (!link.IsUp) return false;
        if (passes(from, to)) return Carry(from, to, link, packet, extra, isBeat);
        Break(from, to);
        return false;
    }

    /// <summary>What is under way is lost, and the connection is made anew as soon as that can be.</summary>
    public void Break(int one, int other)
    {
        if (one == other || !LinkOf(one, other).IsUp) return;
        var link = LinkOf(one, other);
        if (link.UnderWay > 0) BrokenUnderWay.Hit();
        link.Epoch++;
        link.IsUp = false;
        clock.After(TimeSpan.Zero, () => onReset(one, other));
        Dial(one, other, link);
    }

    public void BreakAll(int site)
    {
        for (var other = 0; other < options.Sites; other++) Break(site, other);
    }

    private Link LinkOf(int one, int other) => links[Math.Min(one, other), Math.Max(one, other)];

    private void Dial(int one, int other, Link link) => clock.After(Delay() + dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(20)), () =>
    {
        if (!passes(one, other) || !passes(other, one))
        {
            Dial(one, other, link);
            return;
        }

        link.IsUp = true;
        Array.Clear(link.LastArrivals);
        onReset(one, other);
    });

    private bool Carry(int from, int to, Link link, object packet, TimeSpan extra, bool isBeat)
    {
        var lane = (from < to ? 0 : 1) + (isBeat ? 2 : 0);
        var arrival = link.LastArrivals[lane] = Math.Max(link.LastArrivals[lane], clock.Now + (extra + Delay()).Ticks);
        var epoch = link.Epoch;
        link.UnderWay++;
        clock.At(arrival, () =>
        {
            link.UnderWay--;
            if (!isBeat && link.Epoch != epoch) return;
            if (passes(from, to)) deliver(from, to, packet);
            else if (!isBeat) Break(from, to);
        });
        return true;
    }

    private TimeSpan Delay() => dice.NextSpan(options.DelayMin, options.DelayMax);
}
