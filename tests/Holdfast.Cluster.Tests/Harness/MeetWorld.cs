using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>
/// Nodes that were told to meet, with disks that keep what is written and nothing else; calls that are lost, late or answered in vain, and crashes before, between and after the durable steps. Clusters are
/// sets of the nodes that were admitted.
/// </summary>
internal sealed class MeetWorld
{
    private readonly SeededRandom dice;
    private readonly PlantedMeetBug bug;
    private readonly bool crashes;
    private readonly Node[] nodes;
    private readonly List<Call> calls = [];
    private readonly SortedDictionary<ulong, SortedSet<int>> admitted = [];
    private readonly bool hasBegun;
    private ulong nextCluster = 1;

    /// <summary>A world in which node i was told to meet the nodes of <paramref name="wishes"/>[i].</summary>
    public MeetWorld(ulong seed, int[][] wishes, bool crashes, PlantedMeetBug bug)
    {
        dice = new SeededRandom(seed);
        (this.bug, this.crashes) = (bug, crashes);
        var ids = Enumerable.Range(1, wishes.Length).Select(id => (ulong)id).ToArray();
        for (var i = ids.Length - 1; i > 0; i--)
        {
            var other = dice.Next(i + 1);
            (ids[i], ids[other]) = (ids[other], ids[i]);
        }

        nodes = [.. wishes.Select((told, i) => new Node(i, new NodeId(ids[i]), told))];
        foreach (var node in nodes) Start(node);
        hasBegun = true;
    }

    /// <summary>Clusters that were founded.</summary>
    public int Clusters => admitted.Count;

    /// <summary>Whether all nodes are members of one cluster.</summary>
    public bool IsOne => admitted.Count == 1 && nodes.All(node => node.Genesis != 0);

    /// <summary>Steps at random; a complaint, or null.</summary>
    public string? Run(int steps)
    {
        for (var step = 0; step < steps; step++)
        {
            if (crashes && dice.Chance(0.02)) Start(nodes[dice.Next(nodes.Length)]);
            else if (calls.Count > 0 && dice.Chance(0.6)) Deliver(calls[dice.Next(calls.Count)]);
            else Ask(nodes[dice.Next(nodes.Length)]);
            if (Complaint() is { } complaint) return $"step {step}: {complaint}";
        }

        return null;
    }

    /// <summary>Steps without crashes until nothing more can be wished for.</summary>
    public bool Settles(int steps)
    {
        for (var step = 0; step < steps && !IsOne && Complaint() is null; step++)
        {
            if (calls.Count > 0 && dice.Chance(0.6)) Deliver(calls[dice.Next(calls.Count)]);
            else Ask(nodes[dice.Next(nodes.Length)]);
        }

        return IsOne;
    }

    private static string Target(int node) => $"n{node}:1";

    /// <summary>A process begins with what is on the disk. Whom it was told to meet is forgotten with the one before it; now and then it is told again.</summary>
    private void Start(Node node)
    {
        node.Asking = null;
        node.Meeting = node.Genesis != 0 ? new Meeting(node.Id, MeetStanding.Member, new ClusterId(node.Genesis), bug)
            : node.Pledge != 0 ? new Meeting(node.Id, MeetStanding.Pledged, new ClusterId(node.Pledge), bug)
            : new Meeting(node.Id, MeetStanding.Alone, ClusterId.None, bug);
        if (hasBegun && dice.Chance(0.5)) return;
        foreach (var other in node.Told) node.Meeting.Wish(Target(other));
    }

    private void Ask(Node node)
    {
        if (node.Asking is not null)
        {
            if (dice.Chance(0.1)) node.Asking = null; // It waits no longer; the question may still arrive.
            return;
        }

        if (node.Meeting.Standing == MeetStanding.Pledged)
        {
            Join(node);
            return;
        }

        var wishes = node.Meeting.Wishes;
        if (wishes.Count == 0) return;
        var target = node.Meeting.Standing == MeetStanding.Alone ? wishes[0] : wishes[dice.Next(wishes.Count)];
        var record = new MemberRecord { Node = node.Id, Name = $"n{node.Index}", Host = $"n{node.Index}", Port = 1 };
        node.Asking = new Call(node, Array.FindIndex(nodes, other => Target(other.Index) == target), target, new MeetQuestion(record, node.Meeting.Standing, node.Meeting.Cluster));
        calls.Add(node.Asking);
    }

    private void Deliver(Call call)
    {
        if (!dice.Chance(0.2)) calls.Remove(call); // Now and then a question comes twice.
        if (dice.Chance(0.1)) return;
        var asked = nodes[call.To];
        var (answer, step) = asked.Meeting.OnAsked(call.Question, Target(call.From.Index));
        if (step == MeetStep.Found) Found(asked);
        if (answer.Verdict == MeetVerdict.Come && (asked.Genesis == 0 || dice.Chance(0.3))) answer = answer with { Verdict = MeetVerdict.Wait };
        if (call.From.Asking != call || dice.Chance(0.1)) return;
        call.From.Asking = null;
        calls.Remove(call);
        switch (call.From.Meeting.OnAnswer(call.Target, answer))
        {
            case MeetStep.Found:
                Found(call.From);
                break;
            case MeetStep.Pledge:
                if (bug == PlantedMeetBug.MemberComes) call.From.Genesis = 0; // It drops its own directory.
                if (bug != PlantedMeetBug.PledgeInMemory) call.From.Pledge = answer.Cluster.Value;
                if (crashes && dice.Chance(0.1)) Start(call.From);
                else call.From.Meeting.OnPledged(answer.Cluster);
                break;
        }
    }

    private void Found(Node node)
    {
        if (node.Genesis != 0) return;
        node.Genesis = nextCluster++;
        admitted[node.Genesis] = [node.Index];
        if (crashes && dice.Chance(0.1)) Start(node);
        else node.Meeting.OnMember(new ClusterId(node.Genesis));
    }

    /// <summary>The directory admits whoever has promised; whether the node hears of it is another matter.</summary>
    private void Join(Node node)
    {
        var cluster = node.Meeting.Cluster.Value;
        if (!admitted.TryGetValue(cluster, out var members) || dice.Chance(0.2)) return;
        members.Add(node.Index);
        if (dice.Chance(0.2)) return;
        node.Genesis = cluster;
        if (crashes && dice.Chance(0.1)) Start(node);
        else node.Meeting.OnMember(new ClusterId(cluster));
    }

    private string? Complaint()
    {
        foreach (var node in nodes)
        {
            if (node.WasOf != 0 && node.Genesis != node.WasOf) return $"node {node.Index} had a genesis of cluster {node.WasOf}, and what was written there is gone: it is of {node.Genesis} now (S23)";
            node.WasOf = node.Genesis;
            foreach (var (cluster, members) in admitted)
                if (node.Genesis != 0 && node.Genesis != cluster && members.Contains(node.Index)) return $"node {node.Index} is a member of cluster {cluster}, and of {node.Genesis} by its own disk";
        }

        return null;
    }

    private sealed class Node(int index, NodeId id, int[] told)
    {
        public int Index => index;

        public NodeId Id => id;

        public int[] Told => told;

        public ulong Genesis { get; set; }

        public ulong Pledge { get; set; }

        /// <summary>What the disk said at the last look.</summary>
        public ulong WasOf { get; set; }

        public Meeting Meeting { get; set; } = null!;

        public Call? Asking { get; set; }
    }

    private sealed record Call(Node From, int To, string Target, MeetQuestion Question);
}
