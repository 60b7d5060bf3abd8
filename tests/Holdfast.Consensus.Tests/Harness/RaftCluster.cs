using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus.Tests;

/// <summary>
/// A handful of replicas in one thread, with a network that can be cut and disks that can be held back. Messages travel as they would on the wire
/// (entries encoded); nothing moves unless the test says so.
/// </summary>
internal sealed class RaftCluster
{
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly Queue<Message> network = new();
    private readonly HashSet<(NodeId From, NodeId To)> cut = [];
    private readonly Func<NodeId, RaftOptions> optionsOf;
    private uint boots;

    private sealed record Message(NodeId From, NodeId To, Action<RaftReplica> Deliver, string Text);

    public RaftCluster(int voters, RaftOptions? options = null, bool beats = true)
        : this(Voters(voters), options, beats)
    {
    }

    public RaftCluster(Configuration configuration, RaftOptions? options = null, bool beats = true)
        : this(configuration, _ => options ?? new RaftOptions(), beats)
    {
    }

    /// <summary>Voters that are set differently.</summary>
    public RaftCluster(int voters, Func<NodeId, RaftOptions> optionsOf)
        : this(Voters(voters), optionsOf, beats: true)
    {
    }

    private RaftCluster(Configuration configuration, Func<NodeId, RaftOptions> optionsOf, bool beats)
    {
        this.optionsOf = optionsOf;
        Beats = beats;
        foreach (var member in configuration.Members) Add(member.Node, configuration);
    }

    /// <summary>Whether nodes support each other; false falls back on heartbeats alone.</summary>
    public bool Beats { get; set; }

    public Instant Now { get; private set; } = new(1_000_000_000);

    public SortedDictionary<NodeId, RaftReplica> Replicas { get; } = [];

    /// <summary>Everything said on the network, one line each.</summary>
    public List<string> Transcript { get; } = [];

    public RaftReplica this[int id] => Replicas[new NodeId((ulong)id)];

    public RaftReplica? Leader => Replicas.Values.Where(replica => replica.IsUp && replica.Node.Role == RaftRole.Leader).MaxBy(replica => replica.Node.Term.Value);

    public RaftReplica Add(NodeId id, Configuration configuration)
    {
        var replica = new RaftReplica(this, id);
        replica.Start(new RaftStart { Self = id, Group = new GroupId(7), Configuration = configuration }, optionsOf(id), ++boots, Now);
        return Replicas[id] = replica;
    }

    public void Restart(int id, RaftStart? start = null)
    {
        var replica = this[id];
        replica.Start(start ?? replica.Recovered(), optionsOf(replica.Id), ++boots, Now);
        foreach (var peer in Replicas.Values)
            if (peer.IsUp && peer.Id != replica.Id) peer.Node.OnPeerReset(Now, replica.Id);
    }

    public void Crash(int id) => this[id].IsUp = false;

    public void Isolate(int id)
    {
        foreach (var peer in Replicas.Keys) Cut(this[id].Id, peer);
    }

    public void Cut(NodeId left, NodeId right)
    {
        cut.Add((left, right));
        cut.Add((right, left));
    }

    public void CutOneWay(int from, int to) => cut.Add((this[from].Id, this[to].Id));

    /// <summary>A wire carries again, and nobody is told that it had not.</summary>
    public void MendOneWay(int from, int to) => cut.Remove((this[from].Id, this[to].Id));

    public void Heal()
    {
        cut.Clear();
        foreach (var replica in Replicas.Values)
            foreach (var peer in Replicas.Keys)
                if (replica.IsUp) replica.Node.OnPeerReset(Now, peer);
    }

    public bool IsCut(NodeId from, NodeId to) => cut.Contains((from, to));

    public void Send(NodeId from, NodeId to, string text, Action<RaftReplica> deliver) => network.Enqueue(new Message(from, to, deliver, $"{from}->{to} {text}"));

    /// <summary>Delivers what is under way, and what that brings about, until all is quiet.</summary>
    public void Settle()
    {
        for (var turns = 0; turns < 10_000; turns++)
        {
            foreach (var replica in Replicas.Values) replica.Turn(Now);
            if (network.Count == 0) return;
            while (network.TryDequeue(out var message))
            {
                var lost = cut.Contains((message.From, message.To)) || !Replicas.TryGetValue(message.To, out var target) || !target.IsUp;
                Transcript.Add(lost ? message.Text + "  (lost)" : message.Text);
                if (!lost) message.Deliver(Replicas[message.To]);
            }
        }

        Assert.Fail("the cluster does not come to rest: messages beget messages");
    }

    /// <summary>Delivers what is under way now; what that brings about stays unsaid.</summary>
    public void DeliverOnce()
    {
        for (var left = network.Count; left > 0; left--)
        {
            var message = network.Dequeue();
            message.Deliver(Replicas[message.To]);
        }
    }

    public void Run(TimeSpan time)
    {
        for (var end = Now + time; Now < end;)
        {
            Now += Step;
            if (Beats) ExchangeBeats();
            foreach (var replica in Replicas.Values) replica.Tick(Now);
            Settle();
        }
    }

    public void RunUntil(Func<bool> condition, string what)
    {
        for (var i = 0; i < 3000; i++)
        {
            if (condition()) return;
            Run(Step);
        }

        Assert.Fail($"did not happen within 30 s: {what}");
    }

    public RaftReplica ElectLeader()
    {
        RunUntil(() => Leader is { Node.HasCommittedInTerm: true }, "a leader is elected");
        return Leader!;
    }

    /// <summary>Makes a given replica the leader, by asking it alone to stand.</summary>
    public RaftReplica Elect(int id)
    {
        var leader = ElectLeader();
        if (leader.Id == this[id].Id) return leader;
        RunUntil(() => leader.Node.TransferLeadership(Now, this[id].Id), "the transfer begins");
        RunUntil(() => this[id].Node.HasCommittedInTerm, $"{id} leads");
        return this[id];
    }

    public void ProposeAndSettle(RaftReplica leader, string command)
    {
        Assert.Equal(ProposeStatus.Accepted, leader.Propose(command).Status);
        Settle();
    }

    private static Configuration Voters(int count) => Configuration.OfVoters([.. Enumerable.Range(1, count).Select(id => new NodeId((ulong)id))]);

    private void ExchangeBeats()
    {
        foreach (var asker in Replicas.Values)
        {
            foreach (var supporter in Replicas.Values)
            {
                if (asker == supporter || !asker.IsUp || !supporter.IsUp || asker.IsPaused || supporter.IsPaused || IsCut(asker.Id, supporter.Id)) continue;
                var reply = supporter.Support.OnBeat(Now, asker.Id, new SupportBeat(Now, TimeSpan.FromMilliseconds(300)));
                if (!IsCut(supporter.Id, asker.Id)) asker.Support.OnReply(supporter.Id, reply);
            }
        }
    }
}
