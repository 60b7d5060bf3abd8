using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// etcd's members over the directory. A member is a node by its id. <c>member add</c> reserves a place for the one node that will come from a peer address:
/// it is shown without a name, under an id of its own, until a node joins from there under its own id. Every node joins as a learner and is made a voter
/// when it has caught up, so a reserved place and a learner's are the same, and there is never anything left to promote.
/// </summary>
internal sealed class NodeMembership(ClusterNode cluster, MemberRecord self, Func<NodeId, bool> isReachable, string scheme) : IMembership
{
    /// <summary>How long an answer to a removal waits for the node to be out; after that the removal goes on alone.</summary>
    private static readonly TimeSpan RemovalWaitMax = TimeSpan.FromSeconds(10);

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
        if (view.Members.Values.Any(member => HostPort.Format(member.Host, member.Port) == address) || ReservedPlace.AllIn(view).Any(place => place.Address == address))
            throw new EtcdException(EtcdErrors.PeerUrlExists);
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

        var node = new NodeId(member);
        if (!cluster.View.Members.ContainsKey(node)) throw new EtcdException(EtcdErrors.MemberNotFound);
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
        if (!cluster.View.Members.TryGetValue(new NodeId(member), out var record)) throw new EtcdException(EtcdErrors.MemberNotFound);
        if (cluster.View.Members.Values.Any(other => other.Node != record.Node && other.Host == host && other.Port == port)) throw new EtcdException(EtcdErrors.PeerUrlExists);
        if (!await cluster.UpdateAsync(record with { Host = host, Port = port }, cancel)) throw new EtcdException(EtcdErrors.Timeout);
    }

    /// <inheritdoc/>
    public async ValueTask PromoteAsync(ulong member, CancellationToken cancel = default)
    {
        await CatchUpAsync(cancel);
        if (ReservedPlace.AllIn(cluster.View).Any(place => place.Id == member)) throw new EtcdException(EtcdErrors.LearnerNotReady);
        var node = new NodeId(member);
        if (!cluster.View.Members.ContainsKey(node)) throw new EtcdException(EtcdErrors.MemberNotFound);
        throw new EtcdException(cluster.Coordination.Status.Configuration.CountsForQuorum(node) ? EtcdErrors.MemberNotLearner : EtcdErrors.LearnerNotReady);
    }

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
