using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Snapshots;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Snapshots of a collection, of one of its shards, and of all collections.</summary>
internal static class SnapshotRoutes
{
    private const string FileScheme = "file://";

    public static readonly IReadOnlyList<RestRoute> All =
    [
        .. Places("/collections/{name}/snapshots", AccessRight.Keep),
        .. Places("/collections/{name}/shards/{shard}/snapshots", AccessRight.Keep),
        .. Places("/snapshots", AccessRight.Manage),
        new("GET", "/collections/{name}/shards/{shard}/snapshot", AccessRight.Keep, StreamAsync),
    ];

    private static IEnumerable<RestRoute> Places(string path, AccessRight right)
    {
        yield return new("GET", path, AccessRight.Read, ListAsync);
        yield return new("POST", path, right, call => AcceptedAsync(call, CreateAsync));
        yield return new("GET", path + "/{snapshot}", AccessRight.Read, DownloadAsync);
        yield return new("DELETE", path + "/{snapshot}", right, call => AcceptedAsync(call, DeleteAsync));
        yield return new("PUT", path + "/recover", AccessRight.Manage, call => AcceptedAsync(call, RecoverAsync));
        yield return new("POST", path + "/upload", AccessRight.Manage, call => AcceptedAsync(call, UploadAsync)) { TakesFile = true };
    }

    /// <summary>Who says that it does not wait is answered 202, as Qdrant does; when it is done, for what fails is said.</summary>
    private static async ValueTask<WriteResult> AcceptedAsync(VectorCall call, Func<VectorCall, ValueTask<WriteResult>> answer)
    {
        var result = await answer(call).ConfigureAwait(false);
        call.IsOnlyAccepted = call.QueryOf("wait") is "false";
        return result;
    }

    private static SnapshotDesk Desk(VectorCall call) => call.Room.Snapshots ?? throw VectorFault.NotHere("snapshots on a node without a data directory");

    private static int? ShardOf(VectorCall call) => !call.HasPart("shard") ? null : int.TryParse(call.Part("shard"), NumberStyles.None, CultureInfo.InvariantCulture, out var shard) ? shard : throw VectorFault.BadInput($"\"{call.Part("shard")}\" is no shard's number");

    private static string FolderOf(VectorCall call) => !call.HasPart("name") ? "" : ShardOf(call) is { } shard ? string.Create(CultureInfo.InvariantCulture, $"{call.CollectionName}/{shard}") : call.CollectionName;

    private static async ValueTask<WriteResult> ListAsync(VectorCall call)
    {
        if (call.HasPart("name")) await call.CollectionAsync().ConfigureAwait(false);
        var all = await Desk(call).ListAsync(FolderOf(call), call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var snapshot in all) Write(writer, snapshot);
            writer.WriteEndArray();
        };
    }

    private static async ValueTask<WriteResult> CreateAsync(VectorCall call)
    {
        IReadOnlyList<CollectionRecord> collections = call.HasPart("name") ? [await call.CollectionAsync().ConfigureAwait(false)] : await call.Face.Collections.ListAsync(call.Cancelled).ConfigureAwait(false);
        if (ShardOf(call) is { } shard && !collections[0].Layout.Numbers.Contains(shard)) throw VectorFault.NotFound($"Shard {shard} not found");
        var made = await Desk(call).CreateAsync(collections, ShardOf(call), FolderOf(call), call.Cancelled).ConfigureAwait(false);
        return writer => Write(writer, made);
    }

    private static ValueTask<WriteResult> DownloadAsync(VectorCall call)
    {
        call.File = new RestFile(Desk(call).Open(FolderOf(call), call.Part("snapshot")), call.Part("snapshot"));
        return new(static _ => { });
    }

    /// <summary>Taken and sent; nothing is kept.</summary>
    private static async ValueTask<WriteResult> StreamAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var shard = ShardOf(call)!.Value;
        if (!collection.Layout.Numbers.Contains(shard)) throw VectorFault.NotFound($"Shard {shard} not found");
        var made = await Desk(call).CreateAsync([collection], shard, FolderOf(call), call.Cancelled).ConfigureAwait(false);
        call.File = new RestFile(Desk(call).Open(FolderOf(call), made.Name), made.Name);
        Desk(call).Delete(FolderOf(call), made.Name); // What is open stays readable.
        return static _ => { };
    }

    private static ValueTask<WriteResult> DeleteAsync(VectorCall call)
    {
        Desk(call).Delete(FolderOf(call), call.Part("snapshot"));
        return new(CollectionRoutes.True);
    }

    /// <summary>From a file on this node, named by a path of its snapshots or a <c>file://</c>, or fetched from another service.</summary>
    private static async ValueTask<WriteResult> RecoverAsync(VectorCall call)
    {
        var location = Json.Text(call.Body, "location") ?? throw VectorFault.BadJson("missing field `location`");
        var checksum = Json.Text(call.Body, "checksum");
        if (SnapshotFetch.IsUrl(location)) return await TakeInAsync(call, checksum, file => SnapshotFetch.CopyAsync(location, Json.Text(call.Body, "api_key"), file, call.Cancelled)).ConfigureAwait(false);
        var desk = Desk(call);
        if (call.HasPart("shard")) await call.CollectionAsync().ConfigureAwait(false);
        await using var source = location.StartsWith(FileScheme, StringComparison.OrdinalIgnoreCase) ? desk.OpenPath(FolderOf(call), PathOf(location)) : desk.Open(FolderOf(call), Path.GetFileName(location));
        await Desk(call).RecoverAsync(source, call.HasPart("name") ? call.CollectionName : null, ShardOf(call), checksum, call.Cancelled).ConfigureAwait(false);
        return CollectionRoutes.True;
    }

    /// <summary>The path that a <c>file://</c> names; it has no host, or this one.</summary>
    private static string PathOf(string location)
    {
        var rest = location[FileScheme.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || rest[..slash] is not ("" or "localhost")) throw VectorFault.BadRequest("Invalid snapshot URI, file path must be absolute or on localhost");
        return Uri.UnescapeDataString(rest[slash..]);
    }

    private static ValueTask<WriteResult> UploadAsync(VectorCall call) => TakeInAsync(call, call.QueryOf("checksum"), file => FormFile.CopyAsync(call.Upload!, call.UploadType, file, call.Cancelled));

    /// <summary>What comes from elsewhere is whole on this node's disk before anything of it is written.</summary>
    private static async ValueTask<WriteResult> TakeInAsync(VectorCall call, string? checksum, Func<Stream, Task> copy)
    {
        var desk = Desk(call);
        var partial = desk.NewFile(FolderOf(call), $"upload-{Guid.NewGuid():N}.partial");
        try
        {
            await using var file = new FileStream(partial, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, useAsync: true);
            await copy(file).ConfigureAwait(false);
            file.Position = 0;
            await desk.RecoverAsync(file, call.HasPart("name") ? call.CollectionName : null, ShardOf(call), checksum, call.Cancelled).ConfigureAwait(false);
        }
        finally
        {
            File.Delete(partial);
        }

        return CollectionRoutes.True;
    }

    private static void Write(Utf8JsonWriter writer, SnapshotShown snapshot)
    {
        writer.WriteStartObject();
        writer.WriteString("name", snapshot.Name);
        writer.WriteString("creation_time", snapshot.Created.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture));
        writer.WriteNumber("size", snapshot.Size);
        writer.WriteString("checksum", snapshot.Checksum);
        writer.WriteEndObject();
    }
}
