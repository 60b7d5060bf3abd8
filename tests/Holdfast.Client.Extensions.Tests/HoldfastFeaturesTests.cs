using Holdfast.Client.Tests;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>Flags followed and asked without a framework (R1.5); through Microsoft.FeatureManagement: the tests of that package.</summary>
public sealed class HoldfastFeaturesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-flags-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_flag_is_on_for_whom_its_rules_and_rollout_say_and_a_change_is_seen()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var half = new FeatureFlag { Enabled = true, Rollout = 50, Rules = [new TargetingRule("group", ["staff"], true), new TargetingRule("subject", ["eve"], false)] };
        await client.Flags.SetAsync("half", half.ToJson());
        await client.Flags.SetAsync("broken", """{"enabled":true,"rules":[null]}""");
        await using var features = new HoldfastFeatures(client, new HoldfastFeatureOptions { StartPatience = Await.Patience });
        foreach (var user in Enumerable.Range(0, 50).Select(number => $"user{number}")) Assert.Equal(half.IsOnFor("half", user), await features.IsOnAsync("half", user));
        Assert.True(await features.IsOnAsync("half", "eve", static attribute => attribute == "group" ? ["guests", "staff"] : []));
        Assert.Equal((false, false, false), (await features.IsOnAsync("half", "eve"), await features.IsOnAsync("broken"), await features.IsOnAsync("nobody-knows")));
        Assert.Equal(["half"], (await features.CurrentAsync()).Flags.Keys);
        await client.Flags.SetAsync("half", new FeatureFlag { Enabled = true }.ToJson());
        await Await.UntilAsync(async () => await features.IsOnAsync("half", "eve"), "the change");
    }

    [Fact]
    public async Task While_the_cluster_is_away_the_last_good_flags_hold()
    {
        var path = Path.Combine(folder, "flags.json");
        var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.Flags.SetAsync("all", new FeatureFlag { Enabled = true }.ToJson());
        await using (var seen = new HoldfastFeatures(client, new HoldfastFeatureOptions { LastGoodFile = path })) await Await.UntilAsync(() => File.Exists(path), "the file");
        await door.DisposeAsync();
        await using var away = new HoldfastFeatures(client, new HoldfastFeatureOptions { LastGoodFile = path, StartPatience = TimeSpan.FromMilliseconds(200) });
        Assert.False(await away.IsOnAsync("other"));
        Assert.True(await away.IsOnAsync("all"));
        Assert.True((await away.CurrentAsync()).IsFromFile);
        await using var bare = new HoldfastFeatures(client, new HoldfastFeatureOptions { StartPatience = TimeSpan.FromMilliseconds(200) });
        Assert.False(await bare.IsOnAsync("all"));
    }
}
