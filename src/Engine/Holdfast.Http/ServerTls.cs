using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Http;

/// <summary>TLS of a port that clients come to, HTTP or not. Asked for each connection, so that a changed certificate is used by the next one.</summary>
public sealed record ServerTls
{
    /// <summary>What is spoken unless something else is asked for.</summary>
    public const SslProtocols ProtocolsDefault = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>What new connections get; asked for each, so that it can be changed while the server runs (<see cref="TlsFiles"/>).</summary>
    public required Func<TlsMaterial> Material { get; init; }

    /// <summary>Which versions are spoken.</summary>
    public SslProtocols Protocols { get; init; } = ProtocolsDefault;

    /// <summary>Which cipher suites may be chosen; empty for the system's own choice. Not on Windows, where only the system chooses.</summary>
    public IReadOnlyList<TlsCipherSuite> CipherSuites { get; init; } = [];

    /// <summary>Whether a client may come without a certificate although there are roots; one that is shown must chain to them nevertheless.</summary>
    public bool AreClientCertificatesOptional { get; init; }

    /// <summary>What a handshake that begins now is done with. Where clients' roots are set, nobody comes in whose certificate does not chain to them.</summary>
    /// <param name="applications">What ALPN may choose (RFC 7301); none for a protocol that does not use it.</param>
    public SslServerAuthenticationOptions Handshake(params List<SslApplicationProtocol> applications)
    {
        var (certificate, roots) = Material();
        var handshake = new SslServerAuthenticationOptions { ServerCertificateContext = certificate, EnabledSslProtocols = Protocols };
        if (CipherSuites.Count > 0 && !OperatingSystem.IsWindows() && !OperatingSystem.IsAndroid()) handshake.CipherSuitesPolicy = new CipherSuitesPolicy(CipherSuites);
        if (applications.Count > 0) handshake.ApplicationProtocols = applications;
        if (roots is null) return handshake;
        handshake.ClientCertificateRequired = true;

        // A resumed session brings back the client's own certificate without those between it and the root, and who came in once would come in again after the roots were changed.
        handshake.AllowTlsResume = false;
        handshake.RemoteCertificateValidationCallback = (_, shown, chain, _) => shown is null ? AreClientCertificatesOptional : shown is X509Certificate2 client && ClientTrust.Chains(client, chain, roots);
        return handshake;
    }
}
