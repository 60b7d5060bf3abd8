using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Interop.Tests;

/// <summary>What a newcomer may get wrong before anything runs, and the sentence that helps.</summary>
[Collection(Alone.Name)]
public sealed class StartUpFaultTests
{
    [Theory]
    [InlineData("--etcd")]
    [InlineData("--peer")]
    public async Task A_taken_port_names_its_owner_and_the_flag_that_moves_it(string flag)
    {
        var folder = Directory.CreateTempSubdirectory("holdfast-port-");
        using var owner = new TcpListener(IPAddress.Loopback, 0);
        owner.Start();
        var port = ((IPEndPoint)owner.LocalEndpoint).Port;
        try
        {
            string[] others = flag == "--etcd" ? [] : ["--etcd", $"127.0.0.1:{Ports.Free(1)[0]}"];
            var (code, said) = await RunAsync(ServerBench.Program, null, ["server", "--data", Path.Combine(folder.FullName, "data"), flag, $"127.0.0.1:{port}", .. others]);
            Assert.Equal(1, code);
            using var self = Process.GetCurrentProcess();
            Assert.Contains($"127.0.0.1:{port} is taken by process ", said, StringComparison.Ordinal);
            Assert.Contains($"(pid {self.Id.ToString(CultureInfo.InvariantCulture)}); stop that process, or take another port with {flag} host:port", said, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Several_first_starts_at_once_build_once_and_all_run()
    {
        using var checkout = new UnbuiltCheckout();
        var builds = checkout.PretendDotnet();
        var starts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => RunAsync(checkout.Script, checkout.Path, "version")));
        foreach (var (code, said) in starts)
        {
            Assert.True(code == 0, said);
            Assert.Contains("pretended: version", said, StringComparison.Ordinal);
        }

        Assert.Single(File.ReadAllLines(builds));
        Assert.Single(starts, start => start.Said.Contains("building (Release)", StringComparison.Ordinal));
        Assert.Contains(starts, start => start.Said.Contains("another start is building; waiting for it", StringComparison.Ordinal));

        Assert.Equal(0, (await RunAsync(checkout.Script, checkout.Path, "version")).Code);
        Assert.Single(File.ReadAllLines(builds));
        checkout.TouchSource();
        Assert.Equal(0, (await RunAsync(checkout.Script, checkout.Path, "version")).Code);
        Assert.Equal(2, File.ReadAllLines(builds).Length);
    }

    [Fact]
    public async Task Without_the_sdk_the_first_start_says_how_to_get_it()
    {
        using var checkout = new UnbuiltCheckout();
        var (code, said) = await RunAsync(checkout.Script, checkout.Path, "version");
        Assert.Equal(1, code);
        Assert.Contains("building needs the .NET 10 SDK, which is not on the PATH", said, StringComparison.Ordinal);
        Assert.Contains("apt-get install dotnet-sdk-10.0", said, StringComparison.Ordinal);
        Assert.Contains("https://dotnet.microsoft.com/download/dotnet/10.0", said, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Said)> RunAsync(string program, string? path, params string[] words)
    {
        var start = new ProcessStartInfo(program, words) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (path is not null) start.Environment["PATH"] = path;
        using var process = Process.Start(start)!;
        var complaints = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patient.Most);
        return (process.ExitCode, said + await complaints);
    }
}
