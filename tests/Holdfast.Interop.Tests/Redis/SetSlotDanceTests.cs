using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Slots moved by hand as scripts do it with Redis: SETSLOT IMPORTING and MIGRATING, GETKEYSINSLOT, MIGRATE, SETSLOT NODE, in the orders that tools use. Here each is one atomic move (S21).</summary>
public sealed class SetSlotDanceTests
{
    [Fact]
    public async Task In_every_order_that_tools_use_the_keys_arrive_and_clients_find_them()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports, answersAlways: true);
        await writers.UntilAsync(200);
        foreach (var (round, dance) in ((int, Func<Dance, Task>)[])[(0, AsRedisCli), (1, AsRedisTrib), (2, KeyByKey), (3, OwnerOnly), (4, SourceFirst)])
        {
            for (var key = 0; key < 12; key++) Assert.Contains("OK", await cluster.ServedAsync(0, "-c", "set", $"{{tag{round}}}{key}", $"value{key}"), StringComparison.Ordinal);
            var slot = int.Parse(await cluster.CliAsync(0, "cluster", "keyslot", $"{{tag{round}}}"), CultureInfo.InvariantCulture);
            var nodes = await cluster.NodesAsync();
            var source = nodes.First(node => node.Ranges.Split(',').Any(range => IsIn(slot, range)));
            var target = nodes.First(node => node.Id != source.Id);
            await dance(new Dance(cluster, slot, source, target, nodes));

            await cluster.UntilAgreedAsync();
            var after = await cluster.NodesAsync();
            Assert.Contains(after, node => node.Id == target.Id && node.Ranges.Split(',').Any(range => IsIn(slot, range)));
            Assert.Equal(12, int.Parse(await cluster.CliAsync(IndexOf(cluster, target), "cluster", "countkeysinslot", $"{slot}"), CultureInfo.InvariantCulture));
            Assert.Equal(0, int.Parse(await cluster.CliAsync(IndexOf(cluster, source), "cluster", "countkeysinslot", $"{slot}"), CultureInfo.InvariantCulture));
            for (var key = 0; key < 12; key++) Assert.Contains($"value{key}", await cluster.ServedAsync(key % 3, "-c", "get", $"{{tag{round}}}{key}"), StringComparison.Ordinal);
        }

        await writers.UntilAsync(400);
        await writers.StopAsync();
        Assert.Equal(0, writers.Unknown);
        await writers.CheckAsync();
    }

    private static bool IsIn(int slot, string range) => range.Split('-') is [var first, .. var rest] && int.TryParse(first, CultureInfo.InvariantCulture, out var low) && low <= slot && slot <= (rest.Length > 0 ? int.Parse(rest[0], CultureInfo.InvariantCulture) : low);

    private static int IndexOf(RedisCluster cluster, ListedNode node) => Array.IndexOf(cluster.Ports, node.Port);

    /// <summary>redis-cli: importing, migrating, keys by tens, then the owner: at the target, at the source, at the others.</summary>
    private static async Task AsRedisCli(Dance dance)
    {
        await dance.OkAsync(dance.Target, "importing", dance.Source.Id);
        await dance.OkAsync(dance.Source, "migrating", dance.Target.Id);
        await dance.MigrateAsync(10);
        foreach (var node in (ListedNode[])[dance.Target, dance.Source, .. dance.Nodes.Where(node => node.Id != dance.Source.Id && node.Id != dance.Target.Id)]) await dance.OkAsync(node, "node", dance.Target.Id);
    }

    /// <summary>redis-trib: migrating first, and the owner told to all masters in the order in which they are listed.</summary>
    private static async Task AsRedisTrib(Dance dance)
    {
        await dance.OkAsync(dance.Source, "migrating", dance.Target.Id);
        await dance.CliAsync(dance.Target, "cluster", "setslot", $"{dance.Slot}", "importing", dance.Source.Id); // Told that it has the slot, when that was faster.
        await dance.MigrateAsync(10);
        foreach (var node in dance.Nodes) await dance.OkAsync(node, "node", dance.Target.Id);
    }

    /// <summary>Every key by itself, those again that have gone.</summary>
    private static async Task KeyByKey(Dance dance)
    {
        await dance.OkAsync(dance.Target, "importing", dance.Source.Id);
        await dance.OkAsync(dance.Source, "migrating", dance.Target.Id);
        for (var key = 0; key < 12; key++)
        {
            var said = await dance.CliAsync(dance.Source, "migrate", "127.0.0.1", $"{dance.Target.Port}", $"{{tag2}}{key}", "0", "5000");
            Assert.True(said is "OK\n" or "NOKEY\n", said);
        }

        await dance.OkAsync(dance.Source, "node", dance.Target.Id);
        await dance.OkAsync(dance.Target, "node", dance.Target.Id);
    }

    /// <summary>Nothing but the new owner: with Redis the keys would be lost to their clients.</summary>
    private static async Task OwnerOnly(Dance dance)
    {
        foreach (var node in dance.Nodes) await dance.OkAsync(node, "node", dance.Target.Id);
    }

    /// <summary>The owner told to the source before the target.</summary>
    private static async Task SourceFirst(Dance dance)
    {
        await dance.OkAsync(dance.Target, "importing", dance.Source.Id);
        await dance.OkAsync(dance.Source, "migrating", dance.Target.Id);
        await dance.MigrateAsync(100);
        await dance.OkAsync(dance.Source, "node", dance.Target.Id);
        await dance.OkAsync(dance.Target, "node", dance.Target.Id);
        await dance.OkAsync(dance.Source, "stable");
        await dance.OkAsync(dance.Target, "stable");
    }

    private sealed record Dance(RedisCluster Cluster, int Slot, ListedNode Source, ListedNode Target, IReadOnlyList<ListedNode> Nodes)
    {
        public Task<string> CliAsync(ListedNode node, params string[] words) => Cluster.CliAsync(IndexOf(Cluster, node), words);

        public async Task OkAsync(ListedNode node, params string[] state) => Assert.Equal("OK\n", await CliAsync(node, ["cluster", "setslot", $"{Slot}", .. state]));

        /// <summary>GETKEYSINSLOT and MIGRATE … KEYS until there are none.</summary>
        public async Task MigrateAsync(int atOnce)
        {
            for (var begun = Stopwatch.StartNew(); ;)
            {
                Assert.True(begun.Elapsed < Patient.Most, "the slot never becomes empty");
                var keys = (await CliAsync(Source, "cluster", "getkeysinslot", $"{Slot}", $"{atOnce}")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
                if (keys.Length == 0) return;
                var said = await CliAsync(Source, ["migrate", "127.0.0.1", $"{Target.Port}", "", "0", "60000", "REPLACE", "KEYS", .. keys]);
                Assert.True(said is "OK\n" or "NOKEY\n", said);
            }
        }
    }
}
