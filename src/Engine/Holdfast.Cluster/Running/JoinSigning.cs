using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>Certificates for nodes that come in: signed here when this node holds the authority's key, else by the first member that does.</summary>
internal sealed class JoinSigning(ClusterNodeSetup setup, PeerTls tls, INodeSeat seat, Func<DirectoryView> view)
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(6);

    /// <summary>Whether certificates prove who shows them.</summary>
    public bool IsVerified => tls.IsVerified;

    /// <summary>The cluster's authorities, DER.</summary>
    public byte[][] Authorities => [.. tls.Authorities.Select(authority => authority.RawData)];

    /// <summary>A certificate signed by this node; null when it does not hold the authority's key.</summary>
    public byte[]? SignHere(JoinQuestion question)
    {
        using var authority = setup.Certificates?.OpenAuthority();
        if (authority is null) return null;
        seat.Say($"signing a certificate for {question.Member.Name} at {question.Member.Host}");
        return authority.Issue(question.SigningRequest, question.Member.Name, [question.Member.Host], DateTimeOffset.UtcNow) ?? throw new ControlRefusedException("the signing request is not one of ours: ECDSA P-256, signed by its own key");
    }

    /// <summary>A certificate from here, or from the first member that holds the authority's key.</summary>
    /// <exception cref="ControlRefusedException">Nobody that answers holds it.</exception>
    public async ValueTask<byte[]> SignedAsync(JoinQuestion question, CancellationToken cancellation)
    {
        if (SignHere(question) is { } here) return here;
        foreach (var (node, member) in view().Members)
        {
            if (node == seat.Member.Node) continue;
            var reply = await seat.CallAsync(HostPort.Format(member.Host, member.Port), ClusterVerbs.Sign, ClusterVerbs.Encode(question), CallMax, cancellation).ConfigureAwait(false);
            if (reply.IsOk && reply.Server == node) return reply.Payload.ToArray();
        }

        throw new ControlRefusedException(
            "no running member holds the authority's key: start the member that has ca.key in its --tls folder, or make this node's certificate with holdfast cert node and start it with --tls");
    }
}
