using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>The cluster service: etcd's words for what <see cref="IMembership"/> does.</summary>
internal sealed class MemberDesk(IKeyspaceGroup group, CoordinationIdentity identity)
{
    /// <summary>The members.</summary>
    public async ValueTask<MemberListResponse> ListAsync(MemberListRequest request, CancellationToken cancel)
    {
        // Both barriers: members are the directory's, and a linearizable list also says that the keyspace has a quorum.
        if (request.Linearizable && identity.Membership is { } membership) await membership.CatchUpAsync(cancel).ConfigureAwait(false);
        var response = new MemberListResponse { Header = await HeaderAsync(request.Linearizable, cancel).ConfigureAwait(false) };
        response.Members.AddRange(identity.Members());
        return response;
    }

    /// <summary>Reserves a place for a node.</summary>
    public async ValueTask<MemberAddResponse> AddAsync(MemberAddRequest request, CancellationToken cancel)
    {
        if (request.PeerURLs.Count == 0 || !request.PeerURLs.All(PeerUrl.IsGood)) throw new EtcdException(EtcdErrors.MemberBadUrls);
        var added = await Membership().AddAsync([.. request.PeerURLs], request.IsLearner, cancel).ConfigureAwait(false);
        var response = new MemberAddResponse { Header = await HeaderAsync(false, cancel).ConfigureAwait(false), Member = added };
        response.Members.AddRange(identity.Members());
        return response;
    }

    /// <summary>Takes a member out.</summary>
    public async ValueTask<MemberRemoveResponse> RemoveAsync(MemberRemoveRequest request, CancellationToken cancel)
    {
        await Membership().RemoveAsync(request.ID, cancel).ConfigureAwait(false);
        var response = new MemberRemoveResponse { Header = await HeaderAsync(false, cancel).ConfigureAwait(false) };
        response.Members.AddRange(identity.Members().Where(member => member.ID != request.ID)); // It is on its way out: etcd's list has it no more.
        return response;
    }

    /// <summary>Changes a member's peer address.</summary>
    public async ValueTask<MemberUpdateResponse> UpdateAsync(MemberUpdateRequest request, CancellationToken cancel)
    {
        if (identity.Members().All(member => member.ID != request.ID) && identity.Membership?.Knows(request.ID) != true) throw new EtcdException(EtcdErrors.MemberNotFound);
        if (request.PeerURLs.Count == 0 || !request.PeerURLs.All(PeerUrl.IsGood)) throw new EtcdException(EtcdErrors.MemberBadUrls);
        await Membership().UpdateAsync(request.ID, [.. request.PeerURLs], cancel).ConfigureAwait(false);
        var response = new MemberUpdateResponse { Header = await HeaderAsync(false, cancel).ConfigureAwait(false) };
        response.Members.AddRange(identity.Members());
        return response;
    }

    /// <summary>Makes a learner a voter.</summary>
    public async ValueTask<MemberPromoteResponse> PromoteAsync(MemberPromoteRequest request, CancellationToken cancel)
    {
        await Membership().PromoteAsync(request.ID, cancel).ConfigureAwait(false);
        var response = new MemberPromoteResponse { Header = await HeaderAsync(false, cancel).ConfigureAwait(false) };
        response.Members.AddRange(identity.Members());
        return response;
    }

    private IMembership Membership() => identity.Membership ?? throw new EtcdException(EtcdErrors.NotCapable);

    /// <summary>No revision: in etcd members are none of the keyspace's business.</summary>
    private async ValueTask<ResponseHeader> HeaderAsync(bool isLinearizable, CancellationToken cancel)
    {
        if (isLinearizable) await group.ReadAsync(new FactsRead(), isLinearizable, cancel).ConfigureAwait(false);
        return new() { ClusterId = identity.ClusterId, MemberId = identity.MemberId, RaftTerm = group.Status.Term.Value };
    }
}

/// <summary>The address at which a node's peers reach it, as etcd writes it: <c>http://host:port</c>.</summary>
public static class PeerUrl
{
    /// <summary>Whether the text is one: a scheme, a host, a port, and no path.</summary>
    public static bool IsGood(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.Port > 0 && url.AbsolutePath == "/" && !text.EndsWith('/')
        && text.AsSpan(url.Scheme.Length + 3).Contains(':');
}
