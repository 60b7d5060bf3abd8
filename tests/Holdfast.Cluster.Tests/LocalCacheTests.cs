using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class LocalCacheTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private Instant now = new(1);

    [Fact]
    public async Task A_value_is_there_until_its_time_is_up()
    {
        var cache = new LocalCache(10_000, () => now);
        Assert.True(await cache.SetAsync("s", "k"u8.ToArray(), "v"u8.ToArray(), Minute, TestContext.Current.CancellationToken));
        Assert.Equal("v"u8.ToArray(), (await Get(cache, "s", "k"))!.Value.ToArray());
        Assert.Null(await Get(cache, "t", "k"));
        now += Minute;
        Assert.Null(await Get(cache, "s", "k"));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public async Task When_it_is_full_what_was_used_longest_ago_goes()
    {
        var cache = new LocalCache(1000, () => now);
        for (var at = 0; at < 3; at++) await Set(cache, "s", $"{at}", 90);
        Assert.NotNull(await Get(cache, "s", "0"));
        await Set(cache, "s", "3", 90); // A fourth does not fit beside the three.
        Assert.Null(await Get(cache, "s", "1"));
        Assert.NotNull(await Get(cache, "s", "0"));
        Assert.True(cache.Bytes <= 1000);
        Assert.False(await cache.SetAsync("s", "0"u8.ToArray(), new byte[2000], Minute, TestContext.Current.CancellationToken));
        Assert.Null(await Get(cache, "s", "0"));
    }

    [Fact]
    public async Task Keys_and_spaces_are_forgotten_on_request()
    {
        var cache = new LocalCache(10_000, () => now);
        await Set(cache, "s", "a", 1);
        await Set(cache, "s", "b", 1);
        await Set(cache, "t", "a", 1);
        await cache.InvalidateAsync("s", "a"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.Null(await Get(cache, "s", "a"));
        Assert.NotNull(await Get(cache, "s", "b"));
        await cache.InvalidateSpaceAsync("s", TestContext.Current.CancellationToken);
        Assert.Null(await Get(cache, "s", "b"));
        Assert.NotNull(await Get(cache, "t", "a"));
    }

    private static ValueTask<ReadOnlyMemory<byte>?> Get(LocalCache cache, string space, string key) => cache.GetAsync(space, System.Text.Encoding.UTF8.GetBytes(key));

    private static ValueTask<bool> Set(LocalCache cache, string space, string key, int bytes) =>
        cache.SetAsync(space, System.Text.Encoding.UTF8.GetBytes(key), new byte[bytes], Minute);
}
