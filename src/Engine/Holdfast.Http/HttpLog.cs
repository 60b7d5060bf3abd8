using Microsoft.Extensions.Logging;

namespace Holdfast.Http;

/// <summary>What every HTTP door logs; of the front doors' block, 4100 to 4199.</summary>
internal static partial class HttpLog
{
    [LoggerMessage(4102, LogLevel.Information, "new connections get the changed certificate of {Subject}, valid until {NotAfter}", EventName = "certificates_reloaded")]
    public static partial void CertificateChanged(ILogger log, string subject, string notAfter);

    [LoggerMessage(4103, LogLevel.Error, "the changed certificate in {Path} or its key cannot be used, so the one before stays in force: {Reason}", EventName = "certificates_kept")]
    public static partial void CertificateUnusable(ILogger log, string path, string reason);
}
