using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>The same JSON to the gateways of Debian's etcd and of us: the answers must be the same letter for letter, ids and terms aside.</summary>
public sealed partial class GatewayDifferentialTests
{
    private static readonly (string Path, string Json)[] Requests =
    [
        ("/kv/put", "{\"key\":\"YQ==\",\"value\":\"MQ==\"}"),
        ("/kv/put", "{\"key\":\"YQ==\",\"value\":\"Mg==\",\"prev_kv\":true}"),
        ("/kv/put", "{\"key\":\"Yg==\",\"value\":\"/+8=\",\"prevKv\":true}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"range_end\":\"eg==\"}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"range_end\":\"eg==\",\"sort_order\":\"DESCEND\",\"sort_target\":\"KEY\",\"limit\":1}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"range_end\":\"eg==\",\"sort_order\":2,\"count_only\":true,\"limit\":\"1\"}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"revision\":\"2\"}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"revision\":99}"),
        ("/kv/range", "{}"),
        ("/kv/put", "{}"),
        ("/kv/put", "{\"key\":\"YQ==\",\"lease\":\"5\"}"),
        ("/kv/put", "{\"key\":\"enp6\",\"ignore_value\":true}"),
        ("/kv/txn", "{\"compare\":[{\"result\":\"EQUAL\",\"target\":\"VALUE\",\"key\":\"YQ==\",\"value\":\"Mg==\"}],\"success\":[{\"requestPut\":{\"key\":\"Yw==\",\"value\":\"Mw==\"}},{\"request_range\":{\"key\":\"YQ==\"}}],\"failure\":[]}"),
        ("/kv/txn", "{\"compare\":[{\"target\":\"CREATE\",\"key\":\"YQ==\",\"create_revision\":\"0\"}],\"success\":[],\"failure\":[{\"request_delete_range\":{\"key\":\"Yw==\",\"prev_kv\":true}}]}"),
        ("/kv/txn", "{\"success\":[{\"request_put\":{\"key\":\"YQ==\"}},{\"request_put\":{\"key\":\"YQ==\"}}]}"),
        ("/kv/txn", "{\"success\":[{\"request_txn\":{\"success\":[{\"request_range\":{\"key\":\"YQ==\",\"keys_only\":true}}]}}]}"),
        ("/kv/deleterange", "{\"key\":\"Yg==\",\"prev_kv\":true}"),
        ("/kv/deleterange", "{\"key\":\"Yg==\"}"),
        ("/kv/compaction", "{\"revision\":\"3\",\"physical\":true}"),
        ("/kv/compaction", "{\"revision\":3}"),
        ("/kv/compaction", "{\"revision\":300}"),
        ("/kv/range", "{\"key\":\"YQ==\",\"revision\":\"2\"}"),
        ("/lease/grant", "{\"ID\":\"7\",\"TTL\":\"1000\"}"),
        ("/lease/grant", "{\"ID\":7,\"TTL\":1000}"),
        ("/lease/grant", "{\"ID\":\"8\",\"TTL\":\"9000000001\"}"),
        ("/kv/put", "{\"key\":\"bA==\",\"value\":\"MQ==\",\"lease\":\"7\"}"),
        ("/lease/keepalive", "{\"ID\":\"7\"}"),
        ("/lease/keepalive", "{\"ID\":\"55\"}"),
        ("/lease/leases", "{}"),
        ("/lease/timetolive", "{\"ID\":\"55\"}"),
        ("/lock/lock", "{\"name\":\"am9i\",\"lease\":\"99\"}"),
        ("/lock/unlock", "{\"key\":\"am9iLzc=\"}"),
        ("/election/campaign", "{\"name\":\"Ym9zcw==\",\"lease\":\"7\",\"value\":\"bWU=\"}"),
        ("/election/leader", "{\"name\":\"Ym9zcw==\"}"),
        ("/election/leader", "{\"name\":\"bm9ib2R5\"}"),
        ("/election/proclaim", "{}"),
        ("/election/resign", "{\"leader\":{\"name\":\"Ym9zcw==\",\"key\":\"Ym9zcy83\",\"rev\":\"9\",\"lease\":\"7\"}}"),
        ("/lease/revoke", "{\"ID\":\"7\"}"),
        ("/kv/lease/revoke", "{\"ID\":\"7\"}"),
        ("/maintenance/transfer-leadership", "{\"targetID\":\"5\"}"),
        ("/kv/range", "{\"key\":\"AA==\",\"range_end\":\"AA==\"}"),
    ];

