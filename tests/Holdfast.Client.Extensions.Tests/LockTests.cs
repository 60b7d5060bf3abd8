using Holdfast.Client.Tests;
using Medallion.Threading;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>Locks through the interfaces of DistributedLock.Core (R1.6).</summary>
public sealed class LockTests
{
    [Fact]
    public async Task One_holds_at_a_time_and_the_next_has_a_larger_fence()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        IDistributedLockProvider locks = new HoldfastLockProvider(client);
        long first;
        await using (var held = await locks.AcquireLockAsync("job"))
        {
            first = ((HoldfastLockHandle)held).Fence;
            Assert.True(first > 0);
            Assert.Null(await locks.TryAcquireLockAsync("job"));
            await using var other = await locks.TryAcquireLockAsync("other");
            Assert.NotNull(other);
        }

        await using var next = (HoldfastLockHandle?)await locks.TryAcquireLockAsync("job");
        Assert.True(next!.Fence > first);
    }

    [Fact]
    public async Task A_wait_that_is_over_is_null_or_a_TimeoutException_as_the_interface_says()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var locks = new HoldfastLockProvider(client);
        await using var held = await locks.CreateLock("job").AcquireAsync();
        Assert.Null(await locks.CreateLock("job").TryAcquireAsync(TimeSpan.Zero));
        await Assert.ThrowsAsync<TimeoutException>(async () => await locks.CreateLock("job").AcquireAsync(TimeSpan.Zero));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await locks.CreateLock("job").TryAcquireAsync(TimeSpan.FromSeconds(-5)));
        Assert.Throws<ArgumentException>(() => locks.CreateLock(""));
    }

    /// <summary>The interface also has calls that block.</summary>
    [Fact]
    public async Task Blocking_calls_do_the_same()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        IDistributedLock job = new HoldfastLockProvider(client).CreateLock("job");
        await Task.Run(() =>
        {
            using (job.Acquire()) Assert.Null(job.TryAcquire());
            using var again = job.TryAcquire();
            Assert.NotNull(again);
        });
    }

    [Fact]
    public async Task A_holder_whose_key_is_deleted_is_told_and_may_write_no_more()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var held = await new HoldfastLockProvider(client).CreateLock("job").AcquireAsync();
        await client.DeleteAsync(held.Key);
        await Await.UntilAsync(() => held.HandleLostToken.IsCancellationRequested, "the loss");
        var tried = await client.TxnAsync(new Coordination.Protocol.TxnRequest { Compare = { held.StillHeld() } });
        Assert.False(tried.Succeeded);
    }
}
