using Holdfast.Client;

namespace Holdfast.Server.Client;

/// <summary>How a client verb reaches servers and who it says it is: drawn from flags, then <c>HOLDFAST_*</c> variables. Connections and signing in are the client library's.</summary>
internal sealed class ClientAccess
{
    private readonly HoldfastClientOptions options;

    /// <summary>Reads what was named.</summary>
    /// <exception cref="ClientAccessException">A file cannot be used, or one is missing beside another.</exception>
    public ClientAccess(IReadOnlyList<string> endpoints, string caFile = "", string certFile = "", string keyFile = "", string user = "", string password = "")
    {
        if (certFile.Length > 0 != keyFile.Length > 0) throw new ClientAccessException("--cert and --key (HOLDFAST_CERT, HOLDFAST_KEY) go together: one of the two is missing");
        var colon = user.IndexOf(':', StringComparison.Ordinal);
        var (name, secret) = colon >= 0 && password.Length == 0 ? (user[..colon], user[(colon + 1)..]) : (user, password);
        options = new HoldfastClientOptions
        {
            Endpoints = endpoints,
            User = Named(name),
            Password = name.Length > 0 ? secret : null,
            TrustedCaFile = Named(caFile),
            CertificateFile = Named(certFile),
            CertificateKeyFile = Named(keyFile),
        };
        if (options.Validate() is { Count: > 0 } faults) throw new ClientAccessException(string.Join("; ", faults));
        try
        {
            Connections().Dispose();
        }
        catch (ArgumentException unusable)
        {
            throw new ClientAccessException(unusable.Message);
        }

        Endpoints = options.Urls;
    }

    /// <summary>The servers, as URLs.</summary>
    public IReadOnlyList<string> Endpoints { get; }

    /// <summary>A client of the coordination face.</summary>
    public HoldfastClient Open() => new(options);

    /// <summary>Makes connections, without a name.</summary>
    public SocketsHttpHandler Connections() => options.CreateConnections();

    /// <summary>Makes connections to one server that say who asks, where a user was named.</summary>
    public HttpMessageHandler NamedConnections(string url) => options.User is null ? Connections() : new SignedInHandler(new HoldfastClient(options with { Endpoints = [url] }), Connections());

    private static string? Named(string text) => text.Length > 0 ? text : null;
}

/// <summary>What was said about certificates or the user cannot be used; a sentence for the user.</summary>
internal sealed class ClientAccessException(string message) : Exception(message);
