using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// etcd's members over the directory. A member is a node by its id. <c>member add</c> reserves a place for the one node that will come from a peer address:
/// it is shown without a name, under an id of its own, until a node joins from there under its own id; what is asked about the place's id afterwards is asked about that node. Every node joins as a learner
/// and is made a voter when it has caught up; one that came to a learner's place waits until <c>member promote</c> asks for it.
/// </summary>
internal sealed class NodeMembership(ClusterNode cluster, MemberRecord self, Func<NodeId, bool> isReachable, string scheme, int learnersMax) : IMembership
{
    /// <summary>How long an answer to a removal waits for the node to be out; after that the removal goes on alone.</summary>
    private static readonly TimeSpan RemovalWaitMax = TimeSpan.FromSeconds(10);

    /// <summary>The same of an answer to a promotion.</summary>
    private static readonly TimeSpan PromotionWaitMax = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>The members that etcd clients are shown; this node alone before the directory has any.</summary>
    public IReadOnlyList<Member> List()
    {
        var known = cluster.View.Members;
        if (known.Count == 0) return [Listed(self, false)];
        var configuration = cluster.Coordination.Status.Configuration;
        var members = known.Values.Select(member => Listed(member, !configuration.CountsForQuorum(member.Node))).ToList();
        foreach (var place in ReservedPlace.AllIn(cluster.View))
            members.Add(new Member { ID = place.Id, PeerURLs = { $"{scheme}://{place.Address}" }, IsLearner = place.IsLearner });
        members.Sort(static (one, other) => one.ID.CompareTo(other.ID)); // etcd's order.
        return members;
    }

    /// <inheritdoc/>
    public async ValueTask CatchUpAsync(CancellationToken cancel = default)
    {
        var grant = await cluster.Directory.ReadBarrierAsync().AsTask().WaitAsync(cancel);
        if (!grant.IsGranted) throw new EtcdException(EtcdErrors.Timeout);
    }

    /// <inheritdoc/>
    public async ValueTask<Member> AddAsync(IReadOnlyList<string> peerUrls, bool isLearner, CancellationToken cancel = default)
    {
        // With certificates between nodes an address proves nothing: a node joins with a token.
        if (!cluster.KeepsPlaces) throw new EtcdException(EtcdErrors.NotCapable);
        var (host, port) = AddressOf(peerUrls[0]);
        var address = HostPort.Format(host, port);
        await CatchUpAsync(cancel);
        var view = cluster.View;
        if (IsTaken(view, address)) throw new EtcdException(EtcdErrors.PeerUrlExists);
        if (isLearner && ReservedPlace.AllIn(view).Count(static place => place.IsLearner) + view.Members.Values.Count(member => ReservedPlace.IsHeld(view, member)) >= learnersMax)
            throw new EtcdException(EtcdErrors.TooManyLearners);
        var reserved = new ReservedPlace(address, isLearner);
        if (!await cluster.ReserveAsync(reserved, cancel)) throw new EtcdException(EtcdErrors.Timeout);
        var added = new Member { ID = reserved.Id, IsLearner = isLearner };
        added.PeerURLs.AddRange(peerUrls);
        return added;
    }

    /// <inheritdoc/>
    public async ValueTask RemoveAsync(ulong member, CancellationToken cancel = default)
    {
        await CatchUpAsync(cancel);
        if (ReservedPlace.AllIn(cluster.View).FirstOrDefault(place => place.Id == member) is { } reserved)
        {
            if (!await cluster.GiveUpAsync(reserved, cancel)) throw new EtcdException(EtcdErrors.Timeout);
            return;
        }

        var node = Found(member).Node;
        if (!KeepsQuorumWithout(node)) throw new EtcdException(EtcdErrors.MemberNotEnoughStarted);
        var reply = await cluster.LeaveAsync(node, cancel);
        if (!reply.Accepted) throw new EtcdException(EtcdErrors.MemberNotEnoughStarted);
        using var timer = new PeriodicTimer(Look);
        for (var waited = TimeSpan.Zero; waited < RemovalWaitMax && cluster.View.Members.ContainsKey(node); waited += Look) await timer.WaitForNextTickAsync(cancel);
    }

