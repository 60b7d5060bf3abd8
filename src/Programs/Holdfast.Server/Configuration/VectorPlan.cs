using Holdfast.Http;
using Holdfast.Server.Hosting;
using Holdfast.Vectors.Endpoints.Access;
using Microsoft.Extensions.Logging;

namespace Holdfast.Server.Configuration;

/// <summary>How vector clients are met: TLS, and by which keys they are recognised.</summary>
internal sealed record VectorPlan
{
    /// <summary>What the ports show under TLS.</summary>
    public PortCertificates Certificates { get; init; } = PortCertificates.None;

    /// <summary>Who may come in.</summary>
    public VectorAccessOptions Access { get; init; } = new();

    /// <summary>Whether strangers are kept out and nobody listens in.</summary>
    public bool IsGuarded => Certificates.IsThere && Access.ApiKey.Length > 0;

    /// <summary>Parses; what is wrong is said with its key and the fix.</summary>
    public static VectorPlan From(SettingValues values, List<string> faults)
    {
        var plan = new VectorPlan
        {
            Certificates = PortCertificates.From(values, Settings.VectorsCert, Settings.VectorsKey, null, faults),
            Access = new VectorAccessOptions { ApiKey = Secret(values, Settings.VectorsApiKey, faults), ReadOnlyApiKey = Secret(values, Settings.VectorsReadKey, faults) },
        };
        if (plan.Access.ReadOnlyApiKey.Length > 0 && plan.Access.ApiKey.Length == 0)
            faults.Add($"{Settings.VectorsReadKey.Key}: with it alone nobody could write; add {Settings.VectorsApiKey.Flag}");
        return plan;
    }

    /// <summary>Reads the TLS files, again when they change; null without TLS.</summary>
    /// <exception cref="CannotStartException">They cannot be used.</exception>
    public ServerTls? OpenTls(ILoggerFactory logging) => Certificates.Open("the vector clients'", ServerTls.ProtocolsDefault, logging.CreateLogger("Holdfast.Vectors.Endpoints"));

    /// <summary>A secret stands in a file: a command line is read by everybody on the machine.</summary>
    private static string Secret(SettingValues values, Setting setting, List<string> faults)
    {
        var file = values[setting].Text;
        if (file.Length == 0) return "";
        try
        {
            var secret = File.ReadAllText(file).Trim();
            if (secret.Length == 0) faults.Add($"{setting.Key}: {file} is empty");
            return secret;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            faults.Add($"{setting.Key}: {unreadable.Message}");
            return "";
        }
    }
}
