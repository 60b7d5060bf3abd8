using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Holdfast.Cluster;

/// <summary>AWS Signature Version 4 of one request, as S3 takes it: in the Authorization header, over the signed headers and the hash of the body. Pure.</summary>
internal static class S3Signature
{
    /// <summary>The hash of no body.</summary>
    public const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string Algorithm = "AWS4-HMAC-SHA256";

    /// <summary>The Authorization header's value.</summary>
    /// <param name="method">GET, PUT, DELETE.</param>
    /// <param name="path">The path, encoded as <see cref="EncodePath"/> does.</param>
    /// <param name="query">Names and values, not encoded.</param>
    /// <param name="headers">The headers to sign, names in lower case; host, x-amz-date and x-amz-content-sha256 among them.</param>
    /// <param name="credentials">Whose signature.</param>
    /// <param name="region">The store's region.</param>
    public static string Of(string method, string path, IReadOnlyDictionary<string, string> query, SortedDictionary<string, string> headers, S3Credentials credentials, string region)
    {
        var time = headers["x-amz-date"];
        var scope = $"{time.AsSpan(0, 8)}/{region}/s3/aws4_request";
        var signed = string.Join(';', headers.Keys);
        var canonical = new StringBuilder().Append(method).Append('\n').Append(path).Append('\n').Append(EncodeQuery(query)).Append('\n');
        foreach (var (name, value) in headers) canonical.Append(name).Append(':').Append(value.Trim()).Append('\n');
        canonical.Append('\n').Append(signed).Append('\n').Append(headers["x-amz-content-sha256"]);
        var toSign = $"{Algorithm}\n{time}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var key = Hmac(Encoding.UTF8.GetBytes("AWS4" + credentials.SecretKey), time[..8]);
        foreach (var part in (string[])[region, "s3", "aws4_request"]) key = Hmac(key, part);
        return $"{Algorithm} Credential={credentials.AccessKey}/{scope},SignedHeaders={signed},Signature={Hex(Hmac(key, toSign))}";
    }

    /// <summary>A moment as S3 writes it.</summary>
    public static string Time(DateTime utc) => utc.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);

    /// <summary>An object's path, encoded: everything but letters, digits, - . _ ~ and the slashes between.</summary>
    public static string EncodePath(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <summary>A query, encoded and in the order that is signed.</summary>
    public static string EncodeQuery(IReadOnlyDictionary<string, string> query) =>
        string.Join('&', query.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}"));

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
