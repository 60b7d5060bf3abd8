using System.Net;
using System.Net.Security;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>Where Redis clients come in on a node.</summary>
public sealed record KeyspaceDoors
{
    /// <summary>In the clear; null for nowhere.</summary>
    public IPEndPoint? Plain { get; init; }

    /// <summary>Under TLS; null for nowhere.</summary>
    public IPEndPoint? Tls { get; init; }

    /// <summary>In the clear, for clients that know nothing of clusters: their commands are forwarded. Null for nowhere.</summary>
    public IPEndPoint? Forwarding { get; init; }

    /// <summary>What a handshake needs, as of now; asked at each. Null without <see cref="Tls"/>.</summary>
    public Func<SslServerAuthenticationOptions>? TlsOptions { get; init; }

    /// <summary>The host that clients are told; null for the address that is listened at.</summary>
    public string? Advertised { get; init; }
}
