using System.Net;
using Holdfast.Http;
using Holdfast.Keyspace.Endpoints;
using Holdfast.Server.Hosting;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Configuration;

/// <summary>Where Redis clients come in, and whose certificates are believed.</summary>
internal sealed record RedisPortPlan
{
    /// <summary>In the clear; null for nowhere.</summary>
    public IPEndPoint? Plain { get; init; }

    /// <summary>Under TLS; null for nowhere.</summary>
    public IPEndPoint? Tls { get; init; }

    /// <summary>For clients that know nothing of clusters; null for nowhere.</summary>
    public IPEndPoint? Forwarding { get; init; }

    /// <summary>What the port under TLS shows, and whose certificates are believed.</summary>
    public PortCertificates Certificates { get; init; } = PortCertificates.None;

    /// <summary>Whether a client may come without a certificate although there is an authority.</summary>
    public bool AreClientCertificatesOptional { get; init; }

    /// <summary>The first of the ports; null when Redis clients are served nowhere.</summary>
    public IPEndPoint? First => Plain ?? Tls;

    /// <summary>Parses; what is wrong is said with its key and the fix.</summary>
    /// <param name="values">What was said.</param>
    /// <param name="listen">Parses an address, and says whether it may be listened at.</param>
    /// <param name="faults">What is wrong.</param>
    public static RedisPortPlan From(SettingValues values, Func<Setting, bool, IPEndPoint?> listen, List<string> faults)
    {
        var plan = new RedisPortPlan
        {
            Certificates = PortCertificates.From(values, Settings.RedisCert, Settings.RedisKey, Settings.RedisClientCa, faults),
            AreClientCertificatesOptional = values[Settings.RedisClientCerts].Text == "optional",
        };
        plan = plan with
        {
            Plain = listen(Settings.Redis, false),
            Tls = listen(Settings.RedisTls, plan.Certificates.ClientCa.Length > 0 && !plan.AreClientCertificatesOptional),
            Forwarding = listen(Settings.RedisForward, false),
        };
        if (plan.Tls is not null && !plan.Certificates.IsThere)
            faults.Add($"{Settings.RedisTls.Key}: TLS needs a certificate; add {Settings.RedisCert.Flag} and {Settings.RedisKey.Flag}");
        if (values[Settings.RedisTls].Text.Length == 0 && (plan.Certificates.IsThere || plan.Certificates.ClientCa.Length > 0))
            faults.Add($"{Settings.RedisCert.Key}: there is no port for it; add {Settings.RedisTls.Flag} host:port");
        if (values[Settings.RedisClientCerts].Text is not ("required" or "optional"))
            faults.Add($"{Settings.RedisClientCerts.Key} ({values[Settings.RedisClientCerts].Origin}): \"{values[Settings.RedisClientCerts].Text}\" is neither required nor optional");
        if (values[Settings.RedisForward].Text.Length > 0 && values[Settings.Redis].Text.Length + values[Settings.RedisTls].Text.Length == 0)
            faults.Add($"{Settings.RedisForward.Key}: it stands beside the port that the other nodes' clients are told; add {Settings.Redis.Flag} or {Settings.RedisTls.Flag}");
        return plan;
    }

    /// <summary>The ports as the face takes them; reads the TLS files, again when they change.</summary>
    /// <exception cref="CannotStartException">They cannot be used.</exception>
    public KeyspaceDoors Open(ILoggerFactory logging)
    {
        var tls = Certificates.Open("the Redis clients'", ServerTls.ProtocolsDefault, logging.CreateLogger("Holdfast.Keyspace.Endpoints"));
        if (tls is not null) tls = tls with { AreClientCertificatesOptional = AreClientCertificatesOptional };
        return new KeyspaceDoors { Plain = Plain, Tls = Tls, Forwarding = Forwarding, TlsOptions = tls is null ? null : () => tls.Handshake() };
    }

    /// <summary>The port that somebody else has, with its flag; the first when nobody has any.</summary>
    public (IPEndPoint Port, string Flag) Taken()
    {
        foreach (var (port, flag) in ((IPEndPoint?, string)[])[(Plain, Settings.Redis.Flag), (Tls, Settings.RedisTls.Flag), (Forwarding, Settings.RedisForward.Flag)])
            if (port is not null && PortOwner.Of(port.Port) is not null) return (port, flag);
        return (First!, Plain is null ? Settings.RedisTls.Flag : Settings.Redis.Flag);
    }
}
