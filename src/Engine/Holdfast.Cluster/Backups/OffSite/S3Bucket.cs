using System.Net;
using System.Security.Cryptography;
using System.Xml.Linq;

namespace Holdfast.Cluster;

/// <summary>An object as a listing tells of it.</summary>
/// <param name="Name">Its name, without the prefix.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Tag">Its ETag without quotes: for an object that was put whole into a store that does not encrypt with keys of its own, the MD5 of its content in hex.</param>
public readonly record struct S3Object(string Name, long Bytes, string Tag);

/// <summary>
/// The four calls of S3 that copies of backups need, with path-style addresses, as every S3-compatible store takes them. One object is put in one request, so it has 5 GB at most. Nothing is retried here.
/// </summary>
public sealed class S3Bucket : IDisposable
{
    /// <summary>The largest object that S3 takes in one request.</summary>
    public const long ObjectBytesMax = 5L * 1024 * 1024 * 1024;

    private const int ListedPagesMax = 10_000;
    private const int FaultBytesMax = 2048;

    private static readonly Dictionary<string, string> NoQuery = [];
    private static readonly TimeSpan AnswerMax = TimeSpan.FromMinutes(10);

    private readonly S3Address address;
    private readonly S3Credentials credentials;
    private readonly HttpClient http;

    /// <summary>A bucket in somebody's name.</summary>
    public S3Bucket(S3Address address, S3Credentials credentials)
    {
        (this.address, this.credentials) = (address, credentials);
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(10) }) { Timeout = AnswerMax };
    }

    /// <summary>Puts an object, in the place of one of that name.</summary>
    /// <param name="name">Its name, without the prefix.</param>
    /// <param name="file">Where its content is.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <param name="bytes">How much of the file is sent: what is there now of a file that is appended to.</param>
    /// <exception cref="IOException">The store did not take it.</exception>
    public async Task PutAsync(string name, string file, long bytes, CancellationToken cancel)
    {
        if (bytes > ObjectBytesMax) throw new IOException($"{file} has {bytes} bytes, and an object is put with {ObjectBytesMax} at most");
        string hash;
        await using (var read = new FilePart(file, bytes)) hash = Convert.ToHexStringLower(await SHA256.HashDataAsync(read, cancel).ConfigureAwait(false));
        var content = new StreamContent(new FilePart(file, bytes));
        content.Headers.ContentLength = bytes;
        using var answer = await SendAsync(HttpMethod.Put, name, NoQuery, content, hash, cancel).ConfigureAwait(false);
    }

    /// <summary>Writes an object's content to a file.</summary>
    /// <exception cref="IOException">It is not there, or the store did not give it.</exception>
    public async Task GetAsync(string name, Stream target, CancellationToken cancel)
    {
        using var answer = await SendAsync(HttpMethod.Get, name, NoQuery, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
        try
        {
            await answer.Content.CopyToAsync(target, cancel).ConfigureAwait(false);
        }
        catch (HttpRequestException cut)
        {
            throw new IOException($"{address}{name}: {cut.Message}", cut);
        }
    }

    /// <summary>Deletes an object; nothing when it is not there.</summary>
    public async Task DeleteAsync(string name, CancellationToken cancel)
    {
        using var answer = await SendAsync(HttpMethod.Delete, name, NoQuery, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
    }

    /// <summary>All objects whose names begin with the prefix and <paramref name="folder"/>.</summary>
    public async Task<IReadOnlyList<S3Object>> ListAsync(string folder, CancellationToken cancel)
    {
        var found = new List<S3Object>();
        var token = "";
        for (var page = 0; page < ListedPagesMax; page++)
        {
            var query = new Dictionary<string, string> { ["list-type"] = "2", ["prefix"] = address.Prefix + folder };
            if (token.Length > 0) query["continuation-token"] = token;
            using var answer = await SendAsync(HttpMethod.Get, null, query, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
            token = Add(await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false), found);
            if (token.Length == 0) return found;
        }

        throw new IOException($"{address}: its list has no end");
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    /// <summary>Adds a page's objects; returns the token of the next page, empty after the last.</summary>
    private string Add(string page, List<S3Object> found)
    {
        XElement list;
        try
        {
            list = XElement.Parse(page);
        }
        catch (System.Xml.XmlException unread)
        {
            throw new IOException($"{address}: its list cannot be read: {unread.Message}", unread);
        }

        var space = list.Name.Namespace;
        foreach (var entry in list.Elements(space + "Contents"))
        {
            var name = entry.Element(space + "Key")?.Value ?? "";
            if (!name.StartsWith(address.Prefix, StringComparison.Ordinal) || !long.TryParse(entry.Element(space + "Size")?.Value, out var bytes)) continue;
            found.Add(new S3Object(name[address.Prefix.Length..], bytes, (entry.Element(space + "ETag")?.Value ?? "").Trim('"')));
        }

        return list.Element(space + "IsTruncated")?.Value == "true" ? list.Element(space + "NextContinuationToken")?.Value ?? "" : "";
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string? name, IReadOnlyDictionary<string, string> query, HttpContent? content, string hash, CancellationToken cancel)
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
        using (answer) throw new IOException($"{address}{name}: {method.Method} was answered {(int)answer.StatusCode}: {await FaultAsync(answer, cancel).ConfigureAwait(false)}");
    }

    private static async Task<string> FaultAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        var bytes = new byte[FaultBytesMax];
        var stream = await answer.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        return System.Text.Encoding.UTF8.GetString(bytes, 0, read).ReplaceLineEndings(" ");
    }
}
