using Holdfast.Client.Extensions;
using Holdfast.Client.Extensions.Tests;
using Holdfast.Client.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.FeatureManagement;
using Microsoft.FeatureManagement.FeatureFilters;

namespace Holdfast.Client.FeatureManagement.Tests;

/// <summary>Our flags asked through Microsoft.FeatureManagement (R1.5).</summary>
public sealed class FeatureTests
{
    [Fact]
    public async Task Features_are_on_for_exactly_those_for_whom_the_flag_is()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var half = new FeatureFlag { Enabled = true, Rollout = 50, Rules = [new TargetingRule("group", ["staff"], true), new TargetingRule("subject", ["eve"], false)] };
        await client.Flags.SetAsync("half", half.ToJson());
        await client.Flags.SetAsync("all", new FeatureFlag { Enabled = true }.ToJson());
        await client.Flags.SetAsync("none", new FeatureFlag { Rules = half.Rules }.ToJson());
        await client.Flags.SetAsync("broken", """{"enabled":true,"rules":[null]}""");
        await using var services = Services(client);
        var features = services.GetRequiredService<IFeatureManager>();
        var asked = services.GetRequiredService<HoldfastFeatures>();
        Assert.True(await features.IsEnabledAsync("all"));
        Assert.False(await features.IsEnabledAsync("none"));
        Assert.False(await features.IsEnabledAsync("broken"));
        Assert.False(await features.IsEnabledAsync("nobody-knows"));
        var (on, off) = (0, 0);
        foreach (var user in Enumerable.Range(0, 200).Select(number => $"user{number}"))
        {
            var isOn = await features.IsEnabledAsync("half", new TargetingContext { UserId = user, Groups = [] });
            Assert.Equal(half.IsOnFor("half", user), isOn);
            Assert.Equal(isOn, await asked.IsOnAsync("half", user));
            if (isOn) on++;
            else off++;
        }

        Assert.True(on > 0 && off > 0);
        Assert.True(await features.IsEnabledAsync("half", new TargetingContext { UserId = "eve", Groups = ["guests", "staff"] }));
        Assert.False(await features.IsEnabledAsync("half", new TargetingContext { UserId = "eve", Groups = ["guests"] }));
        Assert.True(await asked.IsOnAsync("half", "eve", static attribute => attribute == "group" ? ["guests", "staff"] : []));
        Assert.Equal((true, false, false, false), (await asked.IsOnAsync("all"), await asked.IsOnAsync("none"), await asked.IsOnAsync("broken"), await asked.IsOnAsync("nobody-knows")));
        var names = new List<string>();
        await foreach (var name in features.GetFeatureNamesAsync()) names.Add(name);
        Assert.Equal(["all", "half", "none"], names.Order());
    }

    [Fact]
    public async Task A_flag_that_is_changed_changes_what_is_answered()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.Flags.SetAsync("cart", new FeatureFlag { Enabled = true, Rollout = 0 }.ToJson());
        await using var services = Services(client);
        var features = services.GetRequiredService<IFeatureManager>();
        var ann = new TargetingContext { UserId = "ann", Groups = [] };
        Assert.False(await features.IsEnabledAsync("cart", ann));
        await client.Flags.SetAsync("cart", new FeatureFlag { Enabled = true, Rollout = 99.99, Rules = [new TargetingRule("subject", ["ann"], true)] }.ToJson());
        await Await.UntilAsync(() => features.IsEnabledAsync("cart", ann), "the change");
        Assert.True(await services.GetRequiredService<HoldfastFeatures>().IsOnAsync("cart", "ann"));
    }

    [Fact]
    public async Task The_accessor_says_who_asks()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.Flags.SetAsync("beta", new FeatureFlag { Enabled = true, Rollout = 0, Rules = [new TargetingRule("subject", ["ann"], true)] }.ToJson());
        await using var services = Services(client, collection => collection.AddSingleton<ITargetingContextAccessor>(new Fixed("ann")));
        Assert.True(await services.GetRequiredService<IFeatureManager>().IsEnabledAsync("beta"));
        await using var others = Services(client, collection => collection.AddSingleton<ITargetingContextAccessor>(new Fixed("bob")));
        Assert.False(await others.GetRequiredService<IFeatureManager>().IsEnabledAsync("beta"));
    }

    private static ServiceProvider Services(HoldfastClient client, Action<IServiceCollection>? more = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(client).AddLogging().AddHoldfastFeatureDefinitions(new HoldfastFeatureOptions { StartPatience = Await.Patience });
        more?.Invoke(services);
        services.AddFeatureManagement().AddHoldfastFilters();
        return services.BuildServiceProvider();
    }

    private sealed class Fixed(string user) : ITargetingContextAccessor
    {
        public ValueTask<TargetingContext> GetContextAsync() => new(new TargetingContext { UserId = user, Groups = [] });
    }
}
