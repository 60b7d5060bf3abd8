using Holdfast.Client.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>The health check, through the framework that asks it.</summary>
public sealed class HealthTests
{
    [Fact]
    public async Task Healthy_with_all_degraded_with_one_silent_unhealthy_with_none()
    {
        var keyspace = Door.Keyspace();
        var (first, second) = (await Door.OpenAsync(keyspace), await Door.OpenAsync(keyspace));
        using var client = Door.Client(first, second);
        var services = new ServiceCollection();
        services.AddSingleton(client).AddLogging().AddHealthChecks().AddHoldfast();
        await using var provider = services.BuildServiceProvider();
        var health = provider.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync()).Status);
        await second.DisposeAsync();
        var degraded = (await health.CheckHealthAsync()).Entries["holdfast"];
        Assert.Equal(HealthStatus.Degraded, degraded.Status);
        Assert.Equal($"http://{second.Address}", degraded.Data.Keys.Single());
        await first.DisposeAsync();
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync()).Status);
    }
}
