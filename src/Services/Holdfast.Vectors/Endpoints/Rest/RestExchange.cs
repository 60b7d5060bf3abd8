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

    /// <summary>GET, POST, ...</summary>
    public string Method => request.Method;

    /// <summary>The request's headers.</summary>
    public IHeaderDictionary Headers => request.Headers;

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
}
