namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What is asked of the service and not of a collection: its version, and whether it lives.</summary>
internal static class ServicePages
{
    /// <summary>The version of Qdrant's API that is spoken: clients warn when theirs is more than one minor away.</summary>
    public const string ApiVersion = "1.18.0";

    private static readonly byte[] Root = System.Text.Encoding.UTF8.GetBytes($$"""{"title":"qdrant - vector search engine","version":"{{ApiVersion}}","commit":"holdfast"}""");

    /// <summary>Serves the page, if it is one of these.</summary>
    public static async ValueTask<bool> TryServeAsync(RestExchange exchange)
    {
        switch (exchange.Path)
        {
            case "/":
                await exchange.RespondAsync(200, "application/json", Root).ConfigureAwait(false);
                return true;
            case "/healthz" or "/livez" or "/readyz":
                await exchange.RespondAsync(200, "text/plain; charset=utf-8", System.Text.Encoding.UTF8.GetBytes($"{exchange.Path[1..]} check passed")).ConfigureAwait(false);
                return true;
            default:
                return false;
        }
    }
}
