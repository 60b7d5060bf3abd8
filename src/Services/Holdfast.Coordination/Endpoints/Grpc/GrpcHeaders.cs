using System.Globalization;
using System.Text;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.Grpc;

/// <summary>The headers and trailers of gRPC over HTTP/2.</summary>
internal static class GrpcHeaders
{
    public const string ContentType = "application/grpc";

    /// <summary>No client's deadline is kept longer than this; the facade answers far sooner.</summary>
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(1);

    /// <summary>Whether the request is a gRPC call.</summary>
    public static bool IsGrpc(HttpExchange exchange)
    {
        var type = exchange.RequestHeaders.ContentType.ToString();
        return type.StartsWith(ContentType, StringComparison.Ordinal) && (type.Length == ContentType.Length || type[ContentType.Length] is '+' or ';');
    }

    /// <summary>The call succeeded, and its response is written.</summary>
    public static void Succeed(HttpExchange exchange) => exchange.Trailers!["grpc-status"] = "0";

    /// <summary>The call failed: trailers, or headers alone when nothing was sent.</summary>
    public static void Fail(HttpExchange exchange, in CallFailure failure)
    {
        var trailers = exchange.HasStarted ? exchange.Trailers! : exchange.ResponseHeaders;
        trailers["grpc-status"] = failure.Code.ToString(CultureInfo.InvariantCulture);
        trailers["grpc-message"] = PercentEncode(failure.Message);
    }

    /// <summary>The client's deadline: at most eight digits and a unit. Null when there is none, or it cannot be read, as in grpc-go a stream without one.</summary>
    public static TimeSpan? ParseTimeout(string? text)
    {
        if (text is null || text.Length is < 2 or > 9) return null;
        if (!long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var amount)) return null;
        double? millis = text[^1] switch
        {
            'H' => amount * 3_600_000.0,
            'M' => amount * 60_000.0,
            'S' => amount * 1000.0,
            'm' => amount,
            'u' => amount / 1000.0,
            'n' => amount / 1_000_000.0,
            _ => null,
        };
        if (millis is null) return null;
        return millis >= TimeoutMax.TotalMilliseconds ? TimeoutMax : TimeSpan.FromMilliseconds(Math.Max(millis.Value, 0.1));
    }

    /// <summary>Everything outside printable ASCII, and the percent sign, as %XX of its UTF-8 bytes.</summary>
    public static string PercentEncode(string message)
    {
        if (!message.AsSpan().ContainsAnyExceptInRange(' ', '~') && !message.Contains('%')) return message;
        var encoded = new StringBuilder(message.Length + 16);
        foreach (var one in Encoding.UTF8.GetBytes(message))
        {
            if (one is >= 0x20 and <= 0x7e and not (byte)'%') encoded.Append((char)one);
            else encoded.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }
}
