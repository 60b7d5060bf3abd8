using System.Runtime.InteropServices;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Packages;

/// <summary>The self-contained tarball: built by the script that users run, unpacked, and started without the machine's .NET.</summary>
[Collection(Alone.Name)]
public sealed class TarballTests
{
    private static readonly string Rid = $"linux-{(RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "x64")}";

    [Fact]
    public async Task The_tarball_brings_its_own_runtime_and_serves_every_face()
    {
        await using var bench = new ServerBench();
        var none = new Dictionary<string, string>();
        var said = await EtcdFlagCluster.RunAsync(Checkout.PathOf("build/tarball"), none, Rid);
        await EtcdFlagCluster.RunAsync("tar", none, "xzf", Checkout.PathOf(said.Trim()), "-C", bench.Folder);
        var unpacked = Assert.Single(Directory.GetDirectories(bench.Folder));
        Assert.Equal($"holdfast-0.1.0-{Rid}", Path.GetFileName(unpacked));
        string[] expected = ["LICENSE", "completions", "holdfast", "holdfast-alerts.yaml", "holdfast.service", "install.md", "liblua54.so", "libsodium.so"];
        Assert.Equal(expected, Directory.GetFileSystemEntries(unpacked).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        foreach (var shell in (string[])["bash", "zsh", "fish"]) Assert.Contains("member", await File.ReadAllTextAsync(Path.Combine(unpacked, "completions", $"holdfast.{shell}")), StringComparison.Ordinal);

        var doors = Ports.Free(2);
        var node = bench.Add("n1");
        node.Program = Path.Combine(unpacked, "holdfast");
        node.Start("--redis", $"127.0.0.1:{doors[0]}", "--vectors", $"127.0.0.1:{doors[1]}");
        await node.UntilServesAsync();

        // Nothing of a .NET that is installed here, and its scripts' library is the one beside it.
        var maps = await File.ReadAllLinesAsync($"/proc/{node.ProcessId}/maps");
        Assert.DoesNotContain(maps, line => line.Contains("libcoreclr", StringComparison.Ordinal) || line.Contains("/Microsoft.NETCore.App/", StringComparison.Ordinal));
        await node.UntilAsync(async () => await ScriptAsync(doors[0]) == "3\n", "runs no script");
        Assert.Contains(await File.ReadAllLinesAsync($"/proc/{node.ProcessId}/maps"), line => line.EndsWith(Path.Combine(unpacked, "liblua54.so"), StringComparison.Ordinal));

        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{doors[1]}") };
        using var collection = new StringContent("""{"vectors":{"size":2,"distance":"Dot"}}""");
        Assert.True((await client.PutAsync(new Uri("/collections/c", UriKind.Relative), collection)).IsSuccessStatusCode);
        using var points = new StringContent("""{"points":[{"id":1,"vector":[1,0]},{"id":2,"vector":[0,1]}]}""");
        Assert.True((await client.PutAsync(new Uri("/collections/c/points?wait=true", UriKind.Relative), points)).IsSuccessStatusCode);
        using var question = new StringContent("""{"vector":[0,1],"limit":1}""");
        using var answer = await client.PostAsync(new Uri("/collections/c/points/search", UriKind.Relative), question);
        Assert.Contains("\"id\":2", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static Task<string> ScriptAsync(int port) => Redis.RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "eval", "return 1 + 2", "0");
}
