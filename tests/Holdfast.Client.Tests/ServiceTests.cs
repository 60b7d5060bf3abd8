using System.Net;
using System.Net.Sockets;

namespace Holdfast.Client.Tests;

/// <summary>The service registry (R1.4).</summary>
public sealed class ServiceTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task An_instance_is_found_until_it_leaves()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var web = await client.Services.RegisterAsync("web", Instance("a") with { Zone = "north", Tags = ["v2"] });
        await using (await client.Services.RegisterAsync("web", Instance("b")))
        {
            Assert.Equal(["a", "b"], (await client.Services.ResolveAsync("web")).Select(instance => instance.Id));
            Assert.Equal([new ServiceSummary("web", 2, 2)], await client.Services.ListAsync());
        }

        Assert.Equal("""{"id":"a","address":"10.0.0.1","port":80,"zone":"north","tags":["v2"],"health":"passing"}""", (await client.GetAsync("/services/web/instances/a"))?.Value.ToStringUtf8());
        await web.DisposeAsync();
        Assert.Empty(await client.Services.ResolveAsync("web"));
    }

    [Fact]
    public async Task A_failing_instance_is_marked_and_left_out_until_it_passes_again()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        using var patience = new CancellationTokenSource(Patience);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var options = new RegistrationOptions { Checks = [HealthCheck.Parse($"tcp://{socket.LocalEndPoint}")], CheckInterval = TimeSpan.FromMilliseconds(50) };
        await using var registration = await client.Services.RegisterAsync("db", Instance("a"), options);
        Assert.Empty(await client.Services.ResolveAsync("db"));
        Assert.Equal(ServiceHealth.Failing, Assert.Single(await client.Services.ResolveAsync("db", withFailing: true)).Health);
        await foreach (var healthy in client.Services.WatchAsync("db", patience.Token))
        {
            if (healthy.Count > 0) break;
            socket.Listen();
        }

        socket.Dispose();
        await foreach (var healthy in client.Services.WatchAsync("db", patience.Token))
            if (healthy.Count == 0)
                break;
    }

    /// <summary>The server ends the lease, as after a long silence: the instance comes back under a new one.</summary>
    [Fact]
    public async Task A_lost_lease_is_replaced_and_the_instance_registered_anew()
    {
        var keyspace = Door.Keyspace();
        await using var door = await Door.OpenAsync(keyspace);
        using var client = Door.Client(door);
        using var patience = new CancellationTokenSource(Patience);
        await using var registration = await client.Services.RegisterAsync("web", Instance("a"), new RegistrationOptions { Ttl = TimeSpan.FromSeconds(2) });
        var first = (await client.GetAsync("/services/web/instances/a"))!;
        await keyspace.AdvanceAsync(TimeSpan.Zero);
        await keyspace.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Null(await client.GetAsync("/services/web/instances/a"));
        await foreach (var healthy in client.Services.WatchAsync("web", patience.Token))
            if (healthy.Count > 0)
                break;
        Assert.NotEqual(first.Lease, (await client.GetAsync("/services/web/instances/a"))?.Lease);
    }

    [Fact]
    public async Task A_service_has_one_leader_and_the_next_has_a_larger_fence()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var first = await client.Services.LeadAsync("web", "a");
        Assert.Equal("a", await client.Services.LeaderAsync("web"));
        Assert.Null(await client.Services.LeadAsync("web", "b", new TenureOptions { Wait = TimeSpan.Zero }));
        var next = client.Services.LeadAsync("web", "b");
        await first!.DisposeAsync();
        await using var second = await next.WaitAsync(Patience);
        Assert.True(second!.Fence > first.Fence);
        Assert.Equal("b", await client.Services.LeaderAsync("web"));
    }

    /// <summary>The door itself serves grpc.health.v1 and /health, so both checks pass on it.</summary>
    [Fact]
    public async Task Checks_pass_at_who_is_well_and_say_why_not()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        foreach (var check in new[] { $"grpc://{door.Address}", $"http://{door.Address}/health", $"tcp://{door.Address}" })
            Assert.Null(await HealthCheck.Parse(check).FaultAsync(Patience, CancellationToken.None));
        Assert.Equal("it answers 404", await HealthCheck.Parse($"http://{door.Address}/nothing").FaultAsync(Patience, CancellationToken.None));
        Assert.NotNull(await HealthCheck.Parse($"grpc://{door.Address}/nothing").FaultAsync(Patience, CancellationToken.None));
        Assert.NotNull(await HealthCheck.Parse("tcp://127.0.0.1:1").FaultAsync(Patience, CancellationToken.None));
        foreach (var wrong in new[] { "ftp://a:1", "tcp://a", "nonsense", "grpc://:1" })
            Assert.Throws<ArgumentException>(() => HealthCheck.Parse(wrong));
    }

    [Fact]
    public async Task Names_that_would_be_other_keys_are_refused()
    {
        using var client = new HoldfastClient("127.0.0.1:1");
        await Assert.ThrowsAsync<ArgumentException>(() => client.Services.RegisterAsync("a/b", Instance("a")));
        await Assert.ThrowsAsync<ArgumentException>(() => client.Services.RegisterAsync("web", Instance("a/b")));
        await Assert.ThrowsAsync<ArgumentException>(() => client.Services.RegisterAsync("web", Instance("a") with { Port = 0 }));
    }

    private static ServiceInstance Instance(string id) => new() { Id = id, Address = "10.0.0.1", Port = 80 };

    [Fact]
    public async Task An_instance_whose_key_somebody_deleted_comes_back()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var web = await client.Services.RegisterAsync("web", Instance("a"));
        for (var round = 0; round < 3; round++)
        {
            Assert.True(await client.DeleteAsync("/services/web/instances/a"));
            for (var begun = System.Diagnostics.Stopwatch.StartNew(); (await client.Services.ResolveAsync("web")).Count == 0; await Task.Delay(20)) Assert.True(begun.Elapsed < Patience, "it does not come back");
        }
    }

    /// <summary>Anybody may write such a key.</summary>
    [Theory]
    [InlineData("""{"id":"a","address":null,"port":80}""")]
    [InlineData("""{"id":"a","address":"x","port":80,"tags":null}""")]
    [InlineData("""{"id":"a","address":"x","port":80,"tags":[null]}""")]
    [InlineData("""{"id":"a","address":"x","port":0}""")]
    [InlineData("""{"id":"a","address":"x","port":80,"health":"fine"}""")]
    [InlineData("""{"address":"x","port":80}""")]
    [InlineData("null")]
    public void What_is_no_instance_is_not_read_as_one(string json) => Assert.Null(ServiceInstance.TryParse(System.Text.Encoding.UTF8.GetBytes(json)));
}
