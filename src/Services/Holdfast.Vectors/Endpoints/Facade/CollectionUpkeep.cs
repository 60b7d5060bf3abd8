using Holdfast.Cluster;
using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Endpoints.Telling;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// Ends what somebody began and did not end: groups whose collection was deleted are deleted too, and a collection without its groups gets them. Done by the node that leads the directory; every node lets go of
/// the shards that have a tombstone. A group is always made after its collection's record, so one without a record, in the same view of the directory, is left over.
/// </summary>
internal sealed class CollectionUpkeep : IAsyncDisposable
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(100);

    /// <summary>The directory is looked at in every tenth pulse, and how far replicas are behind in each.</summary>
    private const int PulsesPerLook = 10;

    /// <summary>How hot replicas are is asked in every hundredth pulse.</summary>
    private const int PulsesPerHeat = 100;

    private readonly CancellationTokenSource stopping = new();
    private readonly Task running;

    /// <summary>Begins.</summary>
    public CollectionUpkeep(ClusterNode cluster, DirectoryCollections collections, VectorGroups groups, MetricsRegistry metrics) => running = RunAsync(cluster, collections, groups, new LagWatch(metrics), new Reliefs(metrics), stopping.Token);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        stopping.Dispose();
    }

    private static async Task RunAsync(ClusterNode cluster, DirectoryCollections collections, VectorGroups groups, LagWatch lag, Reliefs reliefs, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Pulse);
        var pulse = 0L;
        var splits = new Dictionary<string, Task>(StringComparer.Ordinal);
        var (heat, heating) = (new HeatWatch(collections), Task.CompletedTask);
        try
        {
            while (await timer.WaitForNextTickAsync(cancel).ConfigureAwait(false))
            {
                var view = cluster.View;
                lag.Look(cluster, view, collections);
                var now = pulse++;
                if (now % PulsesPerLook != 0) continue;
                groups.Follow(view);
                if (!cluster.Directory.Status.IsServingLeader) continue;
                try
                {
                    foreach (var group in collections.LeftOver(view)) await cluster.DeleteGroupAsync(group, cancel).ConfigureAwait(false);
                    await collections.CompleteAsync(view, cancel).ConfigureAwait(false);
                    foreach (var record in collections.Splitting(view))
                        if (!splits.TryGetValue(record.Id, out var driven) || driven.IsCompleted) splits[record.Id] = SplitAsync(cluster, collections, record, cancel);
                    if (now % PulsesPerHeat == 0 && heating.IsCompleted) heating = RelieveAsync(heat, NodesOf(view), reliefs, cancel);
                }
                catch (VectorFault)
                {
                    // Not just now: it is looked at again.
                }
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }

        await Task.WhenAll([heating, .. splits.Values]).ConfigureAwait(false);
    }

    private static async Task RelieveAsync(HeatWatch heat, ulong[] nodes, Reliefs reliefs, CancellationToken cancel)
    {
        try
        {
            if (await heat.LookAsync(nodes, cancel).ConfigureAwait(false) is { } relief) (relief.IsLeadOnly ? reliefs.Leads : reliefs.Replicas).Increment();
        }
        catch (Exception fault) when (fault is VectorFault or OperationCanceledException or ObjectDisposedException)
        {
            // Not just now, or the node stops.
        }
    }

    private static ulong[] NodesOf(DirectoryView view) =>
        [.. view.Members.Values.Where(member => member.Roles.HasFlag(NodeRoles.Vectors) && view.RunningAbout(member.Node) is null && !view.IsBeingReplaced(member.Node)).Select(member => member.Node.Value)];

    private static async Task SplitAsync(ClusterNode cluster, DirectoryCollections collections, CollectionRecord record, CancellationToken cancel)
    {
        try
        {
            await new SplitRunner(collections).RunAsync(record, () => cluster.Directory.Status.IsServingLeader, cancel).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is VectorFault or OperationCanceledException or ObjectDisposedException)
        {
            // Not just now, or the node stops: whoever leads the directory looks again.
        }
    }

    /// <summary>What was done for nodes that were hot for long.</summary>
    private sealed class Reliefs(MetricsRegistry metrics)
    {
        public Counter Replicas { get; } = metrics.Counter("holdfast_vectors_hot_shards_moved_total", "Replicas of shards that were moved away from a node that was hot for long.");

        public Counter Leads { get; } = metrics.Counter("holdfast_vectors_hot_leads_moved_total", "Shards whose lead was handed to another replica because their leader's node was hot for long.");
    }
}
