using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Holdfast.Cluster.Tests;

/// <summary>
/// A small S3 that believes nobody: it works out Signature Version 4 from what came over the wire (AWS, "Signature Version 4 for API requests" and "Multipart upload overview"), in code that shares nothing with ours,
/// and refuses what does not fit: signature, body, clock, key, part sizes, part tags. Objects live in memory; lists come two at a time.
/// </summary>
internal sealed class VerifyingStore : IAsyncDisposable
{
    public const int PartBytesLeast = 5 << 20;
    private const int PageObjects = 2;

    private readonly HttpListener listener = new();
    private readonly Dictionary<string, string> secrets = new(StringComparer.Ordinal) { ["AKIATEST"] = "wJalrXUtn/+secret=" };
    private readonly SortedDictionary<string, (byte[] Content, string Tag)> objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Name, SortedDictionary<int, byte[]> Parts)> uploads = new(StringComparer.Ordinal);
    private readonly Task serving;
    private int uploadsBegun;

    private VerifyingStore(int port)
    {
        Endpoint = new Uri($"http://127.0.0.1:{port}");
        listener.Prefixes.Add(Endpoint + "");
        listener.Start();
        serving = Task.Run(ServeAsync);
    }

    public static S3Credentials Known { get; } = new("AKIATEST", "wJalrXUtn/+secret=", "");

    public Uri Endpoint { get; }

    public string Region => "eu-central-1";

    /// <summary>What it holds, by name.</summary>
    public IReadOnlyDictionary<string, (byte[] Content, string Tag)> Objects => objects;

    /// <summary>Uploads in parts that are neither finished nor forgotten.</summary>
    public int Unfinished => uploads.Count;

    /// <summary>Parts that came, in order.</summary>
    public List<int> PartsTaken { get; } = [];

    /// <summary>Refused from this part of an upload on; 0 for never.</summary>
    public int FailsFromPart { get; set; }

    /// <summary>Cannot say which uploads are unfinished, as some stores.</summary>
    public bool ListsNoUploads { get; set; }

    /// <summary>Answers 200 to the end of an upload and tells of a failure in the body, as S3 may.</summary>
    public bool FailsAtTheEnd { get; set; }

    /// <summary>Told the name of an object that it has taken, before it answers.</summary>
    public Action<string> OnTaken { get; set; } = _ => { };

    public static VerifyingStore Start()
    {
        while (true)
        {
            try
            {
                return new VerifyingStore(Random.Shared.Next(20_000, 32_000));
            }
            catch (HttpListenerException)
            {
                // Somebody has that port.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext exchange;
            try
            {
                exchange = await listener.GetContextAsync();
            }
            catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await exchange.Request.InputStream.CopyToAsync(body);
            var (status, answer, tag) = Answer(exchange.Request, body.ToArray());
            exchange.Response.StatusCode = status;
            if (tag is not null) exchange.Response.Headers["ETag"] = $"\"{tag}\"";
            exchange.Response.ContentLength64 = answer.Length;
            await exchange.Response.OutputStream.WriteAsync(answer);
            exchange.Response.Close();
        }
    }

    private (int Status, byte[] Answer, string? Tag) Answer(HttpListenerRequest request, byte[] body)
    {
        if (Refusal(request, body) is { } refusal) return Fault(403, refusal);
        var (path, query) = Split(request.RawUrl!);
        var segments = path.Split('/', 3);
        if (segments[1] != "bucket") return Fault(404, "NoSuchBucket");
        var name = segments.Length > 2 ? Decode(segments[2]) : "";
        return (request.HttpMethod, name) switch
        {
            ("GET", "") when query.ContainsKey("uploads") && ListsNoUploads => Fault(501, "NotImplemented"),
            ("GET", "") when query.ContainsKey("uploads") => Xml(new XElement("ListMultipartUploadsResult", uploads.Where(upload => upload.Value.Name.StartsWith(query["prefix"], StringComparison.Ordinal)).Select(upload => new XElement("Upload", new XElement("Key", upload.Value.Name), new XElement("UploadId", upload.Key))))),
            ("GET", "") => List(query),
            ("GET", _) when query.TryGetValue("uploadId", out var id) => ListParts(id, query),
            ("GET", _) => objects.TryGetValue(name, out var found) ? (200, found.Content, found.Tag) : Fault(404, "NoSuchKey"),
            ("PUT", _) when query.TryGetValue("uploadId", out var id) => TakePart(id, int.Parse(query["partNumber"], CultureInfo.InvariantCulture), body),
            ("PUT", _) => Take(name, body, Md5(body)),
            ("POST", _) when query.ContainsKey("uploads") => Begin(name),
            ("POST", _) when query.TryGetValue("uploadId", out var id) => Complete(id, body),
            ("DELETE", _) when query.TryGetValue("uploadId", out var id) => uploads.Remove(id) ? (204, [], null) : Fault(404, "NoSuchUpload"),
            ("DELETE", _) => objects.Remove(name) ? (204, [], null) : Fault(404, "NoSuchKey"),
            _ => Fault(405, "MethodNotAllowed"),
        };
    }

    private (int Status, byte[] Answer, string? Tag) List(Dictionary<string, string> query)
    {
        var after = query.TryGetValue("continuation-token", out var token) ? token : "";
        var left = objects.Where(one => one.Key.StartsWith(query["prefix"], StringComparison.Ordinal) && string.CompareOrdinal(one.Key, after) > 0).ToArray();
        var list = new XElement("ListBucketResult", new XElement("IsTruncated", left.Length > PageObjects));
        if (left.Length > PageObjects) list.Add(new XElement("NextContinuationToken", left[PageObjects - 1].Key));
        foreach (var (name, (content, tag)) in left.Take(PageObjects)) list.Add(new XElement("Contents", new XElement("Key", name), new XElement("Size", content.Length), new XElement("ETag", $"\"{tag}\"")));
        return Xml(list);
    }

    private (int Status, byte[] Answer, string? Tag) Begin(string name)
    {
        var id = $"upload+{++uploadsBegun}/=";
        uploads[id] = (name, []);
        return Xml(new XElement("InitiateMultipartUploadResult", new XElement("Key", name), new XElement("UploadId", id)));
    }

    private (int Status, byte[] Answer, string? Tag) ListParts(string id, Dictionary<string, string> query)
    {
        if (!uploads.TryGetValue(id, out var upload)) return Fault(404, "NoSuchUpload");
        var after = query.TryGetValue("part-number-marker", out var marker) ? int.Parse(marker, CultureInfo.InvariantCulture) : 0;
        var left = upload.Parts.Where(part => part.Key > after).ToArray();
        var list = new XElement("ListPartsResult", new XElement("IsTruncated", left.Length > PageObjects));
        if (left.Length > PageObjects) list.Add(new XElement("NextPartNumberMarker", left[PageObjects - 1].Key));
        foreach (var (number, content) in left.Take(PageObjects)) list.Add(new XElement("Part", new XElement("PartNumber", number), new XElement("ETag", $"\"{Md5(content)}\""), new XElement("Size", content.Length)));
        return Xml(list);
    }

    private (int Status, byte[] Answer, string? Tag) TakePart(string id, int part, byte[] body)
    {
        if (FailsFromPart > 0 && part >= FailsFromPart) return Fault(503, "SlowDown");
        if (!uploads.TryGetValue(id, out var upload)) return Fault(404, "NoSuchUpload");
        upload.Parts[part] = body;
        PartsTaken.Add(part);
        return (200, [], Md5(body));
    }

    private (int Status, byte[] Answer, string? Tag) Complete(string id, byte[] body)
    {
        if (!uploads.TryGetValue(id, out var upload)) return Fault(404, "NoSuchUpload");
        if (FailsAtTheEnd) return Xml(new XElement("Error", new XElement("Code", "InternalError")));
        var named = XElement.Parse(Encoding.UTF8.GetString(body)).Elements("Part").Select(part => (Number: (int)part.Element("PartNumber")!, Tag: ((string)part.Element("ETag")!).Trim('"'))).ToArray();
        if (!named.Select(part => part.Number).SequenceEqual(upload.Parts.Keys)) return Fault(400, "InvalidPartOrder");
        if (named.Any(part => part.Tag != Md5(upload.Parts[part.Number]))) return Fault(400, "InvalidPart");
        if (upload.Parts.Values.SkipLast(1).Any(part => part.Length < PartBytesLeast)) return Fault(400, "EntityTooSmall");
        uploads.Remove(id);
        Take(upload.Name, [.. upload.Parts.Values.SelectMany(part => part)], Md5([.. upload.Parts.Values.SelectMany(part => Convert.FromHexString(Md5(part)))]) + "-" + upload.Parts.Count);
        return Xml(new XElement("CompleteMultipartUploadResult", new XElement("Key", upload.Name)));
    }

    private (int Status, byte[] Answer, string? Tag) Take(string name, byte[] content, string tag)
    {
        objects[name] = (content, tag);
        OnTaken(name);
        return (200, [], tag);
    }

    /// <summary>Why a request is not believed; null when it is.</summary>
    private string? Refusal(HttpListenerRequest request, byte[] body)
    {
        // Authorization: AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/s3/aws4_request,SignedHeaders=a;b,Signature=hex
        if (request.Headers["Authorization"] is not { } authorization || !authorization.StartsWith("AWS4-HMAC-SHA256 ", StringComparison.Ordinal)) return "AccessDenied";
        var fields = authorization["AWS4-HMAC-SHA256 ".Length..].Split(',').Select(field => field.Trim().Split('=', 2)).ToDictionary(field => field[0], field => field[1]);
        var scope = fields["Credential"].Split('/');
        if (scope.Length != 5 || scope[2] != Region || scope[3] != "s3" || scope[4] != "aws4_request") return "AuthorizationHeaderMalformed";
        if (!secrets.TryGetValue(scope[0], out var secret)) return "InvalidAccessKeyId";
        var time = request.Headers["x-amz-date"] ?? "";
        if (!DateTime.TryParseExact(time, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) || !time.StartsWith(scope[1], StringComparison.Ordinal)) return "AccessDenied";
        if ((DateTime.UtcNow - at).Duration() > TimeSpan.FromMinutes(15)) return "RequestTimeTooSkewed";
        if (request.Headers["x-amz-content-sha256"] != Sha256(body)) return "XAmzContentSHA256Mismatch";
        var signed = fields["SignedHeaders"].Split(';');
        if (!signed.Contains("host") || request.Headers.AllKeys.Any(header => header!.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) && !signed.Contains(header.ToLowerInvariant()))) return "AccessDenied";

        var (path, _) = Split(request.RawUrl!);
        var pairs = request.RawUrl!.Contains('?', StringComparison.Ordinal) ? request.RawUrl[(request.RawUrl.IndexOf('?', StringComparison.Ordinal) + 1)..].Split('&') : [];
        var canonicalQuery = string.Join('&', pairs.Select(pair => pair.Split('=', 2)).Select(pair => $"{Encode(Decode(pair[0]), true)}={Encode(pair.Length > 1 ? Decode(pair[1]) : "", true)}").Order(StringComparer.Ordinal));
        var text = $"{request.HttpMethod}\n{Encode(Decode(path), false)}\n{canonicalQuery}\n";
        foreach (var header in signed) text += $"{header}:{(header == "host" ? request.UserHostName : request.Headers[header])!.Trim()}\n";
        text += $"\n{string.Join(';', signed)}\n{request.Headers["x-amz-content-sha256"]}";
        var key = Encoding.UTF8.GetBytes("AWS4" + secret);
        foreach (var word in (string[])[.. scope[1..], $"AWS4-HMAC-SHA256\n{time}\n{string.Join('/', scope[1..])}\n{Sha256(Encoding.UTF8.GetBytes(text))}"])
        {
            using var mac = new HMACSHA256(key);
            key = mac.ComputeHash(Encoding.UTF8.GetBytes(word));
        }

        return Convert.ToHexStringLower(key) == fields["Signature"] ? null : "SignatureDoesNotMatch";
    }

    /// <summary>Byte by byte: letters, digits and - . _ ~ stay, and in a path the slash.</summary>
    private static string Encode(string text, bool withSlash)
    {
        var encoded = new StringBuilder();
        foreach (var one in Encoding.UTF8.GetBytes(text))
        {
            var letter = (char)one;
            if (char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_' or '~' || (letter == '/' && !withSlash)) encoded.Append(letter);
            else encoded.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }

    private static string Decode(string text) => WebUtility.UrlDecode(text.Replace("+", "%2B", StringComparison.Ordinal));

    private static (string Path, Dictionary<string, string> Query) Split(string url)
    {
        var halves = url.Split('?', 2);
        var query = halves.Length == 1 ? [] : halves[1].Split('&').Select(pair => pair.Split('=', 2)).ToDictionary(pair => Decode(pair[0]), pair => pair.Length > 1 ? Decode(pair[1]) : "", StringComparer.Ordinal);
        return (halves[0], query);
    }

    private static (int Status, byte[] Answer, string? Tag) Xml(XElement element) => (200, Encoding.UTF8.GetBytes(element.ToString()), null);

    private static (int Status, byte[] Answer, string? Tag) Fault(int status, string code) => (status, Encoding.UTF8.GetBytes(new XElement("Error", new XElement("Code", code)).ToString()), null);

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

#pragma warning disable CA5351 // S3's entity tag is an MD5.
    private static string Md5(byte[] bytes) => Convert.ToHexStringLower(MD5.HashData(bytes));
#pragma warning restore CA5351
}
