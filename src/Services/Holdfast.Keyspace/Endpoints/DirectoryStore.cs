using Holdfast.Cluster;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>The settings that all nodes share, in the cluster's directory: each is an entry of group 0.</summary>
internal sealed class DirectoryStore(ClusterNode cluster, Action<Action> post, CancellationToken stopping) : ISharedStore
{
    /// <summary>How long the directory may take; what comes later may still be done.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public void Set(IReadOnlyList<(string Key, string Value)> changes, Action<string?> done) => _ = Task.Run(
        async () =>
        {
            var fault = await SetAllAsync(changes).ConfigureAwait(false);
            post(() => done(fault));
        },
        CancellationToken.None);

    private async Task<string?> SetAllAsync(IReadOnlyList<(string Key, string Value)> changes)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            patience.CancelAfter(Patience);
            foreach (var (key, value) in changes)
            {
                var reply = await cluster.SetSettingAsync(key, value, once: false, patience.Token).ConfigureAwait(false);
                if (!reply.Accepted) return reply.Reason;
            }

            return null;
        }
        catch (Exception failed) when (failed is OperationCanceledException or ObjectDisposedException)
        {
            return "it did not answer in time, so the outcome is unknown";
        }
    }
}
