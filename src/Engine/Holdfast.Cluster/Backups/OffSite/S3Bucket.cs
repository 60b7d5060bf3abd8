using System.Net;
using System.Xml.Linq;

namespace Holdfast.Cluster;

/// <summary>An object as a listing tells of it.</summary>
/// <param name="Name">Its name, without the prefix.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Tag">Its ETag without quotes: for an object that was put whole into a store that does not encrypt with keys of its own, the MD5 of its content in hex.</param>
public readonly record struct S3Object(string Name, long Bytes, string Tag);

/// <summary>The calls of S3 that copies of backups need, as every S3-compatible store takes them. Nothing is retried here.</summary>
/// <param name="address">Where.</param>
/// <param name="credentials">In whose name.</param>
/// <param name="parts">From where on, and how, an object is sent in parts.</param>
public sealed class S3Bucket(S3Address address, S3Credentials credentials, S3Parts parts) : IDisposable
{
    private const int ListedPagesMax = 10_000;

    private static readonly Dictionary<string, string> NoQuery = [];

    private readonly S3Requests requests = new(address, credentials);

    /// <summary>Puts an object, in the place of one of that name; a large one in parts, and it is there when the last has come. One that broke off is gone on with. Whoever calls this must be the only one who sends that object.</summary>
    /// <param name="name">Its name, without the prefix.</param>
    /// <param name="file">Where its content is.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <param name="bytes">How much of the file is sent: what is there now of a file that is appended to.</param>
    /// <exception cref="IOException">The store did not take it.</exception>
    public async Task PutAsync(string name, string file, long bytes, CancellationToken cancel)
    {
        if (parts.CountOf(bytes) > 1)
        {
            var unfinished = (await UnfinishedAsync(name, cancel).ConfigureAwait(false))?.Where(upload => upload.Name == name).Select(upload => upload.Id).ToArray();
            await new S3Upload(requests, parts, name, unfinished).RunAsync(file, bytes, cancel).ConfigureAwait(false);
            return;
        }

        using var answer = await requests.SendFileAsync(name, NoQuery, file, 0, bytes, cancel).ConfigureAwait(false);
    }

    /// <summary>Writes an object's content to a file.</summary>
    /// <exception cref="IOException">It is not there, or the store did not give it.</exception>
    public async Task GetAsync(string name, Stream target, CancellationToken cancel)
    {
        using var answer = await requests.SendAsync(HttpMethod.Get, name, NoQuery, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
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
        using var answer = await requests.SendAsync(HttpMethod.Delete, name, NoQuery, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
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
            using var answer = await requests.SendAsync(HttpMethod.Get, null, query, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
            token = Add(await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false), found);
            if (token.Length == 0) return found;
        }

        throw new IOException($"{address}: its list has no end");
    }

    /// <summary>
    /// Forgets what was sent in parts under a folder's names and never finished: the store keeps it, and has it paid for. Whoever calls this must be the only one who sends there. Nothing where a store cannot list it.
    /// </summary>
    /// <param name="folder">What the names begin with.</param>
    /// <param name="isWanted">Of an object's name: whether its upload will be gone on with.</param>
    /// <param name="cancel">Gives it up.</param>
    public async Task ForgetUnfinishedAsync(string folder, Func<string, bool> isWanted, CancellationToken cancel)
    {
        foreach (var (name, id) in await UnfinishedAsync(folder, cancel).ConfigureAwait(false) ?? [])
            if (!isWanted(name)) await S3Upload.ForgetAsync(requests, name, id, cancel).ConfigureAwait(false);
    }

    /// <summary>Uploads under a folder's names that are not finished, a page of a thousand at most: what is beyond it is found at a later start. Null where a store cannot list them.</summary>
    private async Task<List<(string Name, string Id)>?> UnfinishedAsync(string folder, CancellationToken cancel)
    {
        XElement list;
        try
        {
            using var answer = await requests.SendAsync(HttpMethod.Get, null, new Dictionary<string, string> { ["uploads"] = "", ["prefix"] = address.Prefix + folder }, null, S3Signature.EmptyHash, cancel).ConfigureAwait(false);
            list = Xml(await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false));
        }
        catch (S3RefusedException refused) when (refused.Status is HttpStatusCode.NotImplemented or HttpStatusCode.MethodNotAllowed)
        {
            return null;
        }

        var found = new List<(string Name, string Id)>();
        foreach (var upload in list.Elements(list.Name.Namespace + "Upload"))
        {
            var (name, id) = (upload.Element(list.Name.Namespace + "Key")?.Value ?? "", upload.Element(list.Name.Namespace + "UploadId")?.Value ?? "");
            if (id.Length > 0 && name.StartsWith(address.Prefix + folder, StringComparison.Ordinal)) found.Add((name[address.Prefix.Length..], id));
        }

        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => requests.Dispose();

    /// <summary>Adds a page's objects; returns the token of the next page, empty after the last.</summary>
    private string Add(string page, List<S3Object> found)
    {
        var list = Xml(page);
        var space = list.Name.Namespace;
        foreach (var entry in list.Elements(space + "Contents"))
        {
            var name = entry.Element(space + "Key")?.Value ?? "";
            if (!name.StartsWith(address.Prefix, StringComparison.Ordinal) || !long.TryParse(entry.Element(space + "Size")?.Value, out var bytes)) continue;
            found.Add(new S3Object(name[address.Prefix.Length..], bytes, (entry.Element(space + "ETag")?.Value ?? "").Trim('"')));
        }

        return list.Element(space + "IsTruncated")?.Value == "true" ? list.Element(space + "NextContinuationToken")?.Value ?? "" : "";
    }

    private XElement Xml(string text)
    {
        try
        {
            return XElement.Parse(text);
        }
        catch (System.Xml.XmlException unread)
        {
            throw new IOException($"{address}: its answer cannot be read: {unread.Message}", unread);
        }
    }
}
