using System.Text.Json;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Snapshots of the protocol: taken, listed, fetched, taken in again, here and elsewhere.</summary>
public sealed class SnapshotTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("holdfast-snapshots-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task A_collection_becomes_again_what_its_snapshot_says()
    {
        await using var door = await LoadedAsync();
        var made = await door.AskAsync("POST", "/collections/c/snapshots");
        var name = made.GetProperty("name").GetString()!;
        Assert.Equal(64, made.GetProperty("checksum").GetString()!.Length);
        Assert.Equal(name, (await door.AskAsync("GET", "/collections/c/snapshots"))[0].GetProperty("name").GetString());
        await door.AskAsync("POST", "/collections/c/points/delete", """{"points":[3,4]}""");
        await door.AskAsync("PUT", "/collections/c/points", """{"points":[{"id":5,"vector":[9,9],"payload":{"changed":true}},{"id":1000,"vector":[1,1]}]}""");
        await door.AskAsync("PUT", "/collections/c/snapshots/recover", JsonSerializer.Serialize(name) is var quoted ? $$"""{"location":{{quoted}}}""" : "");
        Assert.Equal(300, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Equal("""{"n":5}""", (await door.AskAsync("GET", "/collections/c/points/5")).GetProperty("payload").GetRawText());
        Assert.Equal("[3,1]", (await door.AskAsync("GET", "/collections/c/points/3")).GetProperty("vector").GetRawText());
        Assert.Contains("checksum", await door.RefusedAsync(400, "PUT", "/collections/c/snapshots/recover", $$"""{"location":{{quoted}},"checksum":"00"}"""), StringComparison.Ordinal);
        await door.AskAsync("DELETE", $"/collections/c/snapshots/{name}");
        await door.RefusedAsync(404, "GET", $"/collections/c/snapshots/{name}");
    }

    [Fact]
    public async Task A_snapshot_is_fetched_and_uploaded_to_where_the_collection_never_was()
    {
        byte[] bytes;
        await using (var door = await LoadedAsync())
        {
            var name = (await door.AskAsync("POST", "/collections/c/snapshots")).GetProperty("name").GetString();
            using var response = await door.Client.GetAsync(new Uri($"/collections/c/snapshots/{name}", UriKind.Relative), TestContext.Current.CancellationToken);
            bytes = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, response.Headers + System.Text.Encoding.UTF8.GetString(bytes));
        }

        await using var other = await OpenDoor.StartAsync(snapshots: directory);
        Assert.Equal(200, await UploadAsync(other, "/collections/copy/snapshots/upload?priority=snapshot", bytes));
        Assert.Equal(300, (await other.AskAsync("POST", "/collections/copy/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Equal("keyword", (await other.AskAsync("GET", "/collections/copy")).GetProperty("payload_schema").GetProperty("n").GetProperty("data_type").GetString());
        var rotten = bytes.ToArray();
        rotten[^20] ^= 1;
        Assert.Equal(400, await UploadAsync(other, "/collections/rotten/snapshots/upload", rotten));
        Assert.Equal(400, await UploadAsync(other, "/collections/copy/snapshots/upload", [1, 2, 3]));
        Assert.Equal(300, (await other.AskAsync("POST", "/collections/copy/points/count", "{}")).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_full_snapshot_holds_every_collection_and_one_of_a_shard_only_that()
    {
        await using var door = await LoadedAsync();
        await door.AskAsync("PUT", "/collections/d", """{"vectors":{"size":1,"distance":"Dot"}}""");
        await door.AskAsync("PUT", "/collections/d/points", """{"points":[{"id":1,"vector":[1]}]}""");
        var full = (await door.AskAsync("POST", "/snapshots")).GetProperty("name").GetString();
        await door.AskAsync("DELETE", "/collections/c");
        await door.AskAsync("DELETE", "/collections/d");
        await door.AskAsync("PUT", "/snapshots/recover", $$"""{"location":"{{full}}"}""");
        Assert.Equal(300, (await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Equal(1, (await door.AskAsync("POST", "/collections/d/points/count", "{}")).GetProperty("count").GetInt32());
        var shard = (await door.AskAsync("POST", "/collections/c/shards/1/snapshots")).GetProperty("name").GetString();
        await door.AskAsync("POST", "/collections/c/points/delete", """{"filter":{}}""");
        await door.AskAsync("PUT", "/collections/c/shards/1/snapshots/recover", $$"""{"location":"{{shard}}"}""");
        Assert.InRange((await door.AskAsync("POST", "/collections/c/points/count", "{}")).GetProperty("count").GetInt32(), 100, 200);
        await door.RefusedAsync(404, "POST", "/collections/c/shards/9/snapshots");
    }

    [Fact]
    public async Task A_snapshot_is_fetched_from_another_service_with_its_key()
    {
        await using var door = await LoadedAsync();
        await using var other = await OpenDoor.StartAsync(access: new Holdfast.Vectors.Endpoints.Access.VectorAccessOptions { ApiKey = "theirs" }, snapshots: Path.Combine(directory, "other"));
        var name = (await door.AskAsync("POST", "/collections/c/snapshots")).GetProperty("name").GetString()!;
        await using var target = await OpenDoor.StartAsync(snapshots: Path.Combine(directory, "target"));
        await target.AskAsync("PUT", "/collections/copy/snapshots/recover", $$"""{"location":"{{door.Client.BaseAddress}}collections/c/snapshots/{{name}}"}""");
        Assert.Equal(300, (await target.AskAsync("POST", "/collections/copy/points/count", "{}")).GetProperty("count").GetInt32());
        Assert.Equal(200, (await other.SendAsync("PUT", "/collections/d", """{"vectors":{"size":1,"distance":"Dot"}}""", ("api-key", "theirs"))).Status);
        var guarded = (await other.SendAsync("POST", "/collections/d/snapshots", null, ("api-key", "theirs"))).Answer.GetProperty("result").GetProperty("name").GetString();
        var location = $"{other.Client.BaseAddress}collections/d/snapshots/{guarded}";
        Assert.Contains("status - 401", await target.RefusedAsync(400, "PUT", "/collections/d/snapshots/recover", $$"""{"location":"{{location}}"}"""), StringComparison.Ordinal);
        await target.AskAsync("PUT", "/collections/d/snapshots/recover", $$"""{"location":"{{location}}","api_key":"theirs"}""");
        Assert.True((await target.AskAsync("GET", "/collections/d/exists")).GetProperty("exists").GetBoolean());
        Assert.Contains("Failed to download", await target.RefusedAsync(400, "PUT", "/collections/x/snapshots/recover", """{"location":"http://127.0.0.1:9/x.snapshot"}"""), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(directory, "*.partial", SearchOption.AllDirectories));
    }

    private static async Task<int> UploadAsync(OpenDoor door, string path, byte[] bytes)
    {
        using var form = new MultipartFormDataContent();
        using var part = new ByteArrayContent(bytes);
        form.Add(part, "snapshot", "c.snapshot");
        using var response = await door.Client.PostAsync(new Uri(path, UriKind.Relative), form, TestContext.Current.CancellationToken);
        return (int)response.StatusCode;
    }

    private async Task<OpenDoor> LoadedAsync()
    {
        var door = await OpenDoor.StartAsync(snapshots: directory);
        await door.AskAsync("PUT", "/collections/c", """{"shard_number":2,"vectors":{"size":2,"distance":"Euclid"}}""");
        await door.AskAsync("PUT", "/collections/c/index", """{"field_name":"n","field_schema":"keyword"}""");
        var points = string.Join(',', Enumerable.Range(0, 300).Select(id => $$$"""{"id":{{{id}}},"vector":[{{{id}}},1],"payload":{"n":{{{id}}}}}"""));
        await door.AskAsync("PUT", "/collections/c/points", $$"""{"points":[{{points}}]}""");
        return door;
    }
}
