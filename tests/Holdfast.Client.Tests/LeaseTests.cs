using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Leases that are kept, and given back whatever happens.</summary>
public sealed class LeaseTests
{
    /// <summary>The first server goes, the second takes connections and says nothing: a renewal there may not use up the time in which the third would answer.</summary>
    [Fact]
    public async Task A_silent_server_does_not_cost_the_lease()
    {
        var keyspace = Door.Keyspace();
        var first = await Door.OpenAsync(keyspace);
        await using var third = await Door.OpenAsync(keyspace);
        using var silent = new SilentServer();
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [first.Address.ToString(), silent.Address, third.Address.ToString()], Timeout = TimeSpan.FromMinutes(5) });
        await using var lease = await client.GrantLeaseAsync(TimeSpan.FromSeconds(30));
        await first.DisposeAsync();
        while (client.Servers.Preferred.Address != $"http://{third.Address}" && !lease.Lost.IsCancellationRequested) await Task.Delay(50);
        Assert.False(lease.Lost.IsCancellationRequested, "the lease was lost while a server was there that would have renewed it");
    }

    /// <summary>A try that fails for a reason of the caller's own gives its lease back: it would else be renewed for as long as the process lives.</summary>
    [Fact]
    public async Task A_try_that_throws_leaves_no_lease_behind()
    {
        var keyspace = Door.Keyspace();
        await using var door = await Door.OpenAsync(keyspace);
        using var client = Door.Client(door);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => client.LockAsync(null!));
        Assert.Empty((await keyspace.Face.LeaseLeasesAsync(new LeaseLeasesRequest())).Leases);
    }
}
