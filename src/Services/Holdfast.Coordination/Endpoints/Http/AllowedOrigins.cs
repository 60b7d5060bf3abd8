namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>From which other origins pages in a browser may ask us: none unless they are named, and then in etcd's words (Fetch standard, "CORS protocol").</summary>
internal sealed class AllowedOrigins(IReadOnlyList<string> named)
{
    private const string Any = "*";

    /// <summary>No other origin.</summary>
    public static readonly AllowedOrigins None = new([]);

    /// <summary>Says in the response's headers what is allowed. True when that was the whole question, a browser's before its own (preflight).</summary>
    public bool Answer(HttpExchange exchange)
    {
        if (named.Count == 0) return false;
        var asking = exchange.RequestHeaders.Origin.ToString();
        if (named.Contains(Any)) Allow(exchange, Any);
        else if (named.Contains(asking)) Allow(exchange, asking);
        return exchange.Method == "OPTIONS";
    }

    private static void Allow(HttpExchange exchange, string origin)
    {
        exchange.ResponseHeaders.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
        exchange.ResponseHeaders.AccessControlAllowOrigin = origin;
        exchange.ResponseHeaders.AccessControlAllowHeaders = "accept, content-type, authorization";
    }
}
