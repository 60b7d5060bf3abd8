using System.IO.Pipelines;
using Holdfast.Coordination.Endpoints.Port;
using Holdfast.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>One request and its response, over Kestrel's own features. (No HttpContext, routing or container lies between.)</summary>
internal sealed class HttpExchange(IFeatureCollection features)
{
    private readonly IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();
    private readonly IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();
    private readonly IHttpResponseBodyFeature output = features.GetRequiredFeature<IHttpResponseBodyFeature>();
    private PipeReader? body;

    /// <summary>The path, unescaped.</summary>
    public string Path => request.Path;

    /// <summary>The query with its question mark, or empty.</summary>
    public string Query => request.QueryString;

    /// <summary>GET, POST, ...</summary>
    public string Method => request.Method;

    /// <summary>The request's headers.</summary>
    public IHeaderDictionary RequestHeaders => request.Headers;

    /// <summary>The response's headers, until it has started.</summary>
    public IHeaderDictionary ResponseHeaders => response.Headers;

    /// <summary>The response's trailers; null when the protocol has none (HTTP/1.0).</summary>
    public IHeaderDictionary? Trailers => features.Get<IHttpResponseTrailersFeature>()?.Trailers;

    /// <summary>Whether the status and the headers have gone.</summary>
    public bool HasStarted => response.HasStarted;

    /// <summary>
    /// The common name in the client's certificate; null without one. There is one only where the door asks for it, and then it was checked against the
    /// operator's own roots.
    /// </summary>
    public string? ClientName => features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate ? ClientTrust.CommonNameOf(certificate) : null;

    /// <summary>Whether the client showed a certificate.</summary>
    public bool HasClientCertificate => features.Get<ITlsConnectionFeature>()?.ClientCertificate is not null;

    /// <summary>Whether it came in where only pages are served.</summary>
    public bool IsForPages => features.Get<ForPages>() is not null;

    /// <summary>Signalled when the client is gone.</summary>
    public CancellationToken Aborted => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    /// <summary>The request's body.</summary>
    public PipeReader Body => body ??= features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    /// <summary>The response's body.</summary>
    public PipeWriter Output => output.Writer;

    /// <summary>Sets the status and the content type.</summary>
    public void Begin(int status, string contentType)
    {
        response.StatusCode = status;
        response.Headers.ContentType = contentType;
    }

    /// <summary>A stream may rest as long as it likes: neither the pace nor the length of its body is bounded. (Each message is.)</summary>
    public void AllowStreaming()
    {
        if (features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null;
        if (features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = null;
    }

    /// <summary>Sends status and headers now, before there is a body.</summary>
    public Task StartAsync(CancellationToken cancel) => output.StartAsync(cancel);

    /// <summary>
    /// Ends the response now, and waits until the client has ended its side too, or the time is over. For a stream that ends because the door closes: a connection that is closed at once
    /// overtakes, in some clients, the status that was sent before it.
    /// </summary>
    public async Task EndAndLingerAsync(TimeSpan most)
    {
        var seen = Aborted;
        await output.CompleteAsync().ConfigureAwait(false);
        await Task.Delay(most, seen).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Breaks the connection or the stream off: for a response that can no longer be ended properly.</summary>
    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    /// <summary>Sends a whole small body, with its length.</summary>
    public async ValueTask RespondAsync(int status, string contentType, ReadOnlyMemory<byte> content)
    {
        Begin(status, contentType);
        response.Headers.ContentLength = content.Length;
        await Output.WriteAsync(content).ConfigureAwait(false);
    }
}
