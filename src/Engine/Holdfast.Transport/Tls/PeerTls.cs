using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Transport;

/// <summary>
/// Mutual TLS between nodes: this node's certificate and the cluster's authority. Both may be replaced while connections live; the next handshake uses the new ones.
/// A certificate counts when the cluster's authority signed it; whose it is, is said by the preamble, so every holder of a certificate of the cluster is trusted as a node.
/// Without an authority (<see cref="OfAnybody"/>) connections are encrypted, and the network between the nodes is trusted as it is in the clear.
/// </summary>
/// <remarks>
/// Sessions are never resumed (RFC 8446 2.2): a ticket brings back a peer's own certificate without those between it and the authority, so that it cannot be followed any more, and it would go on
/// being believed after it was replaced. Every connection proves itself anew.
/// </remarks>
public sealed class PeerTls
{
    /// <summary>More authorities than a roll-over needs.</summary>
    private const int AuthoritiesMax = 8;

    private volatile Material? material;

    private sealed record Material(X509Certificate2 Own, X509Certificate2Collection Authorities, X509Certificate2Collection Intermediates)
    {
        /// <summary>No authority: whoever shows any certificate is believed.</summary>
        public bool BelievesAnybody => Authorities.Count == 0;

        /// <summary>Our certificate with what goes with it, so that a peer can follow it up to the authority. Made once for all connections: making it follows the chain.</summary>
        public SslStreamCertificateContext Shown { get; } = SslStreamCertificateContext.Create(Own, [.. Authorities, .. Intermediates], offline: true, trust: null);
    }

    private PeerTls()
    {
    }

    /// <summary>TLS with a certificate and the authorities that it and the peers' certificates chain to.</summary>
    /// <param name="own">This node's certificate with its private key.</param>
    /// <param name="authorities">The cluster's authority; two while it is being rolled over.</param>
    public PeerTls(X509Certificate2 own, params X509Certificate2[] authorities) => material = Checked(own, authorities, []);

    /// <summary>TLS whose certificate comes with joining: until <see cref="Replace(X509Certificate2, X509Certificate2[])"/> nothing is accepted and nothing dialled.</summary>
    public static PeerTls Waiting(PeerNames? believed = null) => new() { Believed = believed ?? PeerNames.All };

    /// <summary>Encryption alone: a certificate that nobody signed, and every peer's is believed (etcd's <c>--peer-auto-tls</c>).</summary>
    public static PeerTls OfAnybody(X509Certificate2 own)
    {
        Invariant.Holds(own.HasPrivateKey, "this node's certificate came without its private key");
        return new PeerTls { material = new Material(own, [], []) };
    }

    /// <summary>Whose certificates are believed, of those that the authority signed.</summary>
    public PeerNames Believed { get; init; } = PeerNames.All;

    /// <summary>Whether a peer's certificate proves that it belongs to the cluster.</summary>
    public bool IsVerified => material is not { BelievesAnybody: true };

    /// <summary>Whether there is a certificate.</summary>
    public bool IsReady => material is not null;

    /// <summary>The authority that signed this node's certificate, DER; empty while there is none.</summary>
    public byte[] Authority => material is { BelievesAnybody: false } now ? (now.Authorities.FirstOrDefault(authority => IsOfCluster(now.Own, [authority], now.Intermediates)) ?? now.Authorities[0]).RawData : [];

    /// <summary>The authorities that peers' certificates chain to.</summary>
    public IReadOnlyList<X509Certificate2> Authorities => material is { } now ? [.. now.Authorities] : [];

    /// <summary>When this node's certificate expires.</summary>
    public DateTimeOffset Expires => material is { } now ? now.Own.NotAfter : DateTimeOffset.MaxValue;

    /// <summary>Whether a certificate is signed by one of the authorities and holds today.</summary>
    public static bool IsSigned(X509Certificate2 certificate, params X509Certificate2[] authorities) => IsSigned(certificate, authorities, []);

    /// <summary>Whether a certificate chains to one of the authorities by way of the others, and holds today.</summary>
    public static bool IsSigned(X509Certificate2 certificate, X509Certificate2[] authorities, X509Certificate2[] intermediates) => IsOfCluster(certificate, [.. authorities], [.. intermediates]);

