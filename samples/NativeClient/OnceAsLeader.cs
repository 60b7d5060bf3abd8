using Holdfast.Client;
using Holdfast.Client.Extensions;

namespace NativeClient;

/// <summary>Work of which one runs in the whole cluster; it is done when it was done once.</summary>
internal sealed class OnceAsLeader(HoldfastClient client) : LeaderOnlyService(client, "native")
{
    private readonly TaskCompletionSource<bool> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether it had a fencing token.</summary>
    public Task<bool> Done => done.Task;

    protected override Task LeadAsync(Leadership leadership, CancellationToken stop)
    {
        done.TrySetResult(leadership.Fence > 0);
        return Task.CompletedTask;
    }
}
