using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>The series that dashboards for etcd look for. They are taken from the member's own status when the page is printed.</summary>
internal sealed class EtcdMetrics
{
    private readonly ICoordination coordination;
    private readonly Func<CancellationToken, ValueTask>? refreshNode;
    private readonly Counter leaderChanges;
    private StatusResponse status = new();

    public EtcdMetrics(ICoordination coordination, MetricsRegistry metrics, CallScope scope, Func<CancellationToken, ValueTask>? refreshNode)
    {
        (this.coordination, this.refreshNode) = (coordination, refreshNode);
        metrics.Gauge("etcd_server_has_leader", "Whether this member knows a leader: 1 or 0.", () => status.Leader != 0 ? 1 : 0);
        metrics.Gauge("etcd_server_is_leader", "Whether this member leads: 1 or 0.", () => status.Leader != 0 && status.Leader == status.Header?.MemberId ? 1 : 0);
        metrics.SampledCounter("etcd_server_proposals_committed_total", "The last log index known to be committed.", () => status.RaftIndex);
        metrics.SampledCounter("etcd_server_proposals_applied_total", "The last log index that was applied here.", () => status.RaftAppliedIndex);
        metrics.Gauge("etcd_server_proposals_pending", "Requests under way at this member's front door.", () => scope.Budget.Requests);
        metrics.SampledCounter("etcd_server_proposals_failed_total", "Requests that ended without a quorum or a leader.", () => scope.Unavailable.Value);
        leaderChanges = metrics.Counter("etcd_server_leader_changes_seen_total", "Changes of leadership, as noticed between two prints of this page.");
        metrics.Gauge("holdfast_coordination_revision", "The keyspace's revision here.", () => status.Header?.Revision ?? 0);
        metrics.Gauge("etcd_server_is_learner", "Whether this member does not vote yet: 1 or 0.", () => status.IsLearner ? 1 : 0);
        metrics.Gauge("etcd_server_version", "The version that clients are told.", static () => 1, $"server_version=\"{HealthPages.EtcdVersion}\"");
        metrics.Gauge("etcd_cluster_version", "The same for the cluster, without the last number.", static () => 1, $"cluster_version=\"{HealthPages.EtcdVersion[..HealthPages.EtcdVersion.LastIndexOf('.')]}\"");
        metrics.SampledCounter("etcd_network_client_grpc_received_bytes_total", "Bytes of gRPC messages that clients have sent.", () => scope.BytesReceived.Value);
        metrics.SampledCounter("etcd_network_client_grpc_sent_bytes_total", "Bytes of gRPC messages that were sent to clients.", () => scope.BytesSent.Value);
        metrics.SampledCounter("etcd_server_health_success", "Times that /health said yes.", () => HealthSuccesses.Value);
        metrics.SampledCounter("etcd_server_health_failures", "Times that /health said no.", () => HealthFailures.Value);
    }

    /// <summary>Times that /health said yes.</summary>
    public Counter HealthSuccesses { get; } = new();

    /// <summary>Times that it said no.</summary>
    public Counter HealthFailures { get; } = new();

    /// <summary>Asks for the member's status, so that the next print tells the present.</summary>
    public async ValueTask RefreshAsync(CancellationToken cancel)
    {
        if (refreshNode is not null) await refreshNode(cancel).ConfigureAwait(false);
        try
        {
            var now = await coordination.StatusAsync(new StatusRequest(), cancel).ConfigureAwait(false);
            var before = Interlocked.Exchange(ref status, now);
            if (now.Leader != 0 && (now.Leader != before.Leader || now.RaftTerm != before.RaftTerm)) leaderChanges.Increment();
        }
        catch (EtcdException)
        {
            // No status: the page says that there is no leader rather than what was true some time ago.
            Interlocked.Exchange(ref status, new StatusResponse());
        }
    }
}