    /// <summary>Maintenance, and users and roles up to the moment when they are on: then only root's own calls, of which the gateways know by a token, would go on.</summary>
    private static readonly (string Path, string Json)[] MaintenanceAndAuth =
    [
        ("/kv/put", "{\"key\":\"YQ==\",\"value\":\"MQ==\"}"),
        ("/kv/put", "{\"key\":\"YQ==\",\"value\":\"Mg==\"}"),
        ("/maintenance/alarm", "{}"),
        ("/maintenance/alarm", "{\"action\":\"GET\",\"memberID\":\"5\",\"alarm\":\"NOSPACE\"}"),
        ("/maintenance/alarm", "{\"action\":\"ACTIVATE\",\"memberID\":\"5\",\"alarm\":\"NOSPACE\"}"),
        ("/maintenance/alarm", "{\"action\":0}"),
        ("/kv/put", "{\"key\":\"YQ==\",\"value\":\"Mw==\"}"),
        ("/kv/deleterange", "{\"key\":\"eA==\"}"),
        ("/maintenance/alarm", "{\"action\":\"DEACTIVATE\",\"memberID\":5,\"alarm\":1}"),
        ("/maintenance/alarm", "{\"action\":\"DEACTIVATE\",\"memberID\":5,\"alarm\":1}"),
        ("/maintenance/alarm", "{\"alarm\":\"NOISE\"}"),
        ("/maintenance/defragment", "{}"),
        ("/maintenance/transfer-leadership", "{}"),
        ("/auth/enable", "{}"),
        ("/auth/disable", "{}"),
        ("/auth/authenticate", "{\"name\":\"root\",\"password\":\"x\"}"),
        ("/auth/user/add", "{\"name\":\"root\",\"password\":\"toor\"}"),
        ("/auth/user/add", "{\"name\":\"root\",\"password\":\"toor\"}"),
        ("/auth/user/add", "{}"),
        ("/auth/user/add", "{\"name\":\"bob\",\"password\":\"b\"}"),
        ("/auth/user/add", "{\"name\":\"eve\",\"options\":{\"no_password\":true}}"),
        ("/auth/user/list", "{}"),
        ("/auth/user/get", "{\"name\":\"bob\"}"),
        ("/auth/user/get", "{\"name\":\"nobody\"}"),
        ("/auth/user/changepw", "{\"name\":\"bob\",\"password\":\"c\"}"),
        ("/auth/user/changepw", "{\"name\":\"nobody\",\"password\":\"c\"}"),
        ("/auth/role/add", "{\"name\":\"root\"}"),
        ("/auth/role/add", "{\"name\":\"r\"}"),
        ("/auth/role/add", "{\"name\":\"r\"}"),
        ("/auth/role/add", "{}"),
        ("/auth/role/list", "{}"),
        ("/auth/role/grant", "{\"name\":\"r\",\"perm\":{\"permType\":\"READWRITE\",\"key\":\"YQ==\",\"range_end\":\"Yg==\"}}"),
        ("/auth/role/grant", "{\"name\":\"r\",\"perm\":{\"permType\":0,\"key\":\"eA==\"}}"),
        ("/auth/role/grant", "{\"name\":\"none\",\"perm\":{\"key\":\"eA==\"}}"),
        ("/auth/role/get", "{\"role\":\"r\"}"),
        ("/auth/role/get", "{\"role\":\"none\"}"),
        ("/auth/role/revoke", "{\"role\":\"r\",\"key\":\"eA==\"}"),
        ("/auth/role/revoke", "{\"role\":\"r\",\"key\":\"eA==\"}"),
        ("/auth/user/grant", "{\"user\":\"bob\",\"role\":\"r\"}"),
        ("/auth/user/grant", "{\"user\":\"bob\",\"role\":\"none\"}"),
        ("/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}"),
        ("/auth/user/get", "{\"name\":\"bob\"}"),
        ("/auth/user/revoke", "{\"name\":\"bob\",\"role\":\"r\"}"),
        ("/auth/user/revoke", "{\"name\":\"bob\",\"role\":\"r\"}"),
        ("/auth/role/delete", "{\"role\":\"r\"}"),
        ("/auth/role/delete", "{\"role\":\"r\"}"),
        ("/auth/user/delete", "{\"name\":\"bob\"}"),
        ("/auth/user/delete", "{\"name\":\"bob\"}"),
        ("/auth/enable", "{}"),
        ("/auth/authenticate", "{\"name\":\"root\",\"password\":\"wrong\"}"),
        ("/auth/authenticate", "{\"name\":\"eve\",\"password\":\"\"}"),
        ("/auth/user/list", "{}"),
        ("/kv/range", "{\"key\":\"YQ==\"}"),
        ("/auth/disable", "{}"),
    ];

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3beta")]
    public Task Gateways_print_alike(string root) => CompareAsync(root, Requests);

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3beta")]
    public Task Gateways_print_maintenance_and_users_alike(string root) => CompareAsync(root, MaintenanceAndAuth);

