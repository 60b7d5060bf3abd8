using System.Text.RegularExpressions;

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

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3beta")]
    public async Task Gateways_print_alike(string root)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        using var http = new HttpClient();
        foreach (var (path, json) in Requests)
        {
            using var theirs = await http.PostAsync(etcd.Url + root + path, new StringContent(json));
            var (status, body) = await door.PostAsync(root + path, json);
            var expected = Shown(await theirs.Content.ReadAsStringAsync());
            Assert.True(expected == Shown(body), $"{path} {json}\netcd: {expected}\n  we: {Shown(body)}");

            // FAILED_PRECONDITION is 412 in 3.4 and 400 in 3.6.
            if ((int)theirs.StatusCode != 412) Assert.Equal((int)theirs.StatusCode, status);
        }
    }

    private static string Shown(string body) => Ids().Replace(body.TrimEnd('\n'), "\"$1\":\"?\"");

    [GeneratedRegex("\"(cluster_id|member_id|raft_term)\":\"[0-9]+\"")]
    private static partial Regex Ids();
}
