using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>
/// The answering side of joining. Whoever wants in shows proof: a new name a join token; a known name with an empty disk a token too, or, under TLS, the certificate that
/// names it (S4). Then a node that holds the authority's key signs, and the directory admits; what follows, learner, removal of the old incarnation, promotion, is a procedure's.
/// </summary>
/// <param name="seat">The node.</param>
/// <param name="signing">Certificates for joiners; null in the clear.</param>
/// <param name="view">The directory as this node knows it.</param>
/// <param name="genesis">What this node's cluster began with; null while it has none.</param>
/// <param name="tell">Proposes a command to the directory.</param>
internal sealed class JoinDesk(INodeSeat seat, JoinSigning? signing, Func<DirectoryView> view, Func<Genesis?> genesis, Func<byte[], Task<DirectoryReply>> tell)
{
    private static readonly TimeSpan CallMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(50);

    /// <summary>A token made a moment ago on another node is known here when its entry has come: looked for this often.</summary>
    private const int TokenLooksMax = 60;

    private static readonly Mark WipedWithoutProof = new("cluster: a wiped node without proof was refused", elsewhere: "JoinDeskTests: simulated joiners have tokens");
    private static readonly Mark WipedWithCertificate = new("cluster: a wiped node came back on the proof of its certificate", elsewhere: "JoinDeskTests: simulated joiners have tokens");

    /// <summary>A node asks to come in.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnJoin(ControlRequest request, CancellationToken cancellation)
    {
        if (view().Cluster == ClusterId.None) throw new ControlRefusedException("this node is not part of a running cluster yet: try again in a moment", mayPass: true);
        var question = ClusterVerbs.DecodeQuestion(request.Payload.Span) ?? throw new ControlRefusedException("the question is not whole");
        var member = question.Member;
        if (member.Node != request.Caller) throw new ControlRefusedException("a node joins for itself only");
        var hash = await ProofAsync(question, request, cancellation).ConfigureAwait(false);
        var old = view().FindByName(member.Name);
        if (old is not null && old.Node != member.Node && await IsAliveAsync(old, cancellation).ConfigureAwait(false))
            throw new ControlRefusedException($"the name {member.Name} belongs to a node that is alive: choose another name, or stop that node first");

        // Signed before the directory admits: a cluster that cannot sign must not be left with a member that cannot speak.
        var certificate = question.SigningRequest.Length > 0 ? await SignedAsync(question, cancellation).ConfigureAwait(false) : [];
        var reply = await tell(DirectoryCommand.AddNode(member, hash, mayReplace: old is not null)).ConfigureAwait(false);
        if (!reply.Accepted) throw new ControlRefusedException(reply.Reason, mayPass: reply.IsUndecided);
        var now = view();
        var joined = new Genesis { Cluster = now.Cluster, Founder = genesis()!.Founder, Members = [.. now.Members.Values], AuthorityFingerprint = now.AuthorityFingerprint, Origin = GenesisOrigin.Joined };
        return ClusterVerbs.Encode(new JoinAnswer(joined, certificate, signing?.Authorities ?? []));
    }

    /// <summary>A member asks for a signature: for a joiner whose token is known here, or for its own renewal.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> OnSign(ControlRequest request, CancellationToken cancellation)
    {
        var question = ClusterVerbs.DecodeQuestion(request.Payload.Span) ?? throw new ControlRefusedException("the question is not whole");
        if (!Names(request, question.Member.Name) && await HashOfAsync(question.Secret, cancellation).ConfigureAwait(false) is null) throw new ControlRefusedException("the join token is not known here");
        return signing?.SignHere(question) ?? throw new ControlRefusedException("this node does not hold the authority's key");
    }

    /// <summary>The hash of the token that was shown; empty when a certificate is the proof.</summary>
    private async ValueTask<string> ProofAsync(JoinQuestion question, ControlRequest request, CancellationToken cancellation)
    {
        var name = question.Member.Name;
        if (question.Secret.Length > 0)
            return await HashOfAsync(question.Secret, cancellation).ConfigureAwait(false) ?? throw new ControlRefusedException("the join token is not known here: it has expired, was revoked, or is of another cluster; make a new one with holdfast token");
        var old = view().FindByName(name);
        if (old is null) throw new ControlRefusedException($"the cluster does not know {name}, and a join token is needed: make one with holdfast token on a member, and start with --join HOST:PORT --token TOKEN");
        if (Names(request, name))
        {
            WipedWithCertificate.Hit();
            return "";
        }

        WipedWithoutProof.Hit();
        throw new ControlRefusedException(
            $"the name {name} belongs to node {old.Node} of this cluster, and this data directory is empty: a wiped node proves who it is before it comes back (S4). "
            + $"If the data is elsewhere, give --data that directory. If it is lost, make a token on another member with holdfast token and start again with --token TOKEN{(signing is not { IsVerified: true } ? "" : ", or with the certificate that names " + name + " (--tls)")}; "
            + "the old incarnation is then removed and this one promoted without further doing");
    }

    private async ValueTask<string?> HashOfAsync(byte[] secret, CancellationToken cancellation)
    {
        for (var looks = 0; ; looks++)
        {
            if (JoinToken.FindHash(view(), secret) is { } known) return known;
            if (looks >= TokenLooksMax) return null;
            await seat.WaitAsync(Pulse, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Whether the caller showed a certificate of the cluster that names that node.</summary>
    private bool Names(ControlRequest request, string name) => signing is { IsVerified: true } && request.Certificate is { } shown && PeerTls.Names(shown, name);

    private ValueTask<byte[]> SignedAsync(JoinQuestion question, CancellationToken cancellation) =>
        signing is null ? throw new ControlRefusedException("this cluster runs without TLS: start without --tls") : signing.SignedAsync(question, cancellation);

    private async ValueTask<bool> IsAliveAsync(MemberRecord old, CancellationToken cancellation)
    {
        var who = ClusterVerbs.Encode(new BootstrapAnswer(seat.Member.Node, seat.Member.Name, null, seat.Member));
        var reply = await seat.CallAsync(HostPort.Format(old.Host, old.Port), ClusterVerbs.Who, who, CallMax, cancellation).ConfigureAwait(false);
        return reply.Server == old.Node;
    }
}
