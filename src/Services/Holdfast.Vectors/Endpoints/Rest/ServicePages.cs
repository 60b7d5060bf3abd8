using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Telling;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What is asked of the service and has no envelope: its version, whether it lives, its metrics.</summary>
internal sealed class ServicePages(VectorMeters meters)
{
    /// <summary>The version of Qdrant's API that is spoken: clients warn when theirs is more than one minor away.</summary>
    public const string ApiVersion = "1.18.0";

    /// <summary>What clients and dashboards take the service for.</summary>
    public const string AppName = "qdrant";

    /// <summary>These pages, for the page of the API's state.</summary>
    public static readonly IReadOnlyList<string> Paths = ["/", "/healthz", "/livez", "/readyz", "/metrics"];

    private static readonly byte[] Root = System.Text.Encoding.UTF8.GetBytes($$"""{"title":"qdrant - vector search engine","version":"{{ApiVersion}}","commit":"holdfast"}""");

    /// <summary>Whether the page may be seen without a key.</summary>
    public static bool IsOpen(string path) => path is "/" or "/healthz" or "/livez" or "/readyz";

    /// <summary>Serves the page, if it is one of these.</summary>
    /// <exception cref="VectorFault">The caller may not see it.</exception>
    public async ValueTask<bool> TryServeAsync(RestExchange exchange, AccessGrant grant)
    {
        switch (exchange.Path)
        {
            case "/":
                await exchange.RespondAsync(200, "application/json", Root).ConfigureAwait(false);
                return true;
            case "/healthz" or "/livez" or "/readyz":
                await exchange.RespondAsync(200, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes($"{exchange.Path[1..]} check passed")).ConfigureAwait(false);
                return true;
            case "/metrics":
                grant.Require(AccessRight.Read, null);
                await exchange.RespondAsync(200, "text/plain; version=0.0.4; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(meters.Print())).ConfigureAwait(false);
                return true;
            default:
                return false;
        }
    }
}
