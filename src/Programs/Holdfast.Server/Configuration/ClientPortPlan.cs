using System.Globalization;
using System.Net.Security;
using System.Security.Authentication;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Http;
using Holdfast.Server.Hosting;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Configuration;

/// <summary>How etcd clients are met: TLS, whose certificates are believed, and how users are recognised.</summary>
internal sealed record ClientPortPlan
{
    /// <summary>Anybody, in the clear: for loopback.</summary>
    public static readonly ClientPortPlan Plain = new() { Certificate = "", Key = "", ClientCa = "", Auth = new CoordinationAuthOptions() };

    public required string Certificate { get; init; }

    public required string Key { get; init; }

    public required string ClientCa { get; init; }

    public required CoordinationAuthOptions Auth { get; init; }

    /// <summary>Which versions of TLS are spoken.</summary>
    public SslProtocols Protocols { get; init; } = ServerTls.ProtocolsDefault;

    /// <summary>Which cipher suites may be chosen; empty for the system's own choice.</summary>
    public IReadOnlyList<TlsCipherSuite> CipherSuites { get; init; } = [];

    /// <summary>Whether the port speaks TLS.</summary>
    public bool IsTls => Certificate.Length > 0;

    /// <summary>Whether nobody gets in who cannot prove who he is. (Users and passwords do not count: they are switched on while the cluster runs.)</summary>
    public bool IsGuarded => IsTls && ClientCa.Length > 0;

    /// <summary>For the addresses that clients are told.</summary>
    public string Scheme => IsTls ? "https" : "http";

    /// <summary>Parses; what is wrong is said with its key and the fix.</summary>
    public static ClientPortPlan From(SettingValues values, List<string> faults)
    {
        var certificates = PortCertificates.From(values, Settings.EtcdCert, Settings.EtcdKey, Settings.EtcdClientCa, faults);
        var plan = new ClientPortPlan
        {
            Certificate = certificates.Certificate,
            Key = certificates.Key,
            ClientCa = certificates.ClientCa,
            Auth = AuthOf(values[Settings.AuthToken].Text, Settings.AuthToken.Key, values[Settings.AuthTokenTtl].Text, Settings.AuthTokenTtl.Key, faults),
        };
        if (plan.ClientCa.Length > 0 && !plan.IsTls)
            faults.Add($"{Settings.EtcdClientCa.Key}: client certificates need TLS; add {Settings.EtcdCert.Flag} and {Settings.EtcdKey.Flag}");
        return plan;
    }

    /// <summary>Reads the TLS files; null without TLS.</summary>
    /// <exception cref="CannotStartException">They cannot be used.</exception>
    public ServerTls? OpenTls(ILoggerFactory logging) =>
        new PortCertificates(Certificate, Key, ClientCa).Open("the clients'", Protocols, logging.CreateLogger("Holdfast.Coordination.Endpoints")) is { } tls ? tls with { CipherSuites = CipherSuites } : null;

    /// <summary>How users are recognised, from etcd's words for it: <c>simple</c>, or <c>jwt,</c> and its options; seconds for a simple token.</summary>
    public static CoordinationAuthOptions AuthOf(string token, string tokenName, string seconds, string secondsName, List<string> faults)
    {
        if (!double.TryParse(seconds, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var timeToLive) || timeToLive is < 1 or > 1e8)
            faults.Add($"{secondsName}: \"{seconds}\" is not a number of seconds");
        var options = new CoordinationAuthOptions { TokenTimeToLive = TimeSpan.FromSeconds(Math.Clamp(timeToLive, 1, 1e8)) };
        if (token == "simple") return options;
        var wrong = new List<string>();
        if (token.StartsWith("jwt,", StringComparison.Ordinal)) options = options with { Jwt = JwtPlan.Parse(token[4..], wrong) };
        else wrong.Add($"\"{token}\" is neither simple nor jwt,sign-method=...");
        foreach (var fault in wrong) faults.Add($"{tokenName}: {fault}");
        return options;
    }
}
