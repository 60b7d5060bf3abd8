using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Vectors.Endpoints.Access;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Who may do what: two keys, and tokens that say what their bearer may.</summary>
public sealed class AccessTests
{
    private const string Key = "the key";
    private const string Collection = """{"vectors":{"size":1,"distance":"Dot"}}""";

    [Fact]
    public async Task A_door_with_keys_lets_in_who_shows_one_and_no_further_than_it_reaches()
    {
        await using var door = await OpenDoor.StartAsync(access: new VectorAccessOptions { ApiKey = Key, ReadOnlyApiKey = "read" });
        Assert.Equal(200, (await door.SendAsync("GET", "/healthz", null)).Status);
        Assert.Equal(401, (await door.SendAsync("GET", "/collections", null)).Status);
        Assert.Equal(401, (await door.SendAsync("GET", "/collections", null, ("api-key", "other"))).Status);
        Assert.Equal(403, (await door.SendAsync("PUT", "/collections/c", Collection, ("api-key", "read"))).Status);
        Assert.Equal(200, (await door.SendAsync("PUT", "/collections/c", Collection, ("authorization", $"Bearer {Key}"))).Status);
        Assert.Equal(200, (await door.SendAsync("GET", "/collections/c", null, ("api-key", "read"))).Status);
        Assert.Equal(403, (await door.SendAsync("PUT", "/collections/c/points", """{"points":[]}""", ("api-key", "read"))).Status);
        Assert.Equal(401, (await door.SendAsync("GET", "/metrics", null)).Status);
    }

    [Fact]
    public async Task A_token_reaches_the_collections_it_names_and_no_others()
    {
        await using var door = await OpenDoor.StartAsync(access: new VectorAccessOptions { ApiKey = Key });
        foreach (var name in new[] { "mine", "read", "secret" }) Assert.Equal(200, (await door.SendAsync("PUT", $"/collections/{name}", Collection, ("api-key", Key))).Status);
        var token = Token("""{"access":[{"collection":"mine","access":"rw"},{"collection":"read","access":"r"}]}""");
        Assert.Equal(200, (await AskAsync("PUT", "/collections/mine/points", """{"points":[{"id":1,"vector":[1]}]}""")).Status);
        Assert.Equal(403, (await AskAsync("PUT", "/collections/read/points", """{"points":[{"id":1,"vector":[1]}]}""")).Status);
        Assert.Equal(200, (await AskAsync("GET", "/collections/read", null)).Status);
        Assert.Equal(403, (await AskAsync("GET", "/collections/secret", null)).Status);
        Assert.Equal(403, (await AskAsync("DELETE", "/collections/mine", null)).Status);
        Assert.Equal("""[{"name":"mine"},{"name":"read"}]""", (await AskAsync("GET", "/collections", null)).Answer.GetProperty("result").GetProperty("collections").GetRawText());
        // Not through another collection either.
        Assert.Equal(403, (await AskAsync("POST", "/collections/mine/points/recommend", """{"positive":[1],"lookup_from":{"collection":"secret"}}""")).Status);

        Task<(int Status, System.Text.Json.JsonElement Answer)> AskAsync(string method, string path, string? body) => door.SendAsync(method, path, body, ("authorization", $"Bearer {token}"));
    }

