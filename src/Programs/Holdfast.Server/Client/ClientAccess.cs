using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Client;

namespace Holdfast.Server.Client;

/// <summary>How a client verb reaches servers and who it says it is: drawn from flags, then <c>HOLDFAST_*</c> variables. The files are read once.</summary>
internal sealed class ClientAccess
{
    private readonly HoldfastClientOptions options;
    private readonly X509Certificate2Collection? authorities;
    private readonly SslStreamCertificateContext? own;

    /// <summary>Reads what was named.</summary>
    /// <exception cref="ClientAccessException">A file cannot be used, or one is missing beside another.</exception>
    public ClientAccess(IReadOnlyList<string> endpoints, string caFile = "", string certFile = "", string keyFile = "", string user = "", string password = "")
    {
        if (certFile.Length > 0 != keyFile.Length > 0) throw new ClientAccessException("--cert and --key (HOLDFAST_CERT, HOLDFAST_KEY) go together: one of the two is missing");
        try
        {
            if (caFile.Length > 0) (authorities = []).ImportFromPemFile(caFile);
            if (certFile.Length > 0) own = SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(certFile, keyFile), null, offline: true);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ClientAccessException($"the certificates cannot be used ({string.Join(", ", new[] { caFile, certFile, keyFile }.Where(file => file.Length > 0))}): {unusable.Message}");
        }

        if (authorities is { Count: 0 }) throw new ClientAccessException($"{caFile} holds no certificate");
        var colon = user.IndexOf(':', StringComparison.Ordinal);
        (User, Password) = colon >= 0 && password.Length == 0 ? (user[..colon], user[(colon + 1)..]) : (user, password);
        Endpoints = [.. endpoints.Select(UrlOf)];
        options = new HoldfastClientOptions
        {
            Endpoints = Endpoints,
            User = Named(User),
            Password = User.Length > 0 ? Password : null,
            TrustedCaFile = Named(caFile),
            CertificateFile = Named(certFile),
            CertificateKeyFile = Named(keyFile),
        };
    }

    /// <summary>The servers, as URLs.</summary>
    public IReadOnlyList<string> Endpoints { get; }

    /// <summary>Who signs in; empty for nobody.</summary>
    public string User { get; }

    /// <summary>The password.</summary>
    public string Password { get; }

    /// <summary>An address as a URL: https where certificates were named, else in the clear.</summary>
    public string UrlOf(string address) => address.Contains("://", StringComparison.Ordinal) ? address : (authorities is not null || own is not null ? "https://" : "http://") + address;

    /// <summary>A client of the coordination face.</summary>
    public HoldfastClient Open() => new(options);

    /// <summary>Makes connections, without a name.</summary>
    public SocketsHttpHandler Connections()
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(2),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            UseProxy = false,
        };
        if (own is not null) handler.SslOptions.ClientCertificateContext = own;
        if (authorities is not null) handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, CustomTrustStore = { } };
        if (authorities is not null) handler.SslOptions.CertificateChainPolicy!.CustomTrustStore.AddRange(authorities);
        return handler;
    }

    /// <summary>Makes connections to one server that say who asks, where a user was named.</summary>
    public HttpMessageHandler NamedConnections(string url) => User.Length == 0 ? Connections() : new SignedInHandler(this, url);

    private static string? Named(string text) => text.Length > 0 ? text : null;
}

/// <summary>What was said about certificates or the user cannot be used; a sentence for the user.</summary>
internal sealed class ClientAccessException(string message) : Exception(message);
