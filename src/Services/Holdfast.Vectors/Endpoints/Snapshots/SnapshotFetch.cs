using System.Net;

namespace Holdfast.Vectors.Endpoints.Snapshots;

/// <summary>Fetches a snapshot from another service by HTTP, as its clients download one.</summary>
internal static class SnapshotFetch
{
    /// <summary>One client for all: it keeps its lines for a while. How long a fetch may take is the request's own matter.</summary>
    private static readonly HttpClient Client = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5), ConnectTimeout = TimeSpan.FromSeconds(10) }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Whether a location is one that is fetched.</summary>
    public static bool IsUrl(string location) => location.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || location.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Copies what is there to a stream.</summary>
    /// <param name="location">An address that begins with http:// or https://.</param>
    /// <param name="key">The key that the other service wants; null for none.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="VectorFault">Nobody answers there, or not with a file.</exception>
    public static async Task CopyAsync(string location, string? key, Stream target, CancellationToken cancel)
    {
        if (!Uri.TryCreate(location, UriKind.Absolute, out var address)) throw VectorFault.BadInput($"Invalid URL {location}");
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            if (key is not null) request.Headers.TryAddWithoutValidation("api-key", key);
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK) throw VectorFault.BadInput($"Failed to download snapshot from {location}: status - {(int)response.StatusCode}");
            await response.Content.CopyToAsync(target, cancel).ConfigureAwait(false);
        }
        catch (HttpRequestException failed)
        {
            throw VectorFault.BadInput($"Failed to download snapshot from {location}: {failed.Message}");
        }
    }
}
