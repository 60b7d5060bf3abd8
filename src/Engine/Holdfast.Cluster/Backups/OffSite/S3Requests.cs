using System.Net;
using System.Security.Cryptography;

namespace Holdfast.Cluster;

/// <summary>The store answered, and not with success.</summary>
internal sealed class S3RefusedException(HttpStatusCode status, string message) : IOException(message)
{
    /// <summary>What it answered.</summary>
    public HttpStatusCode Status { get; } = status;
}

/// <summary>Signed requests to a bucket, with path-style addresses; what is no success throws.</summary>
internal sealed class S3Requests : IDisposable
{
    private const int FaultBytesMax = 2048;

    private static readonly TimeSpan AnswerMax = TimeSpan.FromMinutes(10);

    private readonly S3Address address;
    private readonly S3Credentials credentials;
    private readonly HttpClient http;

    public S3Requests(S3Address address, S3Credentials credentials)
    {
        (this.address, this.credentials) = (address, credentials);
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(10) }) { Timeout = AnswerMax };
    }

    /// <summary>Puts bytes of a file.</summary>
    public async Task<HttpResponseMessage> SendFileAsync(string name, IReadOnlyDictionary<string, string> query, string file, long from, long bytes, CancellationToken cancel)
    {
        string hash;
        await using (var read = new FilePart(file, from, bytes)) hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(read, cancel).ConfigureAwait(false));
        var content = new StreamContent(new FilePart(file, from, bytes));
        content.Headers.ContentLength = bytes;
        return await SendAsync(HttpMethod.Put, name, query, content, hash, cancel).ConfigureAwait(false);
    }

    /// <summary>Sends a request and gives its answer, of which the headers have come.</summary>
    /// <param name="method">GET, PUT, POST, DELETE.</param>
    /// <param name="name">The object's name without the prefix; null for the bucket.</param>
    /// <param name="query">Names and values, not encoded.</param>
    /// <param name="content">The body; disposed of.</param>
    /// <param name="hash">Its SHA-256 in hex.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <exception cref="IOException">The store was not reached, or refused.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string? name, IReadOnlyDictionary<string, string> query, HttpContent? content, string hash, CancellationToken cancel)
    {
        var path = S3Signature.EncodePath($"{address.Endpoint.AbsolutePath.TrimEnd('/')}/{address.Bucket}{(name is null ? "" : "/" + address.Prefix + name)}");
        var uri = new Uri($"{address.Endpoint.GetLeftPart(UriPartial.Authority)}{path}{(query.Count == 0 ? "" : "?" + S3Signature.EncodeQuery(query))}");
        using var request = new HttpRequestMessage(method, uri) { Content = content };
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = uri.Authority, ["x-amz-content-sha256"] = hash, ["x-amz-date"] = S3Signature.Time(DateTime.UtcNow) };
        if (credentials.SessionToken.Length > 0) signed["x-amz-security-token"] = credentials.SessionToken;
        foreach (var (header, value) in signed)
            if (header != "host") request.Headers.TryAddWithoutValidation(header, value);
        request.Headers.TryAddWithoutValidation("Authorization", S3Signature.Of(method.Method, path, query, signed, credentials, address.Region));
        HttpResponseMessage answer;
        try
        {
            answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        }
        catch (Exception unreached) when (unreached is HttpRequestException || (unreached is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            throw new IOException($"{address.Endpoint}: {unreached.Message}", unreached);
        }

        if (answer.IsSuccessStatusCode || (method == HttpMethod.Delete && answer.StatusCode == HttpStatusCode.NotFound)) return answer;
        using (answer) throw new S3RefusedException(answer.StatusCode, $"{address}{name}: {method.Method} was answered {(int)answer.StatusCode}: {await FaultAsync(answer, cancel).ConfigureAwait(false)}");
    }

    private static async Task<string> FaultAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        var bytes = new byte[FaultBytesMax];
        var stream = await answer.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        return System.Text.Encoding.UTF8.GetString(bytes, 0, read).ReplaceLineEndings(" ");
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();
}
