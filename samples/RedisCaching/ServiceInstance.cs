using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace RedisCaching;

/// <summary>One instance of a service, wired as its Program.cs would be.</summary>
internal sealed class ServiceInstance : IAsyncDisposable
{
    private const string Prefix = "sample:";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ServiceProvider services;
    private readonly ConnectionMultiplexer redis;
    private readonly LocalCopies copies;

    private ServiceInstance(ServiceProvider services, ConnectionMultiplexer redis, LocalCopies copies) => (this.services, this.redis, this.copies) = (services, redis, copies);

    public IDistributedCache Distributed => services.GetRequiredService<IDistributedCache>();

    public HybridCache Hybrid => services.GetRequiredService<HybridCache>();

    public IDataProtector Protector => services.GetRequiredService<IDataProtectionProvider>().CreateProtector("sample");

    /// <summary>Starts an instance beside a cluster.</summary>
    /// <param name="endpoints">Its nodes, with commas between.</param>
    public static async Task<ServiceInstance> StartAsync(string endpoints)
    {
        var redis = await ConnectionMultiplexer.ConnectAsync(endpoints);
        var services = new ServiceCollection();
        services.AddStackExchangeRedisCache(options =>
        {
            options.ConnectionMultiplexerFactory = () => Task.FromResult<IConnectionMultiplexer>(redis);
            options.InstanceName = Prefix;
        });
        services.AddHybridCache();
        services.AddDataProtection().SetApplicationName("sample").PersistKeysToStackExchangeRedis(redis, "sample-keys");
        var provider = services.BuildServiceProvider();
        var copies = new LocalCopies((MemoryCache)provider.GetRequiredService<IMemoryCache>(), Prefix);
        foreach (var endpoint in redis.GetEndPoints()) await copies.WatchAsync(endpoint);
        return new ServiceInstance(provider, redis, copies);
    }

    /// <summary>Reads until another's change is seen.</summary>
    public async Task<int> UntilAsync(string key, int value, Func<CancellationToken, ValueTask<int>>? make = null)
    {
        using var late = new CancellationTokenSource(Patience);
        while (true)
        {
            var seen = await Hybrid.GetOrCreateAsync(key, make ?? (static _ => ValueTask.FromResult(-1)), cancellationToken: late.Token);
            if (seen == value) return seen;
            await Task.Delay(10, late.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await copies.DisposeAsync();
        await services.DisposeAsync();
        await redis.DisposeAsync();
    }
}
