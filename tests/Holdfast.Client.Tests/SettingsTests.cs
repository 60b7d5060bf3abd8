using Holdfast.Coordination.Protocol;

namespace Holdfast.Client.Tests;

/// <summary>Configuration and feature flags (R1.5).</summary>
public sealed class SettingsTests
{
    [Fact]
    public async Task A_value_has_a_history_and_an_old_one_comes_back_as_a_new_revision()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var first = await client.Configuration.SetAsync("pool/size", "10");
        await client.PutAsync("between", "x");
        var second = await client.Configuration.SetAsync("pool/size", "20");
        var third = await client.Configuration.RollbackAsync("pool/size", first);
        Assert.True(third > second);
        Assert.Equal([(third!.Value, "10"), (second, "20"), (first, "10")], await HistoryAsync(client, 20));
        Assert.Equal([(third!.Value, "10"), (second, "20")], await HistoryAsync(client, 2));
        Assert.Null(await client.Configuration.RollbackAsync("pool/size", first - 1));
    }

    [Fact]
    public async Task The_history_says_who_wrote_each_value_and_when_where_that_was_noted()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var ann = new HoldfastClient(new HoldfastClientOptions { Endpoints = [door.Address.ToString()], Timeout = TimeSpan.FromMinutes(1), User = "ann", Password = "x" });
        using var nobody = Door.Client(door);
        var begun = DateTimeOffset.UtcNow;
        var first = await ann.Configuration.SetAsync("pool/size", "10");
        await nobody.PutAsync("/config/pool/size", "15"); // By other means: nobody says who.
        await nobody.Configuration.SetAsync("pool/size", "20");
        Assert.NotNull(await ann.Configuration.RollbackAsync("pool/size", first));
        var seen = new List<KeyVersionText>();
        await foreach (var version in ann.Configuration.HistoryAsync("pool/size", 20)) seen.Add(version);
        Assert.Equal([("10", "ann"), ("20", $"{Environment.UserName}@{Environment.MachineName}"), ("15", null), ("10", "ann")], seen.Select(version => (version.Value, version.Change?.Who)));
        Assert.All(seen.Where(version => version.Change is not null), version => Assert.InRange(version.Change!.When, begun.AddMinutes(-1), begun.AddHours(1)));

        // The note is none of the settings, and what stands there and is no note is not read as one.
        Assert.Equal("pool/size", Assert.Single(await ann.Configuration.ListAsync()).Name);
        Assert.All((string[])["", "null", "{}", """{"who":null,"when":"2026-01-01T00:00:00Z"}""", """{"who":"ann","when":"soon"}"""], text => Assert.Null(ChangeNote.TryParse(text)));
    }

    /// <summary>Who may not write the note may not write the value: no change goes unsigned because a role is too narrow. Who may not read notes still reads the history.</summary>
    [Fact]
    public async Task A_value_and_its_note_are_written_together_or_not_at_all()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress($"http://{door.Address}");
        var auth = new Auth.AuthClient(channel);
        foreach (var name in (string[])["root", "ann"])
        {
            await auth.UserAddAsync(new AuthUserAddRequest { Name = name, Password = "x" });
            if (name != "root") await auth.RoleAddAsync(new AuthRoleAddRequest { Name = name });
            await auth.UserGrantRoleAsync(new AuthUserGrantRoleRequest { User = name, Role = name });
        }

        await auth.RoleGrantPermissionAsync(new AuthRoleGrantPermissionRequest { Name = "ann", Perm = new Permission { PermType = Permission.Types.Type.Readwrite, Key = KeyText.Bytes("/config/"), RangeEnd = KeyText.EndOfPrefix("/config/") } });
        await auth.AuthEnableAsync(new AuthEnableRequest());
        using var root = new HoldfastClient(new HoldfastClientOptions { Endpoints = [door.Address.ToString()], Timeout = TimeSpan.FromMinutes(1), User = "root", Password = "x" });
        using var ann = new HoldfastClient(new HoldfastClientOptions { Endpoints = [door.Address.ToString()], Timeout = TimeSpan.FromMinutes(1), User = "ann", Password = "x" });
        await root.Configuration.SetAsync("pool/size", "10");
        await Assert.ThrowsAsync<Grpc.Core.RpcException>(() => ann.Configuration.SetAsync("pool/size", "20"));
        Assert.Equal("10", (await ann.Configuration.GetAsync("pool/size"))?.Value);
        await foreach (var version in ann.Configuration.HistoryAsync("pool/size", 20)) Assert.Equal(("10", null), (version.Value, version.Change));
    }

    [Fact]
    public async Task What_is_compacted_ends_the_history()
    {
        var keyspace = Door.Keyspace();
        await using var door = await Door.OpenAsync(keyspace);
        using var client = Door.Client(door);
        var first = await client.Configuration.SetAsync("pool/size", "10");
        var second = await client.Configuration.SetAsync("pool/size", "20");
        await keyspace.Face.CompactAsync(new CompactionRequest { Revision = second });
        Assert.Equal([(second, "20")], await HistoryAsync(client, 20));
        Assert.Null(await client.Configuration.RollbackAsync("pool/size", first));
    }

    [Fact]
    public async Task Who_read_an_older_value_does_not_overwrite_a_newer_one()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        var read = (await client.Flags.ReplaceAsync("new-cart", 0, new FeatureFlag { Enabled = true }.ToJson()))!.Value;
        Assert.Null(await client.Flags.ReplaceAsync("new-cart", 0, "{}"));
        Assert.NotNull(await client.Flags.ReplaceAsync("new-cart", read, new FeatureFlag { Enabled = true, Rollout = 5 }.ToJson()));
        Assert.Null(await client.Flags.ReplaceAsync("new-cart", read, "{}"));
        Assert.Equal(5, FeatureFlag.TryParse(Assert.Single(await client.Flags.ListAsync()).Value.Value)!.Rollout);
    }

    /// <summary>Stable: the place of one subject is written down, so that no later version moves anybody.</summary>
    [Fact]
    public void A_rollout_grows_without_taking_from_anybody_and_is_as_large_as_it_says()
    {
        var subjects = Enumerable.Range(0, 10_000).Select(number => $"user-{number}").ToArray();
        var before = new HashSet<string>();
        foreach (var percent in new double[] { 0, 1, 10, 50, 100 })
        {
            var flag = new FeatureFlag { Enabled = true, Rollout = percent };
            var on = subjects.Where(subject => flag.IsOnFor("new-cart", subject)).ToHashSet();
            Assert.True(on.IsSupersetOf(before));
            Assert.InRange(on.Count, percent * 100 - 200, percent * 100 + 200);
            before = on;
        }

        var other = new FeatureFlag { Enabled = true, Rollout = 10 };
        Assert.NotEqual(subjects.Where(subject => other.IsOnFor("new-cart", subject)), subjects.Where(subject => other.IsOnFor("old-cart", subject)));

        // SHA-256 of "new-cart\0user-1" begins with 7F7269CA: 2138204618 mod 10,000 is 4618, so user-1 stands at 46.18.
        Assert.Equal(4618, Enumerable.Range(0, 10_001).First(step => new FeatureFlag { Enabled = true, Rollout = (step + 1) / 100.0 }.IsOnFor("new-cart", "user-1")));
    }

    [Fact]
    public void Rules_decide_before_the_percentage_and_off_before_all()
    {
        var flag = new FeatureFlag { Enabled = true, Rollout = 0, Rules = [new("subject", ["eve"], false), new("country", ["is", "no"], true)] };
        var fromNorth = new Dictionary<string, string> { ["country"] = "no" };
        Assert.True(flag.IsOnFor("f", "ann", fromNorth));
        Assert.False(flag.IsOnFor("f", "eve", fromNorth));
        Assert.False(flag.IsOnFor("f", "ann"));
        Assert.False((flag with { Enabled = false }).IsOnFor("f", "ann", fromNorth));
        Assert.Equal(flag.ToJson(), FeatureFlag.TryParse(flag.ToJson())!.ToJson());
        Assert.Null(FeatureFlag.TryParse("no flag"));
    }

    private static async Task<List<(long Revision, string Value)>> HistoryAsync(HoldfastClient client, int countMax)
    {
        var seen = new List<(long, string)>();
        await foreach (var version in client.Configuration.HistoryAsync("pool/size", countMax)) seen.Add((version.Revision, version.Value));
        return seen;
    }

    /// <summary>Anybody may write such a key: what is no flag is none, and never half of one.</summary>
    [Theory]
    [InlineData("""{"enabled":true,"rules":null}""")]
    [InlineData("""{"enabled":true,"rules":[null]}""")]
    [InlineData("""{"enabled":true,"rules":[{"attribute":null,"values":["x"],"enabled":true}]}""")]
    [InlineData("""{"enabled":true,"rules":[{"attribute":"a","values":null,"enabled":true}]}""")]
    [InlineData("""{"enabled":true,"rules":[{"attribute":"a","values":[null],"enabled":true}]}""")]
    [InlineData("""{"enabled":true,"rules":[{"attribute":"a"}]}""")]
    [InlineData("""{"enabled":true,"rollout":101}""")]
    [InlineData("""{"enabled":true,"rollout":-1}""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("")]
    public void What_is_no_flag_is_not_read_as_one(string json) => Assert.Null(FeatureFlag.TryParse(json));

    [Fact]
    public void A_rule_fits_if_one_of_several_values_does()
    {
        var flag = new FeatureFlag { Enabled = true, Rollout = 0, Rules = [new TargetingRule("group", ["staff"], true)] };
        Assert.True(flag.IsOnFor("f", "ann", attribute => attribute == "group" ? ["guests", "staff"] : []));
        Assert.False(flag.IsOnFor("f", "ann", _ => []));
    }
}
