using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// One object in parts, one after the other (S3's multipart upload). It is there when all have come and the store has put them together. An upload that breaks off is left at the store, and gone on with by whoever
/// sends the object next: a part that is there is sent again only when it is not what the file holds now.
/// </summary>
/// <param name="requests">To the bucket.</param>
/// <param name="parts">How the object is cut.</param>
/// <param name="name">The object's name without the prefix.</param>
/// <param name="unfinished">The store's names of uploads of this object that broke off; null when it cannot list them, and an upload that fails must be forgotten at once or stays for ever.</param>
internal sealed class S3Upload(S3Requests requests, S3Parts parts, string name, IReadOnlyList<string>? unfinished)
{
    private const int ListedPagesMax = 100;

    private static readonly TimeSpan ForgetMax = TimeSpan.FromSeconds(10);
    private static readonly Mark Resumed = new("cluster: an upload in parts that had broken off was gone on with", elsewhere: "OffSiteStoreTests: nobody archives a simulated cluster");

    /// <summary>Sends it.</summary>
    /// <exception cref="IOException">The store did not take it all.</exception>
    public async Task RunAsync(string file, long bytes, CancellationToken cancel)
    {
        var (id, there) = await BrokenOffAsync(parts.CountOf(bytes), cancel).ConfigureAwait(false) ?? (await BeginAsync(cancel).ConfigureAwait(false), []);
        var (sent, isAllThere) = (0, false);
        try
        {
            var tags = new List<string>();
            for (var part = 0; part < parts.CountOf(bytes); part++)
            {
                if (there.TryGetValue(part + 1, out var kept) && string.Equals(kept, await parts.TagOfPartAsync(file, part, bytes, cancel).ConfigureAwait(false), StringComparison.OrdinalIgnoreCase))
                {
                    tags.Add($"\"{kept}\"");
                    continue;
                }

                tags.Add(await SendAsync(id, file, part, bytes, cancel).ConfigureAwait(false));
                sent++;
            }

            isAllThere = true;
            await CompleteAsync(id, tags, cancel).ConfigureAwait(false);
        }
        catch when (unfinished is null || (isAllThere && sent == 0))
        {
            // Nobody would find it again; or all of it was there before, and the store could not put it together twice: what it keeps may be at fault.
            await ForgetAsync(id).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Has the store forget the parts of an upload that is not finished.</summary>
    public static async Task ForgetAsync(S3Requests requests, string name, string id, CancellationToken cancel)
    {
        using var answer = await requests.SendAsync(HttpMethod.Delete, name, new Dictionary<string, string> { ["uploadId"] = id }, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
    }

    /// <summary>The upload with the most parts of those that broke off, with the tags of its parts by number; the others are forgotten, and one with more parts than the object has now. Null when there is none.</summary>
    private async Task<(string Id, Dictionary<int, string> There)?> BrokenOffAsync(int count, CancellationToken cancel)
    {
        (string Id, Dictionary<int, string> There)? best = null;
        foreach (var id in unfinished ?? [])
        {
            var there = await PartsOfAsync(id, cancel).ConfigureAwait(false);
            var isBetter = there.Keys.All(number => number <= count) && there.Count > (best?.There.Count ?? -1);
            if ((isBetter ? best?.Id : id) is { } other) await ForgetAsync(requests, name, other, cancel).ConfigureAwait(false);
            if (isBetter) best = (id, there);
        }

        if (best is not null) Resumed.Hit();
        return best;
    }

    private async Task<Dictionary<int, string>> PartsOfAsync(string id, CancellationToken cancel)
    {
        var (there, after) = (new Dictionary<int, string>(), "");
        for (var page = 0; page < ListedPagesMax; page++)
        {
            var query = new Dictionary<string, string> { ["uploadId"] = id };
            if (after.Length > 0) query["part-number-marker"] = after;
            using var answer = await requests.SendAsync(HttpMethod.Get, name, query, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
            var list = await XmlAsync(answer, cancel).ConfigureAwait(false);
            var space = list.Name.Namespace;
            foreach (var part in list.Elements(space + "Part"))
                if (int.TryParse(part.Element(space + "PartNumber")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) there[number] = (part.Element(space + "ETag")?.Value ?? "").Trim('"');
            after = list.Element(space + "IsTruncated")?.Value == "true" ? list.Element(space + "NextPartNumberMarker")?.Value ?? "" : "";
            if (after.Length == 0) return there;
        }

        throw new IOException($"{name}: the store's list of parts has no end");
    }

    private async Task<string> SendAsync(string id, string file, int part, long bytes, CancellationToken cancel)
    {
        var query = new Dictionary<string, string> { ["partNumber"] = (part + 1).ToString(CultureInfo.InvariantCulture), ["uploadId"] = id };
        var (from, length) = parts.PlaceOf(part, bytes);
        using var answer = await requests.SendFileAsync(name, query, file, from, length, cancel).ConfigureAwait(false);
        return answer.Headers.ETag?.Tag ?? throw new IOException($"{name}: the store gave part {part + 1} no tag");
    }

    /// <summary>As far as the store can be told; what it keeps nevertheless is found at the next start.</summary>
    private async Task ForgetAsync(string id)
    {
        using var patience = new CancellationTokenSource(ForgetMax);
        try
        {
            await ForgetAsync(requests, name, id, patience.Token).ConfigureAwait(false);
        }
        catch (Exception unheard) when (unheard is IOException or OperationCanceledException)
        {
            // The first failure is the one to tell.
        }
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
