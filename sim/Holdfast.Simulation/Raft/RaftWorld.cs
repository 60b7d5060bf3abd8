using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Network;
using Holdfast.Simulation.Running;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Raft;

/// <summary>
/// A group of replicas, its machines, wires, clients and misfortunes, in one thread and from one seed. The production core runs here as it is;
/// beats, log device, snapshot pull and the register machine around it are the simulator's own.
/// </summary>
internal sealed class RaftWorld
{
    private readonly Action<string>? trace;
    private readonly List<ToyClient> clients = [];
    private readonly FaultDriver faults;
    private readonly PressureDriver pressures;
    private readonly Administrator administrator;
    private ulong hash;

    public RaftWorld(SimOptions options, Action<string>? trace)
    {
        Options = options;
        this.trace = trace;
        Dice = new SeededRandom(options.Seed);
        Network = new SimNetwork(Clock, options, Dice.Fork(), Deliver, OnReset);
        Check = new RaftCheck(this);
        Atlas = new FaultAtlas();
        var sites = new RaftSite[options.Sites];
        Sites = sites;
        for (var slot = 0; slot < sites.Length; slot++) sites[slot] = new RaftSite(this, slot);
        faults = new FaultDriver(this);
        administrator = new Administrator(this);
        pressures = new PressureDriver(this);
        for (var i = 0; i < options.Clients; i++) clients.Add(new ToyClient(this));
    }

    public SimOptions Options { get; }

    public SimClock Clock { get; } = new();

    public SeededRandom Dice { get; }

    public SimNetwork Network { get; }

    public RaftCheck Check { get; }

    public PressureDriver Pressures => pressures;

    public FaultDriver Faults => faults;

    public FaultAtlas Atlas { get; }

    public History History { get; } = new();

    /// <summary>Operations of which a server said that they had no effect.</summary>
    public HashSet<int> WithoutEffect { get; } = [];

    public SimCounts Counts { get; } = new();

    public IReadOnlyList<RaftSite> Sites { get; }

    public bool IsHealed { get; private set; }

    public bool IsClosing { get; private set; }

    public bool IsTracing => trace is not null;

    public void Trace(string sentence) => trace?.Invoke($"{Clock.Now / 10_000.0,10:F3} {sentence}");

    /// <summary>Folds something that happened into the run's hash.</summary>
    public void Note(ulong what) => hash = ToyRegisters.Mix(hash, what);

    public RunResult Run()
    {
        string? failure = null;
        try
        {
            Begin();
            var storm = Options.Storm.Ticks;
            var end = storm + Options.Calm.Ticks;
            while (Clock.RunNext(storm)) { }
            Clock.AdvanceTo(storm);
            Heal();
            while (Clock.RunNext(end - TimeSpan.FromSeconds(3).Ticks)) { }
            IsClosing = true;
            while (Clock.RunNext(end)) { }
            while (!IsAtRest() && Clock.RunNext(end + Options.CatchUp.Ticks)) { }
            FinalCheck();
            new WitnessDrill(this).Hold();
        }
        catch (CheckFailedException broken)
        {
            failure = broken.Message;
        }
        catch (InvariantBrokenException broken)
        {
            failure = "invariant: " + broken.Message;
        }
        catch (Exception unforeseen) when (unforeseen is not OutOfMemoryException)
        {
            // What nobody catches ends a real process; here it ends the run, with its seed.
            failure = $"{unforeseen.GetType().Name}: {unforeseen.Message}" + (IsTracing ? unforeseen.StackTrace : "");
        }

        if (failure is not null && IsTracing)
        {
            Trace("FAILED: " + failure);
            foreach (var site in Sites) Trace(site.Process?.ToString() ?? $"{site.Node} is down");
        }

        Counts.Runs = 1;
        Counts.Events = Clock.EventsRun;
        Counts.Acknowledged = History.Acknowledged;
        Note((ulong)Clock.EventsRun);
        Note((ulong)History.Acknowledged);
        return new RunResult(Options.Seed, hash, failure, Counts);
    }

    /// <summary>The machine on which an incarnation lives, or lived.</summary>
    public RaftSite? SiteOf(NodeId node) => Sites.FirstOrDefault(site => site.Node == node);

