using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Transport;

/// <summary>Whose certificates are believed where the cluster's authority signs for others too (etcd's <c>--peer-cert-allowed-cn</c> and <c>--peer-cert-allowed-hostname</c>).</summary>
/// <param name="CommonNames">One of these is the certificate's common name; none: any.</param>
/// <param name="Hosts">The certificate is good for one of these host names or addresses, by its alternative names; none: any.</param>
public sealed record PeerNames(IReadOnlyList<string> CommonNames, IReadOnlyList<string> Hosts)
{
    /// <summary>Everybody's.</summary>
    public static readonly PeerNames All = new([], []);

    /// <summary>Whether a certificate is among them.</summary>
    public bool Admits(X509Certificate2 certificate) =>
        (CommonNames.Count == 0 || CommonNames.Contains(certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false), StringComparer.Ordinal))
        && (Hosts.Count == 0 || Hosts.Any(host => certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false)));
}
