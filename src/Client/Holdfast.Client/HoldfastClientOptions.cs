using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Client;

/// <summary>Where the servers are, and who asks.</summary>
public sealed record HoldfastClientOptions
{
    /// <summary>Where a client looks when nothing else is said.</summary>
    public const string DefaultEndpoint = "http://127.0.0.1:2379";

    /// <summary>The servers, each <c>host:port</c> (cleartext; TLS when <see cref="TrustedCaFile"/> or <see cref="CertificateFile"/> is set) or a URL. At least one. All of one cluster.</summary>
    public IReadOnlyList<string> Endpoints { get; init; } = [DefaultEndpoint];

    /// <summary>For one call at one endpoint. 5 seconds, as in etcdctl. Waiting for a lock is bounded by its own argument.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The user to sign in as; null asks without a name (or as the one whom the client certificate names).</summary>
    public string? User { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>A PEM file with the authorities that the servers' certificates must come from; null trusts those of the system.</summary>
    public string? TrustedCaFile { get; init; }

    /// <summary>The client's own certificate, a PEM file, and after it those between it and its root, if there are any; null shows none.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The key of <see cref="CertificateFile"/>, a PEM file.</summary>
    public string? CertificateKeyFile { get; init; }

    /// <summary>All that is wrong with the options, in sentences; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (Endpoints.Count == 0) faults.Add("at least one endpoint is needed, host:port or a URL");
        faults.AddRange(from endpoint in Endpoints where !Uri.TryCreate(UrlOf(endpoint), UriKind.Absolute, out _) select $"the endpoint \"{endpoint}\" is neither host:port nor a URL");
        if (Timeout <= TimeSpan.Zero) faults.Add("the time for a call must be positive");
        if (User is null != Password is null) faults.Add("a user needs a password, and a password a user");
        if (CertificateFile is null != CertificateKeyFile is null) faults.Add("a client certificate needs its key, and a key its certificate");
        return faults;
    }

    /// <summary>The endpoints that <paramref name="text"/> or the variable <c>HOLDFAST_ENDPOINTS</c> names, separated by commas; else the default.</summary>
    public static IReadOnlyList<string> ParseEndpoints(string? text)
    {
        var named = string.IsNullOrWhiteSpace(text) ? Environment.GetEnvironmentVariable("HOLDFAST_ENDPOINTS") : text;
        return string.IsNullOrWhiteSpace(named) ? [DefaultEndpoint] : named.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>The endpoints as URLs.</summary>
    public IReadOnlyList<string> Urls => [.. Endpoints.Select(UrlOf)];

    /// <summary>Makes connections as this client does: with its certificates, without a proxy, and with pings that find a dead server within ten seconds. Disposed by the caller.</summary>
    /// <exception cref="ArgumentException">A certificate file cannot be used; the message names it.</exception>
    public SocketsHttpHandler CreateConnections() => new()
    {
        ConnectTimeout = TimeSpan.FromSeconds(2),
        KeepAlivePingDelay = TimeSpan.FromSeconds(5),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        UseProxy = false,
        SslOptions = Tls(),
    };

    internal string UrlOf(string endpoint) =>
        endpoint.Contains("://", StringComparison.Ordinal) ? endpoint : (TrustedCaFile is null && CertificateFile is null ? "http://" : "https://") + endpoint;

    /// <summary>Who is noted as the author of changes (<see cref="ChangeNote.Who"/>).</summary>
    internal string Author() => User ?? (CertificateFile is { } own ? Read(own, () => NameIn(own)) : $"{Environment.UserName}@{Environment.MachineName}");

    private static string NameIn(string file)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(file);
        return certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
    }

    private static X509Certificate2Collection AfterTheFirst(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        if (certificates.Count > 0) certificates.RemoveAt(0);
        return certificates;
    }

    private static T Read<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new ArgumentException($"the certificate file {file} cannot be used: {unusable.Message}", unusable);
        }
    }

    private SslClientAuthenticationOptions Tls()
    {
        var tls = new SslClientAuthenticationOptions();
        if (CertificateFile is { } own)
            tls.ClientCertificateContext = Read($"{own} (key {CertificateKeyFile})", () => SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(own, CertificateKeyFile), AfterTheFirst(own), offline: true));
        if (TrustedCaFile is not { } trusted) return tls;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        Read(trusted, () =>
        {
            policy.CustomTrustStore.ImportFromPemFile(trusted);
            return policy.CustomTrustStore.Count > 0 ? true : throw new CryptographicException("it holds no certificate");
        });
        tls.CertificateChainPolicy = policy;
        return tls;
    }
}