    /// <inheritdoc/>
    public async ValueTask UpdateAsync(ulong member, IReadOnlyList<string> peerUrls, CancellationToken cancel = default)
    {
        var (host, port) = AddressOf(peerUrls[0]);
        await CatchUpAsync(cancel);
        if (ReservedPlace.AllIn(cluster.View).FirstOrDefault(place => place.Id == member) is { } reserved)
        {
            var address = HostPort.Format(host, port);
            if (address == reserved.Address) return;
            if (IsTaken(cluster.View, address)) throw new EtcdException(EtcdErrors.PeerUrlExists);
            if (!await cluster.MoveAsync(reserved, address, cancel)) throw new EtcdException(EtcdErrors.Timeout);
            return;
        }

        var record = Found(member);
        if (cluster.View.Members.Values.Any(other => other.Node != record.Node && other.Host == host && other.Port == port)) throw new EtcdException(EtcdErrors.PeerUrlExists);
        if (!await cluster.UpdateAsync(record with { Host = host, Port = port }, cancel)) throw new EtcdException(EtcdErrors.Timeout);
    }

    /// <inheritdoc/>
    public async ValueTask PromoteAsync(ulong member, CancellationToken cancel = default)
    {
        await CatchUpAsync(cancel);
        if (ReservedPlace.AllIn(cluster.View).Any(place => place.Id == member)) throw new EtcdException(EtcdErrors.LearnerNotReady);
        var record = Found(member);
        if (Votes(record.Node))
        {
            // Whoever asks by the id of the place knows nothing of what has become of it: the node votes, which is what is wanted.
            if (member != record.Node.Value) return;
            throw new EtcdException(EtcdErrors.MemberNotLearner);
        }

        var isAsked = ReservedPlace.IsPromoted(cluster.View, record);
        if (!isAsked && (!ReservedPlace.IsHeld(cluster.View, record) || !await cluster.TryPromoteAsync(record, cancel))) throw new EtcdException(EtcdErrors.LearnerNotReady);
        using var timer = new PeriodicTimer(Look);
        for (var waited = TimeSpan.Zero; !Votes(record.Node); waited += Look)
        {
            if (waited >= PromotionWaitMax) throw new EtcdException(EtcdErrors.Timeout);
            await timer.WaitForNextTickAsync(cancel);
        }
    }

    /// <inheritdoc/>
    public bool Knows(ulong member) => Find(member) is not null;

    /// <summary>A member by its id, or by that of the place to which it came: a tool that added it knows no other.</summary>
    private MemberRecord? Find(ulong id) =>
        cluster.View.Members.TryGetValue(new NodeId(id), out var member) ? member : cluster.View.Members.Values.FirstOrDefault(member => ReservedPlace.Of(cluster.View, member).Id == id);

    private MemberRecord Found(ulong id) => Find(id) ?? throw new EtcdException(EtcdErrors.MemberNotFound);

    private static bool IsTaken(DirectoryView view, string address) =>
        view.Members.Values.Any(member => HostPort.Format(member.Host, member.Port) == address) || ReservedPlace.AllIn(view).Any(place => place.Address == address);

    private bool Votes(NodeId node) => cluster.Coordination.Status.Configuration.CountsForQuorum(node);

    /// <summary>Whether those who stay and run are a majority of those who stay (etcd's strict reconfiguration check).</summary>
    private bool KeepsQuorumWithout(NodeId leaving)
    {
        var configuration = cluster.Coordination.Status.Configuration;
        var (staying, running) = (0, 0);
        foreach (var member in configuration.Members)
        {
            if (!member.CountsForQuorum || member.Node == leaving) continue;
            staying++;
            if (member.Node == self.Node || isReachable(member.Node)) running++;
        }

        return staying > 0 && running > staying / 2;
    }

    private static (string Host, int Port) AddressOf(string url)
    {
        var parsed = new Uri(url);
        return (parsed.Host.Trim('[', ']'), parsed.Port);
    }

    private Member Listed(MemberRecord record, bool isLearner)
    {
        var member = new Member { ID = record.Node.Value, Name = record.Name, IsLearner = isLearner };
        member.PeerURLs.Add($"{scheme}://{HostPort.Format(record.Host, record.Port)}");
        member.ClientURLs.AddRange(record.ClientUrls);
        return member;
    }
}
