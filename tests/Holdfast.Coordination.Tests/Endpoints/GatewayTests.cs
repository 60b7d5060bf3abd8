using System.Text;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>The JSON gateway. The expected texts are what Debian's etcd 3.4 answered to the same requests, ids apart.</summary>
public sealed class GatewayTests
{
    private const string Header = "\"header\":{\"cluster_id\":\"11\",\"member_id\":\"12\",\"revision\":\"13\",\"raft_term\":\"14\"}";

    [Theory]
    [InlineData("/v3/kv/put")]
    [InlineData("/v3beta/kv/put")]
    public async Task A_put_is_answered_under_every_root(string path)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal((200, $"{{{Header}}}"), await door.PostAsync(path, "{\"key\":\"Zm9v\",\"value\":\"YmFy\"}"));
    }

    [Fact]
    public async Task A_range_prints_numbers_as_strings_bytes_as_base64_and_leaves_defaults_out()
    {
        var coordination = new ScriptedCoordination
        {
            OnRange = (_, _) => new(new RangeResponse
            {
                Header = ScriptedCoordination.Header(),
                Kvs =
                {
                    new KeyValue { Key = ByteString.CopyFromUtf8("foo"), Value = ByteString.CopyFromUtf8("bar"), CreateRevision = 2, ModRevision = 3, Version = 2 },
                    new KeyValue { Key = ByteString.CopyFromUtf8("foo2"), CreateRevision = 4, ModRevision = 4, Version = 1, Lease = -7 },
                },
                More = true,
                Count = 3,
            }),
        };
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal(
            (200, $"{{{Header},\"kvs\":[{{\"key\":\"Zm9v\",\"create_revision\":\"2\",\"mod_revision\":\"3\",\"version\":\"2\",\"value\":\"YmFy\"}}," +
                "{\"key\":\"Zm9vMg==\",\"create_revision\":\"4\",\"mod_revision\":\"4\",\"version\":\"1\",\"lease\":\"-7\"}],\"more\":true,\"count\":\"3\"}"),
            await door.PostAsync("/v3/kv/range", "{\"key\":\"Zm9v\"}"));
    }

    [Theory]
    [InlineData("{\"key\":\"Zm9v\",\"limit\":\"5\",\"sort_order\":\"DESCEND\",\"sort_target\":\"MOD\",\"keys_only\":true}")]
    [InlineData("{\"key\":\"Zm9v\",\"limit\":5,\"sortOrder\":2,\"sortTarget\":3,\"keysOnly\":true,\"nonsense\":{\"a\":[1,{}]},\"revision\":null}")]
    [InlineData(" \n{ \"keysOnly\" : true , \"sortTarget\" : \"MOD\", \"sortOrder\":\"DESCEND\",\"limit\":5, \"key\" : \"Zm\\u0039v\" } trailing")]
    public async Task Names_in_both_spellings_numbers_and_enums_in_both_forms_are_read(string json)
    {
        RangeRequest? seen = null;
        var coordination = new ScriptedCoordination
        {
            OnRange = (request, _) =>
            {
                seen = request;
                return new(new RangeResponse());
            },
        };
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal((200, "{}"), await door.PostAsync("/v3/kv/range", json));
        var expected = new RangeRequest
        {
            Key = ByteString.CopyFromUtf8("foo"),
            Limit = 5,
            SortOrder = RangeRequest.Types.SortOrder.Descend,
            SortTarget = RangeRequest.Types.SortTarget.Mod,
            KeysOnly = true,
        };
        Assert.Equal(expected, seen);
    }

    [Theory]
    [InlineData("+/8=", new byte[] { 0xfb, 0xff })]
    [InlineData("-_8=", new byte[] { 0xfb, 0xff })]
    [InlineData("-_8", new byte[] { 0xfb, 0xff })]
    [InlineData("", new byte[0])]
    public async Task Base64_comes_in_both_alphabets_with_or_without_padding(string text, byte[] expected)
    {
        PutRequest? seen = null;
        var coordination = new ScriptedCoordination { OnPut = request => { seen = request; return new PutResponse(); } };
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal(200, (await door.PostAsync("/v3/kv/put", $"{{\"key\":\"{text}\"}}")).Status);
        Assert.Equal(expected, seen!.Key.ToByteArray());
    }

    [Theory]
    [InlineData("{\"key\":\"Zm9*\"}", "illegal base64 data at input byte 3")]
    [InlineData("{\"key\":\"Zm9vY\"}", "illegal base64 data at input byte 4")]
    [InlineData("{\"key\":", "unexpected EOF")]
    [InlineData("{\"key\":5}", "json: cannot unmarshal number into Go value of type []uint8")]
    [InlineData("[]", "json: cannot unmarshal array into Go value of type map[string]json.RawMessage")]
    [InlineData("{\"lease\":true}", "json: cannot unmarshal bool into Go value of type int64")]
    [InlineData("{\"lease\":1.0}", "json: cannot unmarshal number 1.0 into Go value of type int64")]
    [InlineData("{\"lease\":\"x\"}", "invalid character 'x' looking for beginning of value")]
    [InlineData("{\"lease\":\"99999999999999999999\"}", "json: cannot unmarshal number 99999999999999999999 into Go value of type int64")]
    public async Task A_request_that_cannot_be_read_is_refused_in_etcds_words(string json, string message)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal((400, $"{{\"error\":\"{message}\",\"message\":\"{message}\",\"code\":3}}"), await door.PostAsync("/v3/kv/put", json));
    }

    [Fact]
    public async Task An_unknown_enum_name_is_refused_by_name()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        const string Message = "unknown value \\\"BAD\\\" for enum etcdserverpb.RangeRequest_SortOrder";
        Assert.Equal(
            (400, $"{{\"error\":\"{Message}\",\"message\":\"{Message}\",\"code\":3}}"),
            await door.PostAsync("/v3/kv/range", "{\"key\":\"Zm9v\",\"sort_order\":\"BAD\"}"));
    }

    [Fact]
    public async Task A_request_nested_beyond_the_bound_is_refused()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var deep = string.Concat(Enumerable.Repeat("{\"success\":[{\"request_txn\":", 200)) + "{}" + string.Concat(Enumerable.Repeat("}]}", 200));
        Assert.Equal(400, (await door.PostAsync("/v3/kv/txn", deep)).Status);
    }

    [Theory]
    [InlineData("/v3/kv/compaction", "{\"revision\":1}", 400, "etcdserver: mvcc: required revision has been compacted", 11)]
    [InlineData("/v3/lease/revoke", "{\"ID\":\"78\"}", 404, "etcdserver: requested lease not found", 5)]
    [InlineData("/v3/lease/grant", "{\"TTL\":100,\"ID\":77}", 400, "etcdserver: lease already exists", 9)]
    [InlineData("/v3/nope", "{}", 404, "Not Found", 5)]
    public async Task A_failure_has_the_status_of_its_code(string path, string json, int status, string message, int code)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal((status, $"{{\"error\":\"{message}\",\"message\":\"{message}\",\"code\":{code}}}"), await door.PostAsync(path, json));
    }

    [Fact]
    public async Task Requests_beyond_the_size_bounds_are_refused_as_by_etcd()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var large = Convert.ToBase64String(new byte[1_700_000]);
        Assert.Equal(
            (400, "{\"error\":\"etcdserver: request is too large\",\"message\":\"etcdserver: request is too large\",\"code\":3}"),
            await door.PostAsync("/v3/kv/put", $"{{\"key\":\"Zm9v\",\"value\":\"{large}\"}}"));
        var larger = Convert.ToBase64String(new byte[2_100_000]);
        Assert.Equal(429, (await door.PostAsync("/v3/kv/put", $"{{\"key\":\"Zm9v\",\"value\":\"{larger}\"}}")).Status);
    }

    /// <summary>Found by the fuzzer: the connection was closed after the answer, and whoever had sent the next request on it was told nothing.</summary>
    [Theory]
    [InlineData("/v3/kv/put", "{\"key\":5}", 400)]
    [InlineData("/v3/kv/put", "{\"key\"", 400)]
    [InlineData("/v3/lease/keepalive", "{\"bad", 500)]
    [InlineData("/v3/lease/keepalive", "{\"ID\":true}", 400)]
    public async Task A_refused_request_leaves_the_connection_to_the_next(string path, string json, int status)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        using var socket = await door.ConnectAsync();
        for (var round = 0; round < 3; round++) await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {json.Length}\r\n\r\n{json}"));
        await socket.SendAsync("POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"u8.ToArray());
        var answers = (await OpenDoor.ReadAllAsync(socket)).Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries).Select(answer => int.Parse(answer[..3]));
        Assert.Equal([status, status, status, 200], answers);
    }

    [Fact]
    public async Task Keep_alives_are_lines_one_for_each_request()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var (status, body) = await door.PostAsync("/v3/lease/keepalive", "{\"ID\":77}{\"ID\":\"78\"}");
        Assert.Equal(200, status);
        Assert.Equal($"{{\"result\":{{{Header},\"ID\":\"77\",\"TTL\":\"100\"}}}}\n{{\"result\":{{{Header},\"ID\":\"78\"}}}}\n", body);
        Assert.Equal((200, string.Empty), await door.PostAsync("/v3/lease/keepalive", string.Empty));
        Assert.Equal(
            (500, "{\"error\":\"unexpected EOF\",\"message\":\"unexpected EOF\",\"code\":2}"),
            await door.PostAsync("/v3/lease/keepalive", "{\"bad"));
    }

    [Fact]
    public async Task A_watch_goes_on_after_the_request_has_ended()
    {
        var coordination = new ScriptedCoordination();
        await using var door = await OpenDoor.OnAsync(coordination);
        using var lines = await door.StreamAsync("/v3/watch", "{\"create_request\":{\"key\":\"Zm9v\"}}");
        Assert.Equal($"{{\"result\":{{{Header},\"created\":true}}}}", await lines.ReadLineAsync());
        coordination.Watches[0].Push(new WatchResponse
        {
            Header = ScriptedCoordination.Header(),
            Events = { new Event { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = ByteString.CopyFromUtf8("foo"), ModRevision = 5 } } },
        });
        Assert.Equal(
            $"{{\"result\":{{{Header},\"events\":[{{\"type\":\"DELETE\",\"kv\":{{\"key\":\"Zm9v\",\"mod_revision\":\"5\"}}}}]}}}}",
            await lines.ReadLineAsync());
        coordination.Watches[0].Close(EtcdErrors.Stopped);
        Assert.Equal("{\"error\":{\"code\":14,\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: server stopped\"}}", await lines.ReadLineAsync());
        Assert.Null(await lines.ReadLineAsync());
    }

    [Fact]
    public async Task Only_post_is_allowed()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal(405, (await door.GetAsync("/v3/kv/put")).Status);
        Assert.Equal((404, "404 page not found\n"), await door.GetAsync("/nope"));
    }
}