    /// <summary>Whether a certificate names a node: in its common name or its alternative names.</summary>
    public static bool Names(X509Certificate2 certificate, string name)
    {
        if (certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) == name) return true;
        foreach (var extension in certificate.Extensions)
            if (extension is X509SubjectAlternativeNameExtension names && names.EnumerateDnsNames().Contains(name, StringComparer.Ordinal)) return true;
        return false;
    }

    /// <summary>Uses other certificates from the next handshake on.</summary>
    public void Replace(X509Certificate2 own, params X509Certificate2[] authorities) => Replace(own, authorities, []);

    /// <summary>Uses other certificates from the next handshake on, which are shown with the authorities between ours and the cluster's.</summary>
    public void Replace(X509Certificate2 own, X509Certificate2[] authorities, X509Certificate2[] intermediates) => material = Checked(own, authorities, intermediates);

    /// <summary>The SHA-256 of an authority's certificate, as a join token carries it.</summary>
    public static byte[] Fingerprint(X509Certificate2 authority) => SHA256.HashData(authority.RawData);

    internal SslServerAuthenticationOptions ForAccepting()
    {
        var now = Present();
        return new SslServerAuthenticationOptions
        {
            ServerCertificateContext = now.Shown,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,

            // A caller without a certificate passes the handshake, and may then only make the calls that allow it: the preamble's reader decides.
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => certificate is null || Believes(now, certificate, chain),
        };
    }

    internal SslClientAuthenticationOptions ForDialling()
    {
        var now = Present();
        return new SslClientAuthenticationOptions
        {
            TargetHost = "holdfast-peer",
            ClientCertificateContext = now.Shown,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) => certificate is not null && Believes(now, certificate, chain),
        };
    }

    /// <summary>
    /// For a joiner, who has no certificate yet and knows of the cluster only the hash of its authority. A handshake does not carry the authority itself, so the certificate is taken for now,
    /// and <see cref="IsPinned"/> decides once the authority was asked for; until then nothing that matters is said.
    /// </summary>
    internal static SslClientAuthenticationOptions ForJoining() => new()
    {
        TargetHost = "holdfast-peer",
        EnabledSslProtocols = SslProtocols.Tls13,
        AllowTlsResume = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
    };

    /// <summary>The authorities as a joiner is shown them: each a block of DER.</summary>
    internal byte[] ShowAuthorities()
    {
        var bytes = new ByteBuffer();
        var writer = new SpanWriter(bytes);
        foreach (var authority in Present().Authorities) writer.WriteBlock(authority.RawData);
        return bytes.Written.ToArray();
    }

    /// <summary>Whether one of the shown authorities has the pinned hash and has signed the certificate.</summary>
    internal static bool IsPinned(X509Certificate? certificate, ReadOnlySpan<byte> shown, byte[] fingerprint)
    {
        var reader = new SpanReader(shown);
        for (var i = 0; i < AuthoritiesMax && reader.Rest.Length > 0 && certificate is not null; i++)
        {
            // The hash is compared first, so that nothing but the pinned authority is ever parsed.
            var der = reader.ReadBlock();
            if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(der), fingerprint)) continue;
            using var authority = X509CertificateLoader.LoadCertificate(der);
            return IsOfCluster(certificate, [authority], []);
        }

        return false;
    }

    /// <summary>A chain brings what the peer sent beside its certificate: the authorities on the way up.</summary>
    private bool Believes(Material now, X509Certificate certificate, X509Chain? chain) =>
        now.BelievesAnybody || (certificate is X509Certificate2 full && IsOfCluster(full, now.Authorities, chain?.ChainPolicy.ExtraStore ?? []) && Believed.Admits(full));

    private static bool IsOfCluster(X509Certificate certificate, X509Certificate2Collection authorities, X509Certificate2Collection between)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ExtraStore.AddRange(between);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return certificate is X509Certificate2 full && chain.Build(full);
    }

    private Material Present() => material ?? throw new AuthenticationException("this node has no certificate yet");

    private static Material Checked(X509Certificate2 own, X509Certificate2[] authorities, X509Certificate2[] intermediates)
    {
        Invariant.Holds(own.HasPrivateKey, "this node's certificate came without its private key");
        Invariant.Holds(authorities.Length > 0, "mutual TLS was switched on without the cluster's authority");
        return new Material(own, [.. authorities], [.. intermediates]);
    }
}
