using System.Text;
using Holdfast.Cluster;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// What must hold of locks: whoever is told that it has one was first in line at the revision it was told; no two believe at one time that they have it, each as
/// long as its lease was promised; a token is given to one holder only; and a resource that asks for tokens never takes an older holder's word after a newer one's.
/// </summary>
internal sealed class LockCheck(ClusterWorld world)
{
    private readonly Dictionary<(string Lock, long Fence), long> leaseOf = [];
    private readonly Dictionary<string, List<Holder>> holders = [];
    private readonly Dictionary<string, long> written = [];
    private readonly FenceTable resource = new();

    private sealed class Holder(long lease, long fence)
    {
        public long Lease { get; } = lease;

        public long Fence { get; } = fence;

        public bool HasGivenUp { get; set; }
    }

    /// <summary>The highest token that anybody was given.</summary>
    public long HighestFence { get; private set; }

    /// <summary>A client was told that it has a lock.</summary>
    public void OnGranted(string name, string key, long lease, long fence, long revision)
    {
        Require(leaseOf.TryAdd((name, fence), lease) || leaseOf[(name, fence)] == lease, $"token {fence} of {name} was given to lease {lease}, and had been given to lease {leaseOf[(name, fence)]}");
        var created = world.KeyspaceChronicle.CreatedAt(key, revision);
        Require(created == fence, $"lease {lease} was told at revision {revision} that it holds {name} under token {fence}; the log says {(created == 0 ? "that it stands in line no more" : $"that it came at {created}")}");
        foreach (var other in world.KeyspaceChronicle.RangeAt(name + "/", revision))
            Require(other.Key == key || world.KeyspaceChronicle.CreatedAt(other.Key, revision) > fence, $"lease {lease} was told at revision {revision} that it holds {name}, and {other.Key} stands before it");
        HighestFence = Math.Max(HighestFence, fence);
    }

    /// <summary>A client begins to rely on a lock, until its lease's promise is over or it gives the lock up.</summary>
    public void OnHeld(string name, long lease, long fence)
    {
        if (!holders.TryGetValue(name, out var all)) holders[name] = all = [];
        all.RemoveAll(holder => holder.HasGivenUp || world.LeaseCheck.PromisedUntil(holder.Lease) <= world.Clock.Now);
        foreach (var holder in all)
            Require(holder.Lease == lease, $"leases {holder.Lease} and {lease} both hold {name}, under tokens {holder.Fence} and {fence}");
        all.Add(new Holder(lease, fence));
    }

    /// <summary>A client is about to give a lock back, or relies on it no more.</summary>
    public void OnGivenUp(string name, long lease)
    {
        if (!holders.TryGetValue(name, out var all)) return;
        foreach (var holder in all)
            if (holder.Lease == lease) holder.HasGivenUp = true;
    }

    /// <summary>A write under a token reaches the resource that the lock is for, perhaps long after the lock was lost (S22).</summary>
    public void OnWrite(string name, long fence)
    {
        var before = written.GetValueOrDefault(name);
        var verdict = resource.Declare(Encoding.UTF8.GetBytes(name), new FencingToken((ulong)fence));
        Require(verdict.IsAccepted == fence >= before, $"a write to {name} under token {fence} was {(verdict.IsAccepted ? "taken" : "refused")} after one under {before}");
        if (verdict.IsAccepted) written[name] = fence;
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
