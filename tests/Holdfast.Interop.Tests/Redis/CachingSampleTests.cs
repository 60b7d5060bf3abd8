using System.Diagnostics;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>samples/RedisCaching as its users run it: .NET's caches and Data Protection over Redis's packages, unchanged.</summary>
public sealed class CachingSampleTests
{
    [Fact]
    public async Task Caches_are_shared_copies_are_dropped_when_others_change_them_and_keys_are_kept()
    {
        await using var cluster = await RedisCluster.StartAsync();
        using var sample = Process.Start(new ProcessStartInfo(Checkout.PathOf("artifacts/bin/RedisCaching/release/RedisCaching"), [string.Join(',', cluster.Ports.Select(port => $"127.0.0.1:{port}"))]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var fault = sample.StandardError.ReadToEndAsync();
        var said = await sample.StandardOutput.ReadToEndAsync().WaitAsync(ServerBench.Patience);
        Assert.True(said == """
            distributed cache: hello, then nothing
            buffer cache: True, without a copy
            hybrid cache: (50, 50), then 100, then 1; made once: True
            data protection: nobody reads this but the other instance

            """, $"{said}\n{await fault}");
    }
}
