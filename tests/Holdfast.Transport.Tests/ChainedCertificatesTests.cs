using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Transport.Tests;

/// <summary>
/// Certificates of an operator's own authority with another in between, RSA all the way: handshakes of several kilobytes, which fit neither one read nor one write of a bad wire, and which cannot
/// be followed by who is shown a part of them.
/// </summary>
public sealed class ChainedCertificatesTests
{
    /// <summary>How often a handshake is broken on its way, in steps of equal size from its first byte to its last.</summary>
    private const int Cuts = 40;

    private static readonly Lazy<ForeignAuthority> Company = new(static () => new ForeignAuthority(4096));

    /// <summary>
    /// A resumed session brings back a certificate without those in between: whoever came a second time was refused, again and again, by the one whose ticket it had. Here each node was the last
    /// that the other spoke to.
    /// </summary>
    [Fact]
    public async Task A_peer_that_was_connected_is_connected_again()
    {
        var (oneTls, twoTls) = (Company.Value.Issue("n1"), Company.Value.Issue("n2"));
        using var two = new TestNode(2, tls: twoTls);
        for (var start = 1; start <= 4; start++)
        {
            var one = new TestNode(1, tls: oneTls, bootCount: (uint)start);
            one.Addresses.Set(two.Address);
            await one.Happened.Until("up 2");
            await two.Happened.Until("up 1", count: start);
            one.Dispose();
            await two.Happened.Until("down 1", count: start);
        }

        Assert.DoesNotContain(two.Lines, static line => line.Contains("refused", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Control_calls_one_after_another_are_all_believed()
    {
        using var control = new ControlService(new TransportOptions(), static (_, _) => { });
        control.Add(1, static (request, _) => new(request.Payload));
        using var node = new TestNode(9, tls: Company.Value.Issue("n9"), serve: (_, listener) => listener.Serve(control));
        var trust = ControlTrust.Of(Company.Value.Issue("caller"));
        for (var call = 0; call < 4; call++)
        {
            var reply = await ControlClient.CallAsync($"127.0.0.1:{node.Listener.Endpoint.Port}", 1, "who"u8.ToArray(), TimeSpan.FromSeconds(30), trust);
            Assert.Equal((ControlStatus.Ok, ""), (reply.Status, reply.Fault));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task A_handshake_in_small_pieces_is_agreed_on(int pieceBytesMax)
    {
        var options = new TransportOptions { HandshakeMax = TimeSpan.FromSeconds(30) };
        using var one = new TestNode(1, tls: Company.Value.Issue("n1"), options: options);
        using var two = new TestNode(2, tls: Company.Value.Issue("n2"), options: options);
        using var wire = new BadWire(two, _ => new WireFlaw(pieceBytesMax));
        one.Addresses.Set(wire.Address);
        await ConverseAsync(one, two);
        Assert.Equal(1, wire.Connections);
        Assert.True(wire.Carried > 6000, $"{wire.Carried} bytes are a handshake of another kind");
    }

    [Fact]
    public async Task A_handshake_that_breaks_anywhere_is_begun_again()
    {
        var (oneTls, twoTls) = (Company.Value.Issue("n1"), Company.Value.Issue("n2"));
        var whole = await HandshakeBytesAsync(oneTls, twoTls);
        var options = new TransportOptions { RedialMin = TimeSpan.FromMilliseconds(1), RedialMax = TimeSpan.FromMilliseconds(2), HandshakeMax = TimeSpan.FromSeconds(10) };
        using var one = new TestNode(1, tls: oneTls, options: options);
        using var two = new TestNode(2, tls: twoTls, options: options);
        using var wire = new BadWire(two, number => number < Cuts ? new WireFlaw(EndsAfterBytes: whole * number / Cuts) : new WireFlaw());
        one.Addresses.Set(wire.Address);
        await ConverseAsync(one, two);
        Assert.Equal(Cuts + 1, wire.Connections);
    }

    [Fact]
    public async Task A_handshake_that_stops_anywhere_is_given_up_at_its_deadline_and_begun_again()
    {
        const int Stops = 6;
        var (oneTls, twoTls) = (Company.Value.Issue("n1"), Company.Value.Issue("n2"));
        var whole = await HandshakeBytesAsync(oneTls, twoTls);
        var options = new TransportOptions { RedialMin = TimeSpan.FromMilliseconds(1), RedialMax = TimeSpan.FromMilliseconds(2), HandshakeMax = TimeSpan.FromMilliseconds(300) };
        using var one = new TestNode(1, tls: oneTls, options: options);
        using var two = new TestNode(2, tls: twoTls, options: options);
        using var wire = new BadWire(two, number => number < Stops ? new WireFlaw(EndsAfterBytes: whole * number / Stops, IsSilentAtEnd: true) : new WireFlaw());
        one.Addresses.Set(wire.Address);
        await ConverseAsync(one, two);
        Assert.True(wire.Connections > Stops);
        Assert.Contains(one.Lines, static line => line.Contains("no answer within 0.3 s while", StringComparison.Ordinal));
    }

    /// <summary>As in a founding: everybody dials everybody above him at once, so that tickets of one, if there were any, would be shown to another.</summary>
    [Fact]
    public async Task Many_that_meet_at_once_all_find_each_other_and_find_back()
    {
        const int Count = 8;
        var certificates = Enumerable.Range(1, Count).Select(static id => Company.Value.Issue($"n{id}")).ToArray();
        var nodes = certificates.Select(static (tls, index) => new TestNode((ulong)index + 1, tls: tls)).ToArray();
        try
        {
            TestNode.Introduce(nodes);
            await AllUpAsync(nodes);
            for (var index = 0; index < Count; index += 3)
            {
                var gone = nodes[index];
                gone.Dispose();
                nodes[index] = new TestNode(gone.Self.Id.Value, tls: certificates[index], bootCount: 2, port: gone.Listener.Endpoint.Port);
            }

            TestNode.Introduce(nodes);
            await AllUpAsync(nodes);
        }
        finally
        {
            foreach (var node in nodes) node.Dispose();
        }
    }

    private static async Task AllUpAsync(TestNode[] nodes)
    {
        foreach (var node in nodes)
            foreach (var other in nodes)
                if (node != other)
                    await PatienceAsync(async () => await node.Ask(() => node.Mesh.IsConnected(other.Self.Id)), () => $"{node.Self.Id} and {other.Self.Id} do not find each other: {string.Join(" | ", node.Lines.TakeLast(5))}");
    }

    /// <summary>Says something until it is heard and answered: a frame may be lost with a connection that breaks under it.</summary>
    private static async Task ConverseAsync(TestNode one, TestNode two)
    {
        two.Frames = (from, _) => two.Mesh.TrySend(from, "heard"u8);
        await PatienceAsync(
            async () =>
            {
                await one.Send(two, "hello"u8.ToArray());
                return one.Happened.Count("frame 2 heard") > 0;
            },
            () => $"no answer; {string.Join(" | ", one.Lines.Concat(two.Lines).TakeLast(8))}");
    }

    /// <summary>How many bytes it takes until both sides have said who they are, and a little has been said.</summary>
    private static async Task<long> HandshakeBytesAsync(PeerTls oneTls, PeerTls twoTls)
    {
        using var one = new TestNode(1, tls: oneTls);
        using var two = new TestNode(2, tls: twoTls);
        using var wire = new BadWire(two, static _ => new WireFlaw());
        one.Addresses.Set(wire.Address);
        await one.Happened.Until("up 2");
        return wire.Carried;
    }

    private static async Task PatienceAsync(Func<Task<bool>> isDone, Func<string> complaint)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(60); !await isDone(); await Task.Delay(5))
            if (DateTime.UtcNow > deadline) Assert.Fail(complaint());
    }

    /// <summary>A root that all nodes know, and an authority below it that signs for them.</summary>
    private sealed class ForeignAuthority
    {
        private readonly X509Certificate2 root;
        private readonly X509Certificate2 between;
        private readonly RSA nodeKey;

        public ForeignAuthority(int keyBits)
        {
            using var rootKey = RSA.Create(keyBits);
            using var betweenKey = RSA.Create(keyBits);
            nodeKey = RSA.Create(keyBits);
            root = Authority("company root", rootKey).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(10));
            using var signed = Authority("company peers", betweenKey).Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9), RandomNumberGenerator.GetBytes(8));
            between = signed.CopyWithPrivateKey(betweenKey);
        }

        public PeerTls Issue(string name)
        {
            var request = new CertificateRequest($"CN={name}, O=company", nodeKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            using var signed = request.Create(between, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(5), RandomNumberGenerator.GetBytes(8));
            var tls = PeerTls.Waiting();
            tls.Replace(signed.CopyWithPrivateKey(nodeKey), [root], [between]);
            return tls;
        }

        private static CertificateRequest Authority(string name, RSA key)
        {
            var request = new CertificateRequest($"CN={name}, O=company", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request;
        }
    }
}
