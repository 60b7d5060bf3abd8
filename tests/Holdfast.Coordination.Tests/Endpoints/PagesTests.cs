using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests.Endpoints;

public sealed class PagesTests
{
    [Fact]
    public async Task Health_is_a_linearizable_read()
    {
        var coordination = new ScriptedCoordination();
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal((200, "{\"health\":\"true\",\"reason\":\"\"}"), await door.GetAsync("/health"));
        Assert.Equal((200, "ok\n"), await door.GetAsync("/readyz"));
        Assert.Equal((200, "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n"), await door.GetAsync("/readyz?verbose"));
        coordination.OnRange = (request, _) => request.Serializable ? new(new RangeResponse()) : throw new EtcdException(EtcdErrors.NoLeader);
        Assert.Equal((503, "{\"health\":\"false\",\"reason\":\"RANGE ERROR:etcdserver: no leader\"}"), await door.GetAsync("/health"));
        Assert.Equal((503, "[+]data_corruption ok\n[+]serializable_read ok\n[-]linearizable_read failed: etcdserver: no leader\n[+]non_learner ok\n\n"), await door.GetAsync("/readyz"));
        Assert.Equal((200, "ok\n"), await door.GetAsync("/readyz?exclude=linearizable_read"));
        Assert.Equal((200, "ok\n"), await door.GetAsync("/readyz/non_learner"));
        Assert.Equal((200, "{\"health\":\"true\",\"reason\":\"\"}"), await door.GetAsync("/health?serializable=true"));
        Assert.Equal((200, "[+]serializable_read ok\nok\n"), await door.GetAsync("/livez?verbose"));
        Assert.Equal(405, (await door.PostAsync("/health", string.Empty)).Status);
    }

    [Fact]
    public async Task Alarms_and_the_lack_of_a_leader_make_a_member_unhealthy()
    {
        var coordination = new ScriptedCoordination { Health = new MemberHealth([AlarmType.Nospace], true, false) };
        await using var door = await OpenDoor.OnAsync(coordination);
        Assert.Equal((503, "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}"), await door.GetAsync("/health"));
        Assert.Equal(200, (await door.GetAsync("/health?exclude=NOSPACE")).Status);
        Assert.Equal((200, "ok\n"), await door.GetAsync("/readyz"));
        coordination.Health = new MemberHealth([AlarmType.Corrupt], false, true);
        Assert.Equal((503, "{\"health\":\"false\",\"reason\":\"RAFT NO LEADER\"}"), await door.GetAsync("/health?exclude=CORRUPT"));
        Assert.StartsWith("[-]data_corruption failed: alarm activated: CORRUPT\n", (await door.GetAsync("/readyz")).Body, StringComparison.Ordinal);
        Assert.Contains("[-]non_learner failed", (await door.GetAsync("/readyz")).Body, StringComparison.Ordinal);
        Assert.Equal((200, "ok\n"), await door.GetAsync("/livez"));
    }

    [Fact]
    public async Task Metrics_count_what_was_asked()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        await door.PostAsync("/v3/kv/put", "{\"key\":\"Zm9v\"}");
        await door.PostAsync("/v3/kv/compaction", "{}");
        await door.GetAsync("/health");
        await new KV.KVClient(door.Channel).RangeAsync(new RangeRequest { Key = Local.B("foo") });
        var (status, page) = await door.GetAsync("/metrics");
        Assert.Equal(200, status);
        Assert.Contains("\n# TYPE grpc_server_started_total counter\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_started_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_has_leader 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_is_leader 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_cluster_version{cluster_version=\"3.6\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_health_success 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_network_client_grpc_received_bytes_total 5\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_started_total{grpc_type=\"bidi_stream\",grpc_service=\"etcdserverpb.Watch\",grpc_method=\"Watch\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_started_total{grpc_type=\"server_stream\",grpc_service=\"etcdserverpb.Maintenance\",grpc_method=\"Snapshot\"} 0\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_leader_changes_seen_total 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\",grpc_code=\"OK\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_handling_seconds_count{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_handling_seconds_bucket{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\",le=\"+Inf\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_failed_total{grpc_type=\"unary\",grpc_service=\"etcdserverpb.KV\",grpc_method=\"Compact\"} 1\n", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "http://a.example", null)]
    [InlineData("*", "http://a.example", "*")]
    [InlineData("http://a.example", "http://a.example", "http://a.example")]
    [InlineData("http://a.example", "http://b.example", null)]
    public async Task Pages_of_other_origins_may_ask_where_they_are_named(string named, string asking, string? allowed)
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination(), origins: named.Split(',', StringSplitOptions.RemoveEmptyEntries));
        using var browser = new HttpClient();
        foreach (var (method, path) in new[] { (HttpMethod.Options, "/v3/kv/range"), (HttpMethod.Post, "/v3/kv/range"), (HttpMethod.Get, "/version") })
        {
            using var request = new HttpRequestMessage(method, door.Url + path) { Headers = { { "Origin", asking } } };
            if (method == HttpMethod.Post) request.Content = new StringContent("{\"key\":\"YQ==\"}");
            using var response = await browser.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(allowed, response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins) ? Assert.Single(origins) : null);
            Assert.Equal(method == HttpMethod.Options && named.Length == 0 ? 405 : 200, (int)response.StatusCode);
        }
    }

    [Fact]
    public async Task Administration_is_json_and_refusals_carry_a_sentence()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination(), admin: new ScriptedAdmin());
        var (status, page) = await door.GetAsync("/holdfast/v1/status");
        Assert.Equal(200, status);
        Assert.StartsWith("{\"name\":\"n1\",\"node_id\":\"a\",\"cluster_id\":\"b\",\"version\":\"0.1.0\",\"members\":[],\"groups\":[],\"alarms\":[],", page, StringComparison.Ordinal);
        Assert.EndsWith(",\"feature_level_known\":1,\"budgets\":[],\"roles\":\"\"}", page, StringComparison.Ordinal);
        Assert.Equal((200, "{\"token\":\"secret\",\"expires_in_seconds\":60}"), await door.PostAsync("/holdfast/v1/token", string.Empty));
        Assert.Equal((409, "{\"error\":\"n2 is the last voter\"}"), await door.PostAsync("/holdfast/v1/leave", "{\"node\":\"n2\"}"));
        Assert.Equal((200, "{\"done\":true}"), await door.PostAsync("/holdfast/v1/transfer", "{\"group\":1,\"node\":\"n2\"}"));
        Assert.Equal(400, (await door.PostAsync("/holdfast/v1/transfer", "{")).Status);
        Assert.Equal(404, (await door.GetAsync("/holdfast/v1/kill")).Status);
    }

    [Fact]
    public async Task Without_an_administration_there_is_none()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal(404, (await door.GetAsync("/holdfast/v1/status")).Status);
    }

    private sealed class ScriptedAdmin : IAdmin
    {
        public ValueTask<NodeStatus> StatusAsync(CancellationToken cancel = default) => new(new NodeStatus("n1", "a", "b", "0.1.0", [], []));

        public ValueTask<JoinTokenReply> CreateJoinTokenAsync(CancellationToken cancel = default) => new(new JoinTokenReply("secret", 60));

        public ValueTask LeaveAsync(LeaveRequest request, CancellationToken cancel = default) => throw new AdminException(409, $"{request.Node} is the last voter");

        public ValueTask TakeBackupAsync(CancellationToken cancel = default) => throw new AdminException(409, "n1 keeps no backup");

        public ValueTask TransferAsync(TransferRequest request, CancellationToken cancel = default) => ValueTask.CompletedTask;
    }
}
