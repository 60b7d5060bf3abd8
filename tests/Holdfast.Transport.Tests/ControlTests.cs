using System.Net;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Transport.Tests;

public sealed class ControlTests
{
    private const ushort Echo = 1;
    private const ushort Who = 2;
    private const ushort Refuse = 3;
    private const ushort Hang = 4;
    private const ushort Join = 5;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(1_000_000)]
    public async Task A_call_is_answered_before_anyone_has_an_identity(int length)
    {
        using var server = new Server(null, identity: new LocalNode(NodeId.None, 0, 0, ClusterId.None));
        var payload = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        var reply = await ControlClient.CallAsync(server.Target, Echo, payload, Patience, ControlTrust.Plain);
        Assert.Equal(ControlStatus.Ok, reply.Status);
        Assert.True(payload.AsSpan().SequenceEqual(reply.Payload.Span));
    }

    [Fact]
    public async Task Caller_and_server_know_each_other()
    {
        using var server = new Server(null);
        var self = new LocalNode(new NodeId(0xAB), 3, 2, TestNode.Cluster);
        var reply = await ControlClient.CallAsync(server.Target, Who, default, Patience, ControlTrust.Plain, self);
        Assert.Equal("ab of c0ffee at level 2", Encoding.UTF8.GetString(reply.Payload.Span));
        Assert.Equal(new NodeId(7), reply.Server);
        Assert.Equal(TestNode.Cluster, reply.ServerCluster);
    }

    [Fact]
    public async Task Each_way_to_fail_has_its_status()
    {
        using var server = new Server(null);
        Assert.Equal(ControlStatus.UnknownVerb, (await ControlClient.CallAsync(server.Target, 99, default, Patience, ControlTrust.Plain)).Status);
        var refused = await ControlClient.CallAsync(server.Target, Refuse, default, Patience, ControlTrust.Plain);
        Assert.Equal(ControlStatus.Failed, refused.Status);
        Assert.Equal("not today", refused.Fault);
        Assert.Equal(ControlStatus.Unreachable, (await ControlClient.CallAsync(server.Target, Hang, default, TimeSpan.FromMilliseconds(20), ControlTrust.Plain)).Status);
        Assert.Equal(ControlStatus.Unreachable, (await ControlClient.CallAsync("nonsense", Echo, default, Patience, ControlTrust.Plain)).Status);
        Assert.Equal(ControlStatus.Unreachable, (await ControlClient.CallAsync(server.Target, Echo, new byte[5 << 20], Patience, ControlTrust.Plain)).Status);
    }

    [Fact]
    public async Task Calls_beyond_the_bound_are_told_to_come_later()
    {
        using var server = new Server(null, options: new TransportOptions { ControlCallsMax = 1 });
        using var stop = new CancellationTokenSource();
        var hanging = ControlClient.CallAsync(server.Target, Hang, default, Patience, ControlTrust.Plain, cancellation: stop.Token).AsTask();
        await server.Happened.Until("hanging");
        Assert.Equal(ControlStatus.Busy, (await ControlClient.CallAsync(server.Target, Echo, default, Patience, ControlTrust.Plain)).Status);
        await stop.CancelAsync();
        await hanging;
    }

    [Fact]
    public async Task A_member_calls_under_mutual_tls()
    {
        var authority = TestAuthority.Create("cluster");
        using var server = new Server(authority.Issue("n7"));
        var payload = new byte[300_000];
        var reply = await ControlClient.CallAsync(server.Target, Echo, payload, Patience, ControlTrust.Of(authority.Issue("n8")));
        Assert.True(reply.IsOk, reply.Fault);
        Assert.Equal(payload.Length, reply.Payload.Length);
    }

    [Fact]
    public async Task A_joiner_knows_only_the_authoritys_hash_and_may_only_join()
    {
        var authority = TestAuthority.Create("cluster");
        using var server = new Server(authority.Issue("n7"));
        var pinned = ControlTrust.Pinned(PeerTls.Fingerprint(authority.Certificate));
        var joined = await ControlClient.CallAsync(server.Target, Join, "let me in"u8.ToArray(), Patience, pinned);
        Assert.True(joined.IsOk, joined.Fault);
        Assert.Equal(ControlStatus.NoCertificate, (await ControlClient.CallAsync(server.Target, Echo, default, Patience, pinned)).Status);
    }

    [Fact]
    public async Task A_joiner_does_not_speak_to_a_server_of_another_authority()
    {
        using var server = new Server(TestAuthority.Create("intruder").Issue("n7"));
        var pinned = ControlTrust.Pinned(PeerTls.Fingerprint(TestAuthority.Create("cluster").Certificate));
        var reply = await ControlClient.CallAsync(server.Target, Join, default, Patience, pinned);
        Assert.Equal(ControlStatus.WrongAuthority, reply.Status);
        Assert.Equal(0, server.Happened.Count("join"));
    }

    private sealed class Server : IDisposable
    {
        private readonly PeerListener listener;
        private readonly ControlService control;

        public Server(PeerTls? tls, TransportOptions? options = null, LocalNode? identity = null)
        {
            options ??= new TransportOptions();
            control = new ControlService(options, (_, line) => Happened.Add($"log {line}"));
            control.Add(Echo, (request, _) => new(request.Payload));
            control.Add(Who, (request, _) => new(Encoding.UTF8.GetBytes($"{request.Caller} of {request.CallerCluster} at level {request.CallerFeatureLevel}")));
            control.Add(Refuse, (_, _) => throw new ControlRefusedException("not today"));
            control.Add(Hang, async (_, cancellation) =>
            {
                Happened.Add("hanging");
                await Task.Delay(Timeout.Infinite, cancellation);
                return default;
            });
            control.Add(Join, (request, _) =>
            {
                Happened.Add("join");
                return new(request.Payload);
            }, allowsAnonymous: true);
            listener = new PeerListener(
                new IPEndPoint(IPAddress.Loopback, 0), identity ?? new LocalNode(new NodeId(7), 1, 1, TestNode.Cluster), new PeerAddresses(), tls, options, (_, line) => Happened.Add($"log {line}"));
            listener.Serve(control);
            listener.Start();
        }

        public Events Happened { get; } = new();

        public string Target => $"127.0.0.1:{listener.Endpoint.Port}";

        public void Dispose()
        {
            listener.Dispose();
            control.Dispose();
        }
    }
}
