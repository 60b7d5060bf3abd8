using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using Holdfast.Client;

namespace Holdfast.Interop.Tests;

/// <summary>The registry asked by DNS (R1.4): Debian's dig and a .NET client that is not ours, over UDP and TCP, of nodes that are processes.</summary>
public sealed class DnsTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    [Fact]
    public async Task Dig_finds_healthy_instances_over_udp_and_tcp_and_loses_them_when_they_go()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--dns", "127.0.0.1:0"]);
        var port = await PortAsync(cluster, 0);
        using var client = new HoldfastClient(cluster.Endpoint(0));
        var a = await client.Services.RegisterAsync("web", new ServiceInstance { Id = "a", Address = "10.0.0.1", Port = 8080, Tags = ["v2"] });
        await using var b = await client.Services.RegisterAsync("web", new ServiceInstance { Id = "b", Address = "fe80::1", Port = 8081 });
        await using var ill = await client.Services.RegisterAsync("web", new ServiceInstance { Id = "c", Address = "10.0.0.3", Port = 8082 }, new RegistrationOptions { Checks = [HealthCheck.Parse("tcp://127.0.0.1:1")] });
        foreach (var transport in (string[])["+notcp", "+tcp"])
        {
            Assert.Equal("10.0.0.1\n", await DigAsync(port, transport, "+short", "web.service.holdfast", "A"));
            Assert.Equal("fe80::1\n", await DigAsync(port, transport, "+short", "web.service.holdfast", "AAAA"));
            Assert.Equal(
                "1 1 8080 0a000001.addr.holdfast.\n1 1 8081 fe800000000000000000000000000001.addr.holdfast.\n",
                string.Join('\n', (await DigAsync(port, transport, "+short", "_web._tcp.service.holdfast", "SRV")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)) + "\n");
            Assert.Equal("10.0.0.1\n", await DigAsync(port, transport, "+short", "v2.web.service.holdfast", "A"));
            var nobody = await DigAsync(port, transport, "nobody.service.holdfast", "A");
            Assert.Contains("status: NXDOMAIN", nobody, StringComparison.Ordinal);
            Assert.Contains("SOA\tns.holdfast. hostmaster.holdfast.", nobody, StringComparison.Ordinal);
            Assert.Contains("flags: qr aa rd;", nobody, StringComparison.Ordinal);
            Assert.Contains("status: REFUSED", await DigAsync(port, transport, "example.com", "A"), StringComparison.Ordinal);
        }

        Assert.Contains("EDNS: version: 0, flags: do; udp: 1232", await DigAsync(port, "+dnssec", "web.service.holdfast", "A"), StringComparison.Ordinal);
        Assert.Contains("status: BADVERS", await DigAsync(port, "+edns=1", "+noednsnegotiation", "web.service.holdfast", "A"), StringComparison.Ordinal);
        await a.DisposeAsync();
        await UntilAsync(async () => (await DigAsync(port, "+short", "web.service.holdfast", "A")).Length == 0);
    }

    /// <summary>More instances than a datagram holds: it says that it is cut off, and the client comes again over TCP and gets them all.</summary>
    [Fact]
    public async Task An_answer_that_is_too_large_for_udp_is_taken_over_tcp()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--dns", "127.0.0.1:0"]);
        var port = await PortAsync(cluster, 0);
        using var client = new HoldfastClient(cluster.Endpoint(0));
        for (var at = 0; at < 60; at++)
            await client.PutAsync($"/services/web/instances/{at}", new ServiceInstance { Id = at.ToString(CultureInfo.InvariantCulture), Address = $"10.0.0.{at}", Port = 1000 + at }.ToJson());
        Assert.Contains(" tc ", await DigAsync(port, "+ignore", "+noedns", "+notcp", "web.service.holdfast", "A"), StringComparison.Ordinal);
        var lookup = new LookupClient(new LookupClientOptions(new NameServer(IPAddress.Loopback, port)) { UseCache = false, Timeout = TimeSpan.FromSeconds(30), Retries = 5 });
        var answer = await lookup.QueryAsync("web.service.holdfast", QueryType.SRV);
        Assert.Equal(Enumerable.Range(1000, 60), answer.Answers.SrvRecords().Select(record => (int)record.Port).Order());
        Assert.Equal(Enumerable.Range(0, 60).Select(at => $"10.0.0.{at}").Order(StringComparer.Ordinal), (await lookup.QueryAsync("web.service.holdfast", QueryType.A)).Answers.ARecords().Select(record => record.Address.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(5, answer.Answers.SrvRecords().First().InitialTimeToLive);
        Assert.Equal(DnsHeaderResponseCode.NotExistentDomain, (await lookup.QueryAsync("other.service.holdfast", QueryType.A)).Header.ResponseCode);
    }

    /// <summary>Two of three nodes are killed: nothing can be written any more, and the third still answers who was there.</summary>
    [Fact]
    public async Task A_node_without_a_quorum_goes_on_answering()
    {
        await using var cluster = await ProcessCluster.StartAsync(flags: ["--dns", "127.0.0.1:0"]);
        var ports = new[] { await PortAsync(cluster, 0), await PortAsync(cluster, 1), await PortAsync(cluster, 2) };
        using (var client = new HoldfastClient(cluster.Endpoint(0)))
            await client.PutAsync("/services/web/instances/a", new ServiceInstance { Id = "a", Address = "10.0.0.1", Port = 80 }.ToJson());
        foreach (var port in ports) await UntilAsync(async () => await DigAsync(port, "+short", "web.service.holdfast", "A") == "10.0.0.1\n");
        cluster.Kill(1);
        cluster.Kill(2);
        await UntilAsync(async () => !await cluster.TryPutAsync(0, "x", "y"));
        Assert.Equal("10.0.0.1\n", await DigAsync(ports[0], "+short", "web.service.holdfast", "A"));
    }

    [Fact]
    public async Task While_users_are_on_dns_reads_as_a_user_of_its_own()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--dns", "127.0.0.1:0", "--dns-user", "namer"]);
        var port = await PortAsync(cluster, 0);
        using (var client = new HoldfastClient(cluster.Endpoint(0)))
            await client.PutAsync("/services/web/instances/a", new ServiceInstance { Id = "a", Address = "10.0.0.1", Port = 80 }.ToJson());
        foreach (var words in (string[][])[["user", "add", "root:secret"], ["user", "grant-role", "root", "root"], ["role", "add", "names"], ["role", "grant-permission", "names", "read", "/services/", "--prefix"],
            ["user", "add", "namer:unused"], ["auth", "enable"]]) await cluster.EtcdctlAsync(0, words);
        Assert.Contains("status: REFUSED", await DigAsync(port, "web.service.holdfast", "A"), StringComparison.Ordinal);
        await cluster.UntilSaidAsync("dns_refused");
        await cluster.EtcdctlAsync(0, "--user", "root:secret", "user", "grant-role", "namer", "names");
        await UntilAsync(async () => await DigAsync(port, "+short", "web.service.holdfast", "A") == "10.0.0.1\n");
    }

    /// <summary>Noise by UDP, half a question by TCP, a length that is a lie, connections that say nothing: a good question is answered all the same.</summary>
    [Fact]
    public async Task Strangers_do_not_keep_good_questions_out()
    {
        await using var cluster = await ProcessCluster.StartAsync(1, flags: ["--dns", "127.0.0.1:0"]);
        var port = await PortAsync(cluster, 0);
        using var udp = new UdpClient(AddressFamily.InterNetwork);
        var dice = new Random(7);
        for (var round = 0; round < 5000; round++)
        {
            var noise = new byte[dice.Next(1, 600)];
            dice.NextBytes(noise);
            await udp.SendAsync(noise, new IPEndPoint(IPAddress.Loopback, port));
        }

        // More connections than the door has places for; those that came first do not say a word.
        var idle = new List<TcpClient>();
        for (var at = 0; at < 300; at++)
        {
            var connection = new TcpClient(AddressFamily.InterNetwork);
            await connection.ConnectAsync(IPAddress.Loopback, port);
            idle.Add(connection);
        }

        foreach (var (at, bytes) in ((int, byte[])[])[(0, [0]), (1, [0xff, 0xff]), (2, [0, 4, 1, 2, 3, 4]), (3, [0, 12, 0])]) await idle[at].GetStream().WriteAsync(bytes);
        Assert.Contains("status: NXDOMAIN", await DigAsync(port, "+notcp", "nobody.service.holdfast", "A"), StringComparison.Ordinal);

        // The silent ones lose their places after a while.
        await UntilAsync(async () => (await DigAsync(port, "+tcp", "nobody.service.holdfast", "A")).Contains("status: NXDOMAIN", StringComparison.Ordinal));
        idle.ForEach(connection => connection.Dispose());
        Assert.True(cluster.IsRunning(0));
    }

    /// <summary>DNS has neither TLS nor names: other machines are kept out unless the operator says otherwise.</summary>
    [Fact]
    public async Task An_open_bind_is_refused()
    {
        var start = new ProcessStartInfo(ServerBench.Program, ["server", "--ephemeral", "--etcd", "127.0.0.1:0", "--dns", "*:0"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var complaint = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(2, process.ExitCode);
        Assert.Contains("dns.listen (flag --dns)", complaint, StringComparison.Ordinal);
    }

    /// <summary>The port that the system chose, from the node's log.</summary>
    private static async Task<int> PortAsync(ProcessCluster cluster, int node)
    {
        await UntilAsync(() => Task.FromResult(Line().Length > 0));
        var address = Line();
        var begin = address.IndexOf("127.0.0.1:", StringComparison.Ordinal) + "127.0.0.1:".Length;
        return int.Parse(new string([.. address[begin..].TakeWhile(char.IsAsciiDigit)]), CultureInfo.InvariantCulture);

        string Line() => cluster.LastWords("dns_serving").Split('\n').LastOrDefault(line => line.StartsWith($"n{node}:", StringComparison.Ordinal)) ?? "";
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var begun = Stopwatch.StartNew(); !await condition(); await Task.Delay(50)) Assert.True(begun.Elapsed < Patience, "what was waited for did not come");
    }

    private static async Task<string> DigAsync(int port, params string[] words)
    {
        var start = new ProcessStartInfo("dig", ["@127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "+time=20", "+tries=3", "+nocookie", .. words]) { RedirectStandardOutput = true };
        using var dig = Process.Start(start)!;
        var said = await dig.StandardOutput.ReadToEndAsync();
        await dig.WaitForExitAsync();
        return said;
    }
}
