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
        coordination.OnRange = (request, _) => request.Serializable ? new(new RangeResponse()) : throw new EtcdException(EtcdErrors.NoLeader);
        Assert.Equal((503, "{\"health\":\"false\",\"reason\":\"QGET ERROR:etcdserver: no leader\"}"), await door.GetAsync("/health"));
        Assert.Equal(503, (await door.GetAsync("/readyz")).Status);
        Assert.Equal((200, "[+]serializable_read ok\nok\n"), await door.GetAsync("/livez?verbose"));
        Assert.Equal(405, (await door.PostAsync("/health", string.Empty)).Status);
    }

    [Fact]
    public async Task Metrics_count_what_was_asked()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        await door.PostAsync("/v3/kv/put", "{\"key\":\"Zm9v\"}");
        await door.PostAsync("/v3/kv/compaction", "{}");
        var (status, page) = await door.GetAsync("/metrics");
        Assert.Equal(200, status);
        Assert.Contains("\n# TYPE grpc_server_started_total counter\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_started_total{grpc_service=\"etcdserverpb.KV\",grpc_method=\"Put\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_has_leader 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_is_leader 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\netcd_server_leader_changes_seen_total 1\n", page, StringComparison.Ordinal);
        Assert.Contains("\ngrpc_server_failed_total{grpc_service=\"etcdserverpb.KV\",grpc_method=\"Compact\"} 1\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Administration_is_json_and_refusals_carry_a_sentence()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination(), admin: new ScriptedAdmin());
        Assert.Equal(
            (200, "{\"name\":\"n1\",\"node_id\":\"a\",\"cluster_id\":\"b\",\"version\":\"0.1.0\",\"members\":[],\"groups\":[]}"),
            await door.GetAsync("/holdfast/v1/status"));
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

        public ValueTask TransferAsync(TransferRequest request, CancellationToken cancel = default) => ValueTask.CompletedTask;
    }
}
