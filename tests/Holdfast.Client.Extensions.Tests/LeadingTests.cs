using System.Collections.Concurrent;
using Holdfast.Client.Tests;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>Work of which one runs in the cluster (R1.1).</summary>
public sealed class LeadingTests
{
    [Fact]
    public async Task One_of_two_works_and_when_it_stops_the_other_does_with_a_larger_fence()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        using var a = new Worker(client);
        using var b = new Worker(client);
        await a.StartAsync(CancellationToken.None);
        await Await.UntilAsync(() => a.Fences.Count == 1, "the first leader");
        await b.StartAsync(CancellationToken.None);
        await a.StopAsync(CancellationToken.None);
        await Await.UntilAsync(() => b.Fences.Count == 1, "the second leader");
        Assert.Equal((0, 1), (a.Running, b.Running));
        Assert.True(b.Fences.Single() > a.Fences.Single());
        await b.StopAsync(CancellationToken.None);
    }

    /// <summary>Somebody deletes the leader's key: the work is told to stop, ends, and only then it campaigns again.</summary>
    [Fact]
    public async Task Work_is_stopped_when_leadership_is_lost_and_begins_again_when_it_is_won_again()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        using var worker = new Worker(client);
        await worker.StartAsync(CancellationToken.None);
        await Await.UntilAsync(() => worker.Fences.Count == 1, "leadership");
        var key = (await client.GetPrefixAsync("cell/")).Kvs.Single().Key.ToStringUtf8();
        await client.DeleteAsync(key);
        await Await.UntilAsync(() => worker.Fences.Count == 2, "leadership again");
        Assert.Equal(1, worker.MostAtOnce);
        Assert.True(worker.Fences.Last() > worker.Fences.First());
        await worker.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Work_that_is_done_resigns_and_is_not_begun_again()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        using var worker = new Worker(client) { IsDoneAtOnce = true };
        await worker.StartAsync(CancellationToken.None);
        await worker.ExecuteTask!.WaitAsync(Await.Patience);
        Assert.Single(worker.Fences);
        Assert.Empty((await client.GetPrefixAsync("cell/")).Kvs);
    }

    [Fact]
    public async Task Work_that_throws_resigns_first()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        using var worker = new Worker(client) { Throws = true };
        await worker.StartAsync(CancellationToken.None);
        await Assert.ThrowsAsync<InvalidDataException>(() => worker.ExecuteTask!.WaitAsync(Await.Patience));
        Assert.Empty((await client.GetPrefixAsync("cell/")).Kvs);
    }

    private sealed class Worker(HoldfastClient client) : LeaderOnlyService(client, "cell")
    {
        private int running;

        public ConcurrentQueue<long> Fences { get; } = new();

        public int Running => Volatile.Read(ref running);

        public int MostAtOnce { get; private set; }

        public bool IsDoneAtOnce { get; init; }

        public bool Throws { get; init; }

        protected override async Task LeadAsync(Leadership leadership, CancellationToken stop)
        {
            MostAtOnce = Math.Max(MostAtOnce, Interlocked.Increment(ref running));
            Fences.Enqueue(leadership.Fence);
            try
            {
                if (Throws) throw new InvalidDataException("the work has failed");
                if (!IsDoneAtOnce) await Task.Delay(Timeout.Infinite, stop);
            }
            finally
            {
                Interlocked.Decrement(ref running);
            }
        }
    }
}