    public void Send(RaftSite from, NodeId to, object message)
    {
        var slot = (int)((to.Value - 1) % 16);
        if (slot >= Sites.Count) return;
        var fate = pressures.FateOf(from.Slot, slot, message);
        if (fate.IsLost) return;
        var packet = new Packet(from.Node, to, message);
        Network.Send(from.Slot, slot, packet, fate.Extra, message is SupportBeat or SupportReply);
        if (fate.EchoAfter > TimeSpan.Zero) Network.Send(from.Slot, slot, packet, fate.Extra + fate.EchoAfter);
    }

    private void Deliver(int from, int to, object message)
    {
        var packet = (Packet)message;
        var site = Sites[to];
        if (site.Process is not { IsAlive: true } process) return;
        if (Options.Mutation == Mutation.StaleIncarnationAccepted) packet = packet with { From = Sites[from].Node, To = site.Node };
        // A frame names both incarnations: one that was meant for, or comes from, a wiped disk is dropped (S4).
        if (packet.To != site.Node || packet.From != Sites[from].Node) return;
        process.Receive(packet);
    }

    private void OnReset(int one, int other)
    {
        Sites[one].Process?.OnPeerReset(Sites[other].Node);
        Sites[other].Process?.OnPeerReset(Sites[one].Node);
    }

    private void Begin()
    {
        var voters = new NodeId[Options.Voters];
        for (var i = 0; i < voters.Length; i++) voters[i] = Sites[i].Node;
        var first = Configuration.OfVoters(voters);
        Check.OnFirstConfiguration(first);
        for (var i = 0; i < voters.Length; i++)
        {
            Sites[i].FirstConfiguration = Sites[i].LastConfiguration = first;
            Sites[i].WasMember = true;
        }

        foreach (var site in Sites) site.Start(Dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(200)));
        foreach (var client in clients) client.Begin();
        faults.Begin();
        pressures.Begin();
        administrator.Begin();
    }

    private void Heal()
    {
        IsHealed = true;
        Trace("healed");
        Network.Heal();
        faults.End();
        foreach (var site in Sites)
        {
            site.Device.NeverFails = true;
            site.Process?.Resume();
            if (!site.IsUp) site.Start(TimeSpan.FromMilliseconds(10));
        }
    }

    /// <summary>Whether every member that is up has applied all that its leader has committed.</summary>
    private bool IsAtRest() => Leader() is { Process.Core: var core } && core.Configuration.Members.ToArray().All(member => SiteOf(member.Node)?.Process is not { } process || process.Applied == core.Commit);

    private void FinalCheck()
    {
        var leader = Leader();
        RaftCheck.Require(leader is not null, "no progress after healing: nobody leads");
        var core = leader!.Process!.Core;
        RaftCheck.Require(clients.TrueForAll(client => client.AnsweredSince(Options.Storm.Ticks)), "no progress after healing: a client was never answered again");
        foreach (var member in core.Configuration.Members)
        {
            var site = SiteOf(member.Node);
            RaftCheck.Require(site is { IsUp: true } || Atlas.IsDamaged(member.Node), $"{member.Node} did not come back");
            if (site?.Process is not { } process) continue;
            RaftCheck.Require(process.Applied == core.Commit, $"{member.Node} applied {process.Applied} of {core.Commit} after healing");
            if (!site.IsWitness) RaftCheck.Require(process.StateHash == leader.Process.StateHash, $"{member.Node} ends with another state than its leader");
        }

        for (var key = 0; key < Options.Keys; key++)
        {
            var verdict = LinearizabilityCheck.Decide(History.ForKey(key, WithoutEffect));
            if (verdict == LinearizabilityVerdict.Undecided) Counts.Undecided++;
            if (verdict == LinearizabilityVerdict.Violated && IsTracing)
                foreach (var operation in History.ForKey(key, WithoutEffect)) Trace(operation.ToString());
            RaftCheck.Require(verdict != LinearizabilityVerdict.Violated, $"the history of key {key} is not linearizable");
        }
    }

    /// <summary>An operator changes the members now, if there is anything to change.</summary>
    public void ChangeMembers() => administrator.Act();

    /// <summary>The leader of the highest term among the living, if any.</summary>
    public RaftSite? Leader()
    {
        RaftSite? best = null;
        foreach (var site in Sites)
            if (site.IsUp && site.Process!.Core.Role == RaftRole.Leader && (best is null || site.Process.Core.Term > best.Process!.Core.Term)) best = site;
        return best;
    }
}
