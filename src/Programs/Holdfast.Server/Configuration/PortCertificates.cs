using System.Security.Authentication;
using System.Security.Cryptography;
using Holdfast.Http;
using Holdfast.Server.Hosting;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Configuration;

/// <summary>The files that a port for clients shows its TLS with; empty where it speaks in the clear.</summary>
/// <param name="Certificate">Our certificate and what stands between it and its root, PEM.</param>
/// <param name="Key">Its private key, PEM.</param>
/// <param name="ClientCa">Whom clients' certificates must chain to; empty where none is asked for.</param>
internal sealed record PortCertificates(string Certificate, string Key, string ClientCa)
{
    /// <summary>None: the port speaks in the clear.</summary>
    public static readonly PortCertificates None = new("", "", "");

    /// <summary>Whether the port speaks TLS.</summary>
    public bool IsThere => Certificate.Length > 0;

    /// <summary>Parses; what is wrong is said with its key and the fix.</summary>
    /// <param name="values">What was said.</param>
    /// <param name="certificate">The setting of our certificate.</param>
    /// <param name="key">That of its key.</param>
    /// <param name="clientCa">That of the authority; null where clients show no certificates.</param>
    /// <param name="faults">What is wrong.</param>
    public static PortCertificates From(SettingValues values, Setting certificate, Setting key, Setting? clientCa, List<string> faults)
    {
        var said = new PortCertificates(values[certificate].Text, values[key].Text, clientCa is null ? "" : values[clientCa].Text);
        if (said.IsThere != said.Key.Length > 0) faults.Add($"{certificate.Key} and {key.Key}: TLS needs both; add {(said.IsThere ? key.Flag : certificate.Flag)}");
        return said;
    }

    /// <summary>Reads them, again when they change; null without TLS.</summary>
    /// <param name="whose">Whose certificates, for the operator: "the vector clients'".</param>
    /// <param name="protocols">Which versions of TLS are spoken.</param>
    /// <param name="log">Where changes are told.</param>
    /// <exception cref="CannotStartException">They cannot be used.</exception>
    public ServerTls? Open(string whose, SslProtocols protocols, ILogger log)
    {
        if (!IsThere) return null;
        try
        {
            var files = TlsFiles.Open(Certificate, Key, ClientCa.Length > 0 ? ClientCa : null, log);
            return new ServerTls { Material = () => files.Current, Protocols = protocols };
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            var names = string.Join(", ", new[] { Certificate, Key, ClientCa }.Where(name => name.Length > 0));
            throw new CannotStartException($"{whose} certificates cannot be used ({names}): {unusable.Message}", unusable);
        }
    }
}
