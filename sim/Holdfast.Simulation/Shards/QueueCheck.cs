using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Shards;

/// <summary>
/// What must hold of queues and of what is done: a value is in one place, once; what a quorum's reply said is pushed is in one of them, and what it said is moved is done, whoever's command it was that served it (S18). What was only
/// answered early may be lost.
/// </summary>
internal sealed class QueueCheck
{
    private readonly HashSet<ulong> pushed = [];
    private readonly HashSet<ulong> moved = [];
    private readonly HashSet<ulong> queued = [];
    private readonly HashSet<ulong> done = [];
    private ulong named;

    public ulong NextValue() => ++named;

    public void OnPushed(ulong value) => pushed.Add(value);

    public void OnMoved(ulong value) => ClusterCheck.Require(moved.Add(value), $"value {value} was moved on twice");

    /// <summary>All that is there of one queue, in the end.</summary>
    public void OnSeen(IEnumerable<ulong> waiting, IEnumerable<ulong> behind)
    {
        foreach (var value in waiting) ClusterCheck.Require(queued.Add(value), $"value {value} stands in a queue twice");
        foreach (var value in behind) ClusterCheck.Require(done.Add(value) && !queued.Contains(value), $"value {value} is done twice, or done and still queued");
    }

    public void Final()
    {
        foreach (var value in pushed) ClusterCheck.Require(queued.Contains(value) || done.Contains(value), $"value {value} was pushed, and is nowhere");
        foreach (var value in moved) ClusterCheck.Require(done.Contains(value), $"value {value} was moved on, and is not there");
    }
}
