using Holdfast.Client.Tests;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>Configuration that follows the cluster, and survives without it (R1.5).</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ConfigurationTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-config-").FullName;

    private string LastGood => Path.Combine(folder, "sub", "config.json");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_change_comes_whole_and_raises_the_reload_token()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.Configuration.SetAsync("shop/pool/size", "10");
        await client.Configuration.SetAsync("other", "1");
        var built = Build(door.Address.ToString());
        using var root = built as IDisposable;
        Assert.Equal("10", built["pool:size"]);
        Assert.Equal("10", built["POOL:SIZE"]);
        Assert.Null(built["other"]);

        // Two keys in one transaction: whoever is told of the change sees both.
        var seen = new List<(string?, string?)>();
        ChangeToken.OnChange(built.GetReloadToken, () =>
        {
            lock (seen) seen.Add((built["pool:size"], built["pool:wait"]));
        });
        await client.TxnAsync(new Coordination.Protocol.TxnRequest { Success = { Put("/config/shop/pool/size", "20"), Put("/config/shop/pool/wait", "5s") } });
        await Await.UntilAsync(() => { lock (seen) return seen.Count > 0; }, "the reload");
        lock (seen) Assert.Equal(("20", "5s"), seen[0]);
        await client.DeleteAsync("/config/shop/pool/wait");
        await Await.UntilAsync(() => built["pool:wait"] is null, "the deletion");
    }

    /// <summary>The door is closed and another opened at another address: changes made in between are seen, by watch-resume.</summary>
    [Fact]
    public async Task It_goes_on_at_another_server_and_misses_nothing()
    {
        var keyspace = Door.Keyspace();
        var first = await Door.OpenAsync(keyspace);
        await using var second = await Door.OpenAsync(keyspace);
        using var client = Door.Client(second);
        await client.Configuration.SetAsync("shop/a", "1");
        var built = Build(first.Address.ToString(), second.Address.ToString());
        using var root = built as IDisposable;
        Assert.Equal("1", built["a"]);
        await first.DisposeAsync();
        await client.Configuration.SetAsync("shop/a", "2");
        await Await.UntilAsync(() => built["a"] == "2", "the change");
    }

    [Fact]
    public async Task While_the_cluster_is_away_a_start_takes_the_last_good_values_and_later_the_new_ones()
    {
        var keyspace = Door.Keyspace();
        var door = await Door.OpenAsync(keyspace);
        var address = door.Address.ToString();
        using (var client = Door.Client(door)) await client.Configuration.SetAsync("shop/a", "1");
        using (Build(address) as IDisposable) await Await.UntilAsync(() => File.Exists(LastGood), "the file");
        await door.DisposeAsync();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(LastGood));

        var built = Build(address);
        using var root = built as IDisposable;
        var provider = (HoldfastConfigurationProvider)((IConfigurationRoot)built).Providers.Single();
        Assert.Equal(("1", true), (built["a"], provider.IsFromFile));

        // Nobody listens there any more: a damaged file, or another prefix's, is as good as none.
        var content = await File.ReadAllTextAsync(LastGood);
        foreach (var bad in (string[])["", "{", content[..^5], content.Replace("/config/shop/", "/config/other/", StringComparison.Ordinal), content.Replace("\"1\"", "null", StringComparison.Ordinal)])
        {
            await File.WriteAllTextAsync(LastGood, bad);
            Assert.Contains(LastGood, Assert.Throws<InvalidOperationException>(() => Build(address)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Without_cluster_and_file_the_start_fails_unless_it_is_optional()
    {
        Assert.Contains("LastGoodFile", Assert.Throws<InvalidOperationException>(() => Build(source => source.LastGoodFile = null, "127.0.0.1:1")).Message, StringComparison.Ordinal);
        var built = Build(source => source.IsOptional = true, "127.0.0.1:1");
        using var root = built as IDisposable;
        Assert.Empty(built.AsEnumerable());
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_said_and_costs_nothing_else()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.Configuration.SetAsync("shop/a", "1");
        await File.WriteAllTextAsync(Path.Combine(folder, "sub"), "a file where a folder is wanted");
        var built = Build(door.Address.ToString());
        using var root = built as IDisposable;
        Assert.Equal("1", built["a"]);
        Assert.NotNull(((HoldfastConfigurationProvider)((IConfigurationRoot)built).Providers.Single()).Fault);
    }

    private static Coordination.Protocol.RequestOp Put(string key, string value) =>
        new() { RequestPut = new Coordination.Protocol.PutRequest { Key = KeyText.Bytes(key), Value = KeyText.Bytes(value) } };

    private IConfigurationRoot Build(params string[] endpoints) => Build(_ => { }, endpoints);

    private IConfigurationRoot Build(Action<HoldfastConfigurationSource> describe, params string[] endpoints) =>
        new ConfigurationBuilder().Add<HoldfastConfigurationSource>(source =>
        {
            source.Client = new HoldfastClientOptions { Endpoints = endpoints };
            source.Prefix = "shop/";
            source.LastGoodFile = LastGood;

            // Long where the cluster is there, for a busy machine; short where nobody can be.
            source.StartPatience = endpoints.Length > 0 && endpoints[0] != "127.0.0.1:1" && !File.Exists(LastGood) ? Await.Patience : TimeSpan.FromMilliseconds(300);
            describe(source);
        }).Build();
}
