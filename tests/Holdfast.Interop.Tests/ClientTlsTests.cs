using System.Diagnostics;
using Holdfast.Http.Tests;

namespace Holdfast.Interop.Tests;

/// <summary>TLS between clients and a real server, as its flags ask for it.</summary>
public sealed class ClientTlsTests : IDisposable
{
    private readonly Certificates certificates = new();
    private readonly string folder = Directory.CreateTempSubdirectory("holdfast-client-tls-").FullName;

    public void Dispose()
    {
        certificates.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Etcdctl_and_curl_meet_a_server_whose_certificate_changes_while_it_runs()
    {
        certificates.Issue("server", "server");
        certificates.Issue("root", "root");
        var port = Ports.Free(1)[0];
        using var server = Start(port, "--etcd-cert", certificates.Certificate("server"), "--etcd-key", certificates.Key("server"), "--etcd-client-ca", certificates.Authority);
        var log = server.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            using var patience = new CancellationTokenSource(Patient.Most);
            Assert.StartsWith("ready: ", await server.StandardOutput.ReadLineAsync(patience.Token), StringComparison.Ordinal);
            Assert.Equal("OK\n", await EtcdctlAsync(port, "put", "a", "1"));
            await EtcdctlAsync(port, "user", "add", "root", "--no-password");
            await EtcdctlAsync(port, "user", "grant-role", "root", "root");
            Assert.Equal("Authentication Enabled\n", await EtcdctlAsync(port, "auth", "enable"));

            // No token and no password: root is who has root's certificate.
            Assert.Equal("a\n1\n", await EtcdctlAsync(port, "get", "a"));
            Assert.StartsWith($"https://127.0.0.1:{port}", (await EtcdctlAsync(port, "member", "list")).Split(", ")[4], StringComparison.Ordinal);
            string[] asRoot = ["--endpoints", $"127.0.0.1:{port}", "--cacert", certificates.Authority, "--cert", certificates.Certificate("root"), "--key", certificates.Key("root")];
            Assert.Equal((0, "1\n", ""), await RunAsync(ServerBench.Program, ["kv", "get", "a", .. asRoot]));
            foreach (var version in new[] { "--http1.1", "--http2" })
                Assert.Contains("\"enabled\":true", await CurlAsync(port, version, "/v3/auth/status"), StringComparison.Ordinal);

            certificates.Issue("server", "changed");
            File.SetLastWriteTimeUtc(certificates.Certificate("server"), DateTime.UtcNow.AddMinutes(1));
            for (var shown = ""; !shown.Contains("CN=changed", StringComparison.Ordinal);)
            {
                Assert.False(patience.IsCancellationRequested, "the changed certificate is not shown");
                shown = await CurlAsync(port, "-v", "/version");
                shown = shown.Replace("CN = changed", "CN=changed", StringComparison.Ordinal);
            }
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Contains("changed certificate", await log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_open_port_needs_tls_and_client_certificates()
    {
        certificates.Issue("server", "server");
        string[] tls = ["--etcd-cert", certificates.Certificate("server"), "--etcd-key", certificates.Key("server")];
        Assert.Contains("neither TLS nor authentication", await FaultAsync("--etcd", "0.0.0.0:2379"), StringComparison.Ordinal);
        Assert.Contains("--etcd-client-ca", await FaultAsync(["--etcd", "0.0.0.0:2379", .. tls]), StringComparison.Ordinal);
        Assert.Equal("", await FaultAsync(["--etcd", "0.0.0.0:2379", .. tls, "--etcd-client-ca", certificates.Authority]));
        Assert.Contains("etcd.key", await FaultAsync("--etcd-cert", certificates.Certificate("server")), StringComparison.Ordinal);
        Assert.Contains("auth.token: sign-method", await FaultAsync("--auth-token", "jwt,sign-method=none"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_cannot_be_used_are_said_at_start()
    {
        certificates.Issue("server", "server");
        certificates.Issue("other", "other");
        using var server = Start(Ports.Free(1)[0], "--etcd-cert", certificates.Certificate("server"), "--etcd-key", certificates.Key("other"));
        var fault = await server.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await server.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, server.ExitCode);
        Assert.Contains("the clients' certificates cannot be used", fault, StringComparison.Ordinal);
    }

    private Process Start(int port, params string[] flags)
    {
        var start = new ProcessStartInfo(ServerBench.Program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["server", "--data", Path.Combine(folder, "data"), "--etcd", $"127.0.0.1:{port}", .. flags]) start.ArgumentList.Add(word);
        return Process.Start(start)!;
    }

    /// <summary>What <c>config show</c> has against the flags; it binds nothing.</summary>
    private static async Task<string> FaultAsync(params string[] flags)
    {
        var (code, _, fault) = await RunAsync(ServerBench.Program, ["config", "show", .. flags]);
        Assert.Equal(fault.Length == 0 ? 0 : 2, code);
        return fault;
    }

    private async Task<string> EtcdctlAsync(int port, params string[] words)
    {
        string[] all = ["--endpoints", $"https://127.0.0.1:{port}", "--cacert", certificates.Authority, "--cert", certificates.Certificate("root"), "--key", certificates.Key("root"), "--dial-timeout=60s", "--command-timeout=60s", .. words];
        var (code, said, fault) = await RunAsync("etcdctl", all);
        Assert.True(code == 0, fault);
        return said;
    }

    private async Task<string> CurlAsync(int port, string flag, string path)
    {
        string[] all = ["-sS", flag, "--cacert", certificates.Authority, "--cert", certificates.Certificate("root"), "--key", certificates.Key("root"), .. path == "/version" ? [] : (string[])["-d", "{}"], $"https://127.0.0.1:{port}{path}"];
        var (_, said, fault) = await RunAsync("curl", all);
        return said + fault;
    }

    private static async Task<(int Code, string Said, string Fault)> RunAsync(string program, string[] words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["ETCDCTL_API"] = "3";
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said, await fault);
    }
}
