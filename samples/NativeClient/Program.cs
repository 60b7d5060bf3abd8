using Holdfast.Client;
using Holdfast.Client.Extensions;
using Medallion.Threading;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using NativeClient;

// What the client library and the providers offer a .NET service, in a program that is compiled ahead of time:
//     dotnet publish samples/NativeClient -c Release -o native && native/NativeClient 127.0.0.1:2379
var options = new HoldfastClientOptions { Endpoints = [.. args] };
using var client = new HoldfastClient(options);
await client.Configuration.SetAsync("native/color", "blue");
await client.Flags.SetAsync("native", new FeatureFlag { Enabled = true }.ToJson());

var configuration = new ConfigurationBuilder().AddHoldfast(source => source.Client = options).Build();
Console.WriteLine($"configuration: {configuration["native:color"]}");

var services = new ServiceCollection();
services.AddSingleton(client).AddHoldfastLocks().AddHoldfastFeatures();
await using var provider = services.BuildServiceProvider();
Console.WriteLine($"feature: {await provider.GetRequiredService<HoldfastFeatures>().IsOnAsync("native")}");
await using (var held = await provider.GetRequiredService<IDistributedLockProvider>().AcquireLockAsync("native"))
    Console.WriteLine($"lock: {((HoldfastLockHandle)held).Fence > 0}");

await using (await client.Services.RegisterAsync("native", new ServiceInstance { Id = "one", Address = "127.0.0.1", Port = 80 }))
    Console.WriteLine($"registry: {(await client.Services.ResolveAsync("native")).Count}");

using var job = new OnceAsLeader(client);
await job.StartAsync(CancellationToken.None);
Console.WriteLine($"leader: {await job.Done}");
await job.StopAsync(CancellationToken.None);

var check = new HoldfastHealthCheck(client);
var health = await check.CheckHealthAsync(new HealthCheckContext { Registration = new HealthCheckRegistration("holdfast", check, null, null) });
Console.WriteLine($"health: {health.Status}");
