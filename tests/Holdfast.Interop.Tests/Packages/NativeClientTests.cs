using System.Diagnostics;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Packages;

/// <summary>The sample of what the client library and the providers offer a .NET service. Here as it is built; how it is published ahead of time, and what came of that: docs/install.md.</summary>
public sealed class NativeClientTests
{
    [Fact]
    public async Task The_sample_does_what_it_says_against_a_node()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var start = new ProcessStartInfo(Checkout.PathOf("artifacts/bin/NativeClient/release/NativeClient"), [cluster.Endpoint(0)]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var sample = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patient.Most);
        var (said, fault) = (sample.StandardOutput.ReadToEndAsync(patience.Token), sample.StandardError.ReadToEndAsync(patience.Token));
        await sample.WaitForExitAsync(patience.Token);
        Assert.True(sample.ExitCode == 0, await fault);
        Assert.Equal(["configuration: blue", "feature: True", "lock: True", "registry: 1", "leader: True", "health: Healthy"], (await said).Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
