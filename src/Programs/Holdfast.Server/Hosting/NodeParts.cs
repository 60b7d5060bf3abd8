using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;
using Holdfast.Server.Configuration;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>What a face may lean on when its door opens: the node below it runs, and knows its cluster.</summary>
/// <param name="Plan">What the user asked for.</param>
/// <param name="Log">The node's log.</param>
/// <param name="Self">This incarnation.</param>
/// <param name="Member">How the node is announced to the others.</param>
/// <param name="Runtime">The log, the loops and the groups.</param>
/// <param name="Cluster">The node's part in the cluster.</param>
/// <param name="Metrics">Where everything on the node is counted.</param>
/// <param name="OnFatal">What to do about a broken invariant. It does not return.</param>
internal sealed record NodeParts(ServerPlan Plan, NodeLog Log, LocalNode Self, MemberRecord Member, NodeRuntime Runtime, ClusterNode Cluster, MetricsRegistry Metrics, Action<Exception> OnFatal);