    private static async Task CompareAsync(string root, (string Path, string Json)[] requests)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var http = new HttpClient();
        var complaints = new List<string>();
        foreach (var (path, json) in requests)
        {
            using var theirs = await http.PostAsync(etcd.Url + root + path, new StringContent(json));
            var (status, body) = await door.PostAsync(root + path, json);
            var (expected, ours) = (Shown(await theirs.Content.ReadAsStringAsync()), Shown(body));

            // Alarms have a header since 3.5.
            if (path == "/maintenance/alarm") ours = Header().Replace(ours, "{");
            if (expected != ours) complaints.Add($"{path} {json}\netcd: {expected}\n  we: {ours}");

            // FAILED_PRECONDITION is 412 in 3.4 and 400 in 3.6.
            if ((int)theirs.StatusCode != 412 && (int)theirs.StatusCode != status) complaints.Add($"{path} {json}\netcd: {theirs.StatusCode}\n  we: {status}");
        }

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    /// <summary>What a member says of itself differs by its nature: the same fields, and those that 3.4 has not yet.</summary>
    [Theory]
    [InlineData("/v3/maintenance/status")]
    [InlineData("/v3/maintenance/hash")]
    public async Task Status_and_hash_have_the_same_fields_in_the_same_forms(string path)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var http = new HttpClient();
        const string put = "{\"key\":\"YQ==\",\"value\":\"MQ==\"}";
        using (await http.PostAsync(etcd.Url + "/v3/kv/put", new StringContent(put))) await door.PostAsync("/v3/kv/put", put);
        using var response = await http.PostAsync(etcd.Url + path, new StringContent("{}"));
        using var theirs = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        var (status, body) = await door.PostAsync(path, "{}");
        Assert.Equal(200, status);
        using var ours = JsonDocument.Parse(body);
        foreach (var field in theirs.RootElement.EnumerateObject())
        {
            // In one process there is no log, and so no place in it.
            if (field.Name.StartsWith("raft", StringComparison.Ordinal) && field.Name.EndsWith("Index", StringComparison.Ordinal)) continue;
            Assert.True(ours.RootElement.TryGetProperty(field.Name, out var same), $"{field.Name} is missing in {body}");
            Assert.Equal(field.Value.ValueKind, same.ValueKind);
        }
    }

    /// <summary>3.4 has no path for it; the hash is compared with etcd's over gRPC.</summary>
    [Fact]
    public async Task A_hash_of_keys_is_told_at_a_revision_and_refused_at_one_to_come()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        for (var i = 0; i < 3; i++) await door.PostAsync("/v3/kv/put", "{\"key\":\"YQ==\",\"value\":\"MQ==\"}");
        var hash = await new Maintenance.MaintenanceClient(door.Channel).HashKVAsync(new HashKVRequest { Revision = 3 });
        Assert.Contains($"\"hash\":{hash.Hash},\"compact_revision\":\"-1\",\"hash_revision\":\"3\"", (await door.PostAsync("/v3/maintenance/hashkv", "{\"revision\":\"3\"}")).Body, StringComparison.Ordinal);
        var (status, refused) = await door.PostAsync("/v3/maintenance/hashkv", "{\"revision\":99}");
        Assert.Equal((400, true), (status, refused.Contains("etcdserver: mvcc: required revision is a future revision", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_downgrade_is_judged_and_never_begun()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        Task<(int Status, string Body)> Ask(string json) => door.PostAsync("/v3/maintenance/downgrade", json);
        var (status, body) = await Ask("{\"action\":\"VALIDATE\",\"version\":\"3.5\"}");
        Assert.Equal((200, true), (status, body.Contains("\"version\":\"3.6.0\"", StringComparison.Ordinal)));
        Assert.Contains("etcdserver: invalid downgrade target version", (await Ask("{\"action\":0,\"version\":\"3.4\"}")).Body, StringComparison.Ordinal);
        Assert.Contains("etcdserver: wrong downgrade target version format", (await Ask("{\"version\":\"soon\"}")).Body, StringComparison.Ordinal);
        Assert.Contains("etcdserver: not capable", (await Ask("{\"action\":\"ENABLE\",\"version\":\"3.5\"}")).Body, StringComparison.Ordinal);
        Assert.Contains("etcdserver: no inflight downgrade job", (await Ask("{\"action\":\"CANCEL\"}")).Body, StringComparison.Ordinal);

        // And as etcdctl asks it.
        var maintenance = new Maintenance.MaintenanceClient(door.Channel);
        Assert.Equal("3.6.0", (await maintenance.DowngradeAsync(new DowngradeRequest { Action = DowngradeRequest.Types.DowngradeAction.Validate, Version = "3.5" })).Version);
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await maintenance.DowngradeAsync(new DowngradeRequest { Action = DowngradeRequest.Types.DowngradeAction.Enable, Version = "3.5" }));
        Assert.Equal((StatusCode.Unavailable, "etcdserver: not capable"), (refused.StatusCode, refused.Status.Detail));
    }

    [Fact]
    public async Task The_hash_of_the_state_is_the_states_and_changes_with_it()
    {
        var (one, other) = (new Local(), new Local());
        foreach (var local in (Local[])[one, other]) await local.Put("a", "1");
        var before = (await one.Face.HashAsync(new HashRequest())).Hash;
        Assert.Equal(before, (await other.Face.HashAsync(new HashRequest())).Hash);
        await one.Put("a", "2");
        Assert.NotEqual(before, (await one.Face.HashAsync(new HashRequest())).Hash);
        await using var door = await OpenDoor.OnAsync(other.Face);
        Assert.Equal(before, (await new Maintenance.MaintenanceClient(door.Channel).HashAsync(new HashRequest())).Hash);
        Assert.Contains($"\"hash\":{before}", (await door.PostAsync("/v3/maintenance/hash", "{}")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_comes_as_lines_whose_last_is_the_sum_of_the_others()
    {
        var local = new Local();
        for (var i = 0; i < 500; i++) await local.Put($"key{i}", new string('v', 300));
        await using var door = await OpenDoor.OnAsync(local.Face);
        using var lines = await door.StreamAsync("/v3/maintenance/snapshot", "{}");
        var pieces = new List<byte[]>();
        var left = new List<long>();
        while (await lines.ReadLineAsync() is { } line)
        {
            var result = JsonDocument.Parse(line).RootElement.GetProperty("result");
            Assert.Equal("7", result.GetProperty("header").GetProperty("cluster_id").GetString());
            pieces.Add(result.GetProperty("blob").GetBytesFromBase64());
            left.Add(result.TryGetProperty("remaining_bytes", out var remaining) ? long.Parse(remaining.GetString()!, CultureInfo.InvariantCulture) : 0);
        }

        var file = pieces.SkipLast(1).SelectMany(static piece => piece).ToArray();
        Assert.True(pieces.Count > 2 && file.Length > 500 * 300, $"{pieces.Count} lines, {file.Length} bytes");
        Assert.Equal(left.OrderDescending(), left);
        Assert.Equal(0, left[^1]);
        Assert.Equal(SHA256.HashData(file), pieces[^1]);

        using var call = new Maintenance.MaintenanceClient(door.Channel).Snapshot(new SnapshotRequest());
        var binary = new List<byte>();
        while (await call.ResponseStream.MoveNext(CancellationToken.None)) binary.AddRange(call.ResponseStream.Current.Blob);
        Assert.Equal(file.Concat(pieces[^1]), binary);
    }

    /// <summary>etcd 3.7 has the call, and no path for it.</summary>
    [Fact]
    public async Task A_range_comes_in_parts_as_lines()
    {
        var local = new Local();
        for (var i = 0; i < 300; i++) await local.Put($"key{i:000}", new string('v', 10_000));
        await using var door = await OpenDoor.OnAsync(local.Face);
        using var lines = await door.StreamAsync("/v3/kv/rangestream", "{\"key\":\"a2V5\",\"range_end\":\"a2V6\"}");
        var keys = new List<string>();
        var parts = 0;
        for (; await lines.ReadLineAsync() is { } line; parts++)
        {
            var range = JsonDocument.Parse(line).RootElement.GetProperty("result").GetProperty("range_response");
            if (range.TryGetProperty("kvs", out var kvs)) keys.AddRange(kvs.EnumerateArray().Select(static kv => Encoding.UTF8.GetString(kv.GetProperty("key").GetBytesFromBase64())));
        }

        Assert.True(parts > 1, "three megabytes came in one part");
        Assert.Equal(Enumerable.Range(0, 300).Select(static i => $"key{i:000}"), keys);
        var (status, refused) = await door.PostAsync("/v3/kv/rangestream", "{\"key\":\"a2V5\",\"range_end\":\"a2V6\",\"sort_order\":\"DESCEND\",\"sort_target\":\"MOD\"}");
        Assert.Equal((400, true), (status, refused.Contains("etcdserver: invalid sort option", StringComparison.Ordinal)));
    }

    private static string Shown(string body) => Ids().Replace(body.TrimEnd('\n'), "\"$1\":\"?\"");

    [GeneratedRegex("^{\"header\":{[^}]*},?")]
    private static partial Regex Header();

    [GeneratedRegex("\"(cluster_id|member_id|raft_term)\":\"[0-9]+\"")]
    private static partial Regex Ids();
}
