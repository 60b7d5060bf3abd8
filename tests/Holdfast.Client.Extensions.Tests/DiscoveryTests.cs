using System.Net;
using Holdfast.Client.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.ServiceDiscovery;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>The registry as .NET's own service discovery sees it (R1.4).</summary>
public sealed class DiscoveryTests
{
    [Fact]
    public async Task The_resolver_of_dotnet_finds_healthy_instances_and_hears_of_changes()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var services = Services(client);
        var resolver = services.GetRequiredService<ServiceEndpointResolver>();
        await using var a = await client.Services.RegisterAsync("web", Instance("a", "10.0.0.1"));
        await client.PutAsync("/services/web/instances/sick", (Instance("sick", "10.0.0.9") with { Health = ServiceHealth.Failing }).ToJson());
        await client.PutAsync("/services/web/instances/junk", "junk");
        await UntilAsync(resolver, "http://web", "10.0.0.1:80");
        var told = false;
        (await resolver.GetEndpointsAsync("http://web", CancellationToken.None)).ChangeToken.RegisterChangeCallback(_ => told = true, null);
        await using var b = await client.Services.RegisterAsync("web", Instance("b", "web.example"));
        await UntilAsync(resolver, "http://web", "10.0.0.1:80", "web.example:80");
        await Await.UntilAsync(() => told, "the change token");
    }

    [Fact]
    public async Task A_named_endpoint_is_the_instances_with_that_tag()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await using var services = Services(client);
        var resolver = services.GetRequiredService<ServiceEndpointResolver>();
        await using var a = await client.Services.RegisterAsync("web", Instance("a", "10.0.0.1"));
        await using var b = await client.Services.RegisterAsync("web", Instance("b", "10.0.0.2") with { Tags = ["admin"] });
        await UntilAsync(resolver, "http://_admin.web", "10.0.0.2:80");
        await UntilAsync(resolver, "http://web", "10.0.0.1:80", "10.0.0.2:80");
    }

    private static ServiceInstance Instance(string id, string address) => new() { Id = id, Address = address, Port = 80 };

    private static ServiceProvider Services(HoldfastClient client)
    {
        var services = new ServiceCollection();
        services.AddSingleton(client).AddLogging().AddHoldfastServiceDiscovery().AddServiceDiscoveryCore();
        return services.BuildServiceProvider();
    }

    private static async Task UntilAsync(ServiceEndpointResolver resolver, string name, params string[] wanted)
    {
        string[] found = [];
        for (var begun = System.Diagnostics.Stopwatch.StartNew(); !found.SequenceEqual(wanted); await Task.Delay(20))
        {
            Assert.True(begun.Elapsed < Await.Patience, $"{name} is {string.Join(' ', found)}");
            found = [.. (await resolver.GetEndpointsAsync(name, CancellationToken.None)).Endpoints.Select(endpoint => endpoint.EndPoint switch
            {
                DnsEndPoint named => $"{named.Host}:{named.Port}",
                var other => other.ToString()!,
            })];
        }
    }
}
