using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>The asking side of joining: shows the proof, takes the genesis and, under TLS, the certificate that comes with it.</summary>
internal sealed class Joiner(ClusterNodeSetup setup, ControlTrust trust)
{
    private static readonly TimeSpan AnswerMax = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(200);

    /// <summary>Asks until it is answered; under TLS the node has its certificate when this returns.</summary>
    /// <exception cref="DataDirectoryUnusableException">The cluster does not take this node; the message says why.</exception>
    /// <param name="anyOf">Members' "host:port", with commas between; asked in turn.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Genesis> JoinAsync(string anyOf, CancellationToken cancellation)
    {
        JoinToken? token = null;
        if (setup.JoinToken.Length > 0 && !JoinToken.TryParse(setup.JoinToken, out token, out var fault)) throw new DataDirectoryUnusableException(fault);
        using var key = setup.Tls is { IsReady: false } ? setup.Certificates!.OpenKey() : null;
        var question = ClusterVerbs.Encode(new JoinQuestion(setup.Member, token is null ? Reserved() : token.Secret.ToArray(), key?.SigningRequest(setup.Member.Name) ?? []));
        var shownTo = TrustFor(token);
        var said = "";
        var targets = anyOf.Split(',');
        using var timer = new PeriodicTimer(Pulse);
        for (var turn = 0; ; turn++)
        {
            var target = targets[turn % targets.Length];

            // Asked again until answered: the directory knows this incarnation by then, and says the same (S4).
            var reply = await ControlClient.CallAsync(target, ClusterVerbs.Join, question, AnswerMax, shownTo, setup.Self, cancellation: cancellation).ConfigureAwait(false);
            if (reply.Status is ControlStatus.Failed or ControlStatus.NoCertificate or ControlStatus.WrongAuthority) throw new DataDirectoryUnusableException($"{target} does not admit this node: {reply.Fault}");
            if (reply.IsOk && ClusterVerbs.DecodeJoined(reply.Payload.Span) is { } answer) return Take(answer, token, key, target);
            if (said != reply.Fault) setup.Say($"joining by {target}: {said = reply.Fault}");
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>What a joiner without a token shows: the secret of the place that is kept for its address, if it was told that there is one.</summary>
    private byte[] Reserved() => setup.JoinsReservedPlace ? new ReservedPlace(HostPort.Format(setup.Member.Host, setup.Member.Port), false).Secret : [];

    /// <summary>A joiner without a certificate knows the cluster by the hash in its token, and shows the secret to nobody else.</summary>
    private ControlTrust TrustFor(JoinToken? token)
    {
        if (setup.Tls is not { IsVerified: true }) return trust;
        var pin = token is null ? default : token.AuthorityFingerprint;
        if (!setup.Tls.IsReady) return ControlTrust.Pinned(pin.ToArray());
        if (token is not null && !setup.Tls.Authorities.Any(authority => SHA256.HashData(authority.RawData).AsSpan().SequenceEqual(token.AuthorityFingerprint)))
            throw new DataDirectoryUnusableException("the join token is of a cluster with another authority than this node's certificates: use a token of its own cluster, or that cluster's certificates");
        return trust;
    }

    private Genesis Take(JoinAnswer answer, JoinToken? token, NodeKey? key, string target)
    {
        if (token is not null && token.Cluster != answer.Genesis.Cluster)
            throw new DataDirectoryUnusableException($"{target} belongs to cluster {answer.Genesis.Cluster}, and the join token to {token.Cluster}: give --join a member of the token's cluster");
        if (key is null) return answer.Genesis;
        var authorities = answer.Authorities.Select(der => X509CertificateLoader.LoadCertificate(der)).ToArray();
        var own = key.Own(answer.Certificate);
        if (!PeerTls.IsSigned(own, authorities)) throw new DataDirectoryUnusableException($"{target} sent a certificate that its own authority did not sign: ask its operator");

        // The files first: a node that crashes in between asks again, with the same key and the same incarnation.
        setup.Certificates!.Write(TlsFolder.AuthorityFile, string.Join('\n', authorities.Select(authority => authority.ExportCertificatePem())));
        setup.Certificates.Write(TlsFolder.CertificateFile, own.ExportCertificatePem());
        setup.Tls!.Replace(own, authorities);
        return answer.Genesis;
    }
}