    [Fact]
    public async Task Who_writes_points_alone_declares_no_indexes_and_takes_no_snapshots()
    {
        await using var door = await OpenDoor.StartAsync(access: new VectorAccessOptions { ApiKey = Key });
        Assert.Equal(200, (await door.SendAsync("PUT", "/collections/mine", Collection, ("api-key", Key))).Status);
        const string Index = """{"field_name":"a","field_schema":"keyword"}""";
        const string Points = """{"points":[{"id":1,"vector":[1]}]}""";
        Assert.Equal((200, 403, 403), (await StatusAsync("prw", "PUT", "/collections/mine/points", Points), await StatusAsync("prw", "PUT", "/collections/mine/index", Index), await StatusAsync("prw", "POST", "/collections/mine/snapshots", null)));
        Assert.Equal((200, 200, 501), (await StatusAsync("rw", "PUT", "/collections/mine/points", Points), await StatusAsync("rw", "PUT", "/collections/mine/index", Index), await StatusAsync("rw", "POST", "/collections/mine/snapshots", null)));
        Assert.Equal((403, 403, 403), (await StatusAsync("rw", "PUT", "/collections/mine/snapshots/recover", """{"location":"x"}"""), await StatusAsync("rw", "GET", "/metrics", null), await StatusAsync("rw", "GET", "/cluster", null)));
        Assert.Equal((200, 200, 200), (await StatusAsync("r", "GET", "/telemetry?details_level=3", null), await StatusAsync("r", "GET", "/cluster/telemetry", null), await StatusAsync("r", "GET", "/issues", null)));
        Assert.Equal(401, (await door.SendAsync("GET", "/collections", null, ("api-key", Token("""{"access":[{"collection":"mine","access":"r","payload":{"user":1}}]}""")))).Status);

        async Task<int> StatusAsync(string access, string method, string path, string? body) => (await door.SendAsync(method, path, body, ("api-key", Token($$"""{"access":[{"collection":"mine","access":"{{access}}"}]}""")))).Status;
    }

    [Fact]
    public async Task A_token_that_rests_on_a_value_holds_until_its_point_is_gone()
    {
        await using var door = await OpenDoor.StartAsync(access: new VectorAccessOptions { ApiKey = Key });
        foreach (var name in new[] { "users", "data" }) Assert.Equal(200, (await door.SendAsync("PUT", $"/collections/{name}", Collection, ("api-key", Key))).Status);
        var token = Token("""{"access":[{"collection":"data","access":"r"}],"value_exists":{"collection":"users","matches":[{"key":"name","value":"anna"},{"key":"level","value":3}]}}""");
        Assert.Equal(401, (await AskAsync()).Status);
        await door.SendAsync("PUT", "/collections/users/points", """{"points":[{"id":1,"vector":[1],"payload":{"name":"anna","level":2}}]}""", ("api-key", Key));
        Assert.Equal(401, (await AskAsync()).Status);
        await door.SendAsync("PUT", "/collections/users/points", """{"points":[{"id":2,"vector":[1],"payload":{"name":"anna","level":3}}]}""", ("api-key", Key));
        Assert.Equal(200, (await AskAsync()).Status);
        await door.SendAsync("POST", "/collections/users/points/delete", """{"points":[2]}""", ("api-key", Key));
        var (status, answer) = await AskAsync();
        Assert.Equal((401, "Invalid JWT, stateful validation failed"), (status, answer.GetProperty("status").GetProperty("error").GetString()));
        token = Token("""{"access":"r","value_exists":{"collection":"users"}}""");
        Assert.Equal(401, (await AskAsync()).Status);

        Task<(int Status, System.Text.Json.JsonElement Answer)> AskAsync() => door.SendAsync("GET", "/collections/data", null, ("api-key", token));
    }

    [Fact]
    public void Tokens_that_are_old_changed_signed_otherwise_or_unsigned_are_refused()
    {
        var desk = new AccessDesk(new VectorAccessOptions { ApiKey = Key });
        Assert.Same(AccessGrant.ReadOnly, desk.Recognise(Token("""{"access":"r","exp":99999999999}"""), null));
        Assert.Same(AccessGrant.All, desk.Recognise(Token("""{"access":"m"}"""), null));
        foreach (var wrong in new[] { Token("""{"access":"m","exp":1000}"""), Token("""{"access":"m"}""", key: "other"), Token("""{"access":"m"}""", head: """{"alg":"none"}"""), Token("""{"access":"m"}""")[..^2] + "xx", "a.b.c", "..", Token("""{"access":"zzz"}""") })
            Assert.Equal(401, Assert.Throws<VectorFault>(() => desk.Recognise(wrong, null)).Status);
        Assert.Equal(401, Assert.Throws<VectorFault>(() => desk.Recognise(null, "Basic abc")).Status);
    }

    private static string Token(string claims, string head = """{"alg":"HS256","typ":"JWT"}""", string key = Key)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(head))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), Encoding.ASCII.GetBytes(signed)))}";
    }
}
