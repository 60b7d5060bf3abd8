using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>One request and its response, over Kestrel's own features: no context, routing or container lies between.</summary>
internal sealed class RestExchange(IFeatureCollection features)
{
    private readonly IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();
    private readonly IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();

    /// <summary>The path, unescaped.</summary>
    public string Path => request.Path;

    /// <summary>The query with its question mark, or empty.</summary>
    public string Query => request.QueryString;

    /// <summary>A field of the query; null when it is not there.</summary>
    public string? QueryOf(string name)
    {
        foreach (var pair in Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? pair : pair[..equals];
            if (Uri.UnescapeDataString(key) == name) return equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }

        return null;
    }

    /// <summary>GET, POST, ...</summary>
    public string Method => request.Method;

    /// <summary>The request's headers.</summary>
    public IHeaderDictionary Headers => request.Headers;

    /// <summary>The response's headers.</summary>
    public IHeaderDictionary ResponseHeaders => response.Headers;

    /// <summary>Whether the status has gone.</summary>
    public bool HasStarted => response.HasStarted;

    /// <summary>Signalled when the client is gone.</summary>
    public CancellationToken Aborted => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    /// <summary>The request's body.</summary>
    public PipeReader Body => features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    /// <summary>Breaks the connection off.</summary>
    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    /// <summary>Sends a whole body, with its length.</summary>
    public async ValueTask RespondAsync(int status, string contentType, ReadOnlyMemory<byte> content)
    {
        response.StatusCode = status;
        response.Headers.ContentType = contentType;
        response.Headers.ContentLength = content.Length;
        await features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer.WriteAsync(content).ConfigureAwait(false);
    }

    /// <summary>Sends a file and closes it.</summary>
    public async ValueTask RespondAsync(RestFile file)
    {
        await using var content = file.Content;
        response.StatusCode = 200;
        response.Headers.ContentType = "application/octet-stream";
        response.Headers.ContentLength = content.Length;
        response.Headers.ContentDisposition = $"attachment; filename=\"{file.Name.Replace('"', '_')}\"";
        var writer = features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;
        var buffer = new byte[128 * 1024];
        for (int read; (read = await content.ReadAsync(buffer, Aborted).ConfigureAwait(false)) > 0;) await writer.WriteAsync(buffer.AsMemory(0, read), Aborted).ConfigureAwait(false);
    }
}
