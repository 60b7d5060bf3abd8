using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace Holdfast.Cluster;

/// <summary>One object in parts, one after the other (S3's multipart upload). It is there when all have come and the store has put them together; an upload that fails is forgotten, and begun anew by the next round.</summary>
internal sealed class S3Upload(S3Requests requests, S3Parts parts, string name)
{
    private static readonly TimeSpan ForgetMax = TimeSpan.FromSeconds(10);

    /// <summary>Sends it.</summary>
    /// <exception cref="IOException">The store did not take it all.</exception>
    public async Task RunAsync(string file, long bytes, CancellationToken cancel)
    {
        var id = await BeginAsync(cancel).ConfigureAwait(false);
        try
        {
            var tags = new List<string>();
            for (var part = 0; part < parts.CountOf(bytes); part++)
            {
                var from = part * parts.SizeOf(bytes);
                var query = new Dictionary<string, string> { ["partNumber"] = (part + 1).ToString(CultureInfo.InvariantCulture), ["uploadId"] = id };
                using var answer = await requests.SendFileAsync(name, query, file, from, Math.Min(parts.SizeOf(bytes), bytes - from), cancel).ConfigureAwait(false);
                tags.Add(answer.Headers.ETag?.Tag ?? throw new IOException($"{name}: the store gave part {part + 1} no tag"));
            }

            await CompleteAsync(id, tags, cancel).ConfigureAwait(false);
        }
        catch
        {
            // As far as the store can be told; what it keeps nevertheless is found at the next start.
            using var patience = new CancellationTokenSource(ForgetMax);
            try
            {
                await ForgetAsync(requests, name, id, patience.Token).ConfigureAwait(false);
            }
            catch (Exception unheard) when (unheard is IOException or OperationCanceledException)
            {
                // The first failure is the one to tell.
            }

            throw;
        }
    }

    /// <summary>Has the store forget the parts of an upload that is not finished.</summary>
    public static async Task ForgetAsync(S3Requests requests, string name, string id, CancellationToken cancel)
    {
        using var answer = await requests.SendAsync(HttpMethod.Delete, name, new Dictionary<string, string> { ["uploadId"] = id }, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
    }

    private async Task<string> BeginAsync(CancellationToken cancel)
    {
        using var answer = await requests.SendAsync(HttpMethod.Post, name, new Dictionary<string, string> { ["uploads"] = "" }, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
        var said = await XmlAsync(answer, cancel).ConfigureAwait(false);
        return said.Element(said.Name.Namespace + "UploadId")?.Value is { Length: > 0 } id ? id : throw new IOException($"{name}: the store began no upload: {said}");
    }

    /// <summary>The store may answer 200 and tell of a failure in the body: putting parts together takes its time, and the answer begins before.</summary>
    private async Task CompleteAsync(string id, List<string> tags, CancellationToken cancel)
    {
        var body = new XElement("CompleteMultipartUpload", tags.Select((tag, at) => new XElement("Part", new XElement("PartNumber", at + 1), new XElement("ETag", tag))));
        var bytes = Encoding.UTF8.GetBytes(body.ToString(SaveOptions.DisableFormatting));
        using var answer = await requests.SendAsync(HttpMethod.Post, name, new Dictionary<string, string> { ["uploadId"] = id }, new ByteArrayContent(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes)), cancel).ConfigureAwait(false);
        var said = await XmlAsync(answer, cancel).ConfigureAwait(false);
        if (said.Name.LocalName != "CompleteMultipartUploadResult") throw new IOException($"{name}: the store did not put the parts together: {said}");
    }

    private async Task<XElement> XmlAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        var text = await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false);
        try
        {
            return XElement.Parse(text.TrimStart());
        }
        catch (System.Xml.XmlException unread)
        {
            throw new IOException($"{name}: the store's answer cannot be read: {unread.Message}", unread);
        }
    }
}
