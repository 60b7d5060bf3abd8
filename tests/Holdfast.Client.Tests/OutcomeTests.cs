using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace Holdfast.Client.Tests;

/// <summary>What is asked again elsewhere, and what never (S25).</summary>
public sealed class OutcomeTests
{
    [Fact]
    public async Task A_write_that_no_connection_carried_goes_to_the_next_server()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = new HoldfastClient(Nobody(), door.Address.ToString());
        await client.PutAsync("a", "1");
        Assert.Equal("1", (await client.GetAsync("a"))?.Value.ToStringUtf8());
        Assert.True(await client.DeleteAsync("a"));
        Assert.Null(await client.GetAsync("a"));
    }

    /// <summary>The first server takes the connection and breaks it: the write may have arrived, so the second server, which is well, is not asked (S25).</summary>
    [Fact]
    public async Task A_write_whose_connection_broke_is_unknown_and_not_sent_again()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var broken = new BrokenServer();
        using var client = new HoldfastClient(broken.Address, door.Address.ToString());
        var unknown = await Assert.ThrowsAsync<OutcomeUnknownException>(() => client.PutAsync("a", "1"));
        Assert.Contains(broken.Address, unknown.Message, StringComparison.Ordinal);

        // The read finds out, and is asked of who answers.
        Assert.Null(await client.GetAsync("a"));
    }

    /// <summary>The lease that was asked for first may have been granted: it stands in no line, so the second server is asked for another, and the lock is had.</summary>
    [Fact]
    public async Task A_lock_whose_first_lease_is_unknown_is_sought_with_another()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var broken = new BrokenServer();
        using var client = new HoldfastClient(broken.Address, door.Address.ToString());
        await using var held = await client.LockAsync("job");
        Assert.False(held!.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_read_goes_on_until_a_server_answers()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var broken = new BrokenServer();
        using var client = new HoldfastClient(broken.Address, Nobody(), door.Address.ToString());
        Assert.Null(await client.GetAsync("a"));
    }

    [Fact]
    public async Task When_nobody_is_there_the_failure_is_no_unknown_outcome()
    {
        using var client = new HoldfastClient(Nobody());
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => client.PutAsync("a", "1"))).StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => client.LockAsync("a"))).StatusCode);
    }

    [Fact]
    public void Options_are_refused_with_all_that_is_wrong()
    {
        var options = new HoldfastClientOptions { Endpoints = [], Timeout = TimeSpan.Zero, User = "ann", CertificateFile = "c.pem" };
        Assert.Equal(4, options.Validate().Count);
        Assert.Throws<ArgumentException>(() => new HoldfastClient(options));
        Assert.Equal("https://a:1", new HoldfastClientOptions { TrustedCaFile = "ca.pem" }.UrlOf("a:1"));
    }

    [Theory]
    [InlineData("a", "62")]
    [InlineData("a\u007f", "6180")]
    [InlineData("", "00")]
    public void A_prefix_ends_where_its_last_byte_grows(string prefix, string end) => Assert.Equal(end, Convert.ToHexString(KeyText.EndOfPrefix(prefix).Span));

    /// <summary>A read that its caller gives up is given up; a write that he gives up may have happened, and that is what he is told (S25).</summary>
    [Fact]
    public async Task A_cancelled_read_is_cancelled_and_a_cancelled_write_is_unknown()
    {
        using var silent = new SilentServer();
        using var client = new HoldfastClient(new HoldfastClientOptions { Endpoints = [silent.Address], Timeout = TimeSpan.FromMinutes(5) });
        using var cancel = new CancellationTokenSource();
        var (read, write) = (client.GetAsync("a", cancel.Token), client.PutAsync("a", "1", cancel: cancel.Token));
        await silent.Heard;
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        await Assert.ThrowsAsync<OutcomeUnknownException>(() => write);
    }

    [Fact]
    public void A_certificate_file_that_cannot_be_used_is_named()
    {
        var wrong = Assert.Throws<ArgumentException>(() => new HoldfastClient(new HoldfastClientOptions { TrustedCaFile = "no-such-ca.pem" }));
        Assert.Contains("no-such-ca.pem", wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_empty_prefix_is_all_keys()
    {
        await using var door = await Door.OpenAsync(Door.Keyspace());
        using var client = Door.Client(door);
        await client.PutAsync("a", "1");
        await client.PutAsync("/b", "2");
        Assert.Equal(["/b", "a"], (await client.GetPrefixAsync("")).Kvs.Select(pair => pair.Key.ToStringUtf8()));
    }

    /// <summary>An address of loopback at which nobody listened a moment ago.</summary>
    private static string Nobody()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket.LocalEndPoint!.ToString()!;
    }

    /// <summary>Takes every connection, reads what comes first, and breaks it.</summary>
    private sealed class BrokenServer : IDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);

        public BrokenServer()
        {
            listener.Start();
            _ = BreakAllAsync();
        }

        public string Address => listener.LocalEndpoint.ToString()!;

        public void Dispose() => listener.Dispose();

        private async Task BreakAllAsync()
        {
            try
            {
                while (true)
                {
                    using var socket = await listener.AcceptSocketAsync();
                    await socket.ReceiveAsync(new byte[1024]);
                }
            }
            catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }
}
