using System.Net;
using System.Text;

namespace Holdfast.Http.Tests;

public sealed class SharedPortTests
{
    [Fact]
    public async Task Http2_with_prior_knowledge_and_http1_are_served_on_one_port()
    {
        await using var door = await OpenDoor.OnAsync();
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
        Assert.Equal("GET HTTP/2 /a", await door.GetAsync(HttpVersion.Version20));
    }

    [Fact]
    public async Task A_preface_that_arrives_byte_by_byte_is_still_http2()
    {
        await using var door = await OpenDoor.OnAsync();
        using var socket = await door.ConnectAsync();
        socket.NoDelay = true;
        foreach (var one in PrefaceSniffer.Preface.ToArray())
        {
            await socket.SendAsync(new[] { one });
            await Task.Yield();
        }

        await socket.SendAsync(new byte[] { 0, 0, 0, 4, 0, 0, 0, 0, 0 });
        var frame = new byte[9];
        var got = 0;
        while (got < frame.Length) got += await socket.ReceiveAsync(frame.AsMemory(got));
        Assert.Equal(4, frame[3]); // SETTINGS is the server's first frame (RFC 9113 3.4).
    }

    [Fact]
    public async Task An_http1_request_that_begins_like_the_preface_is_answered_as_http1()
    {
        await using var door = await OpenDoor.OnAsync();
        using var socket = await door.ConnectAsync();
        await socket.SendAsync("PR"u8.ToArray());
        await socket.SendAsync("OPFIND /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"u8.ToArray());
        Assert.Contains("PROPFIND HTTP/1.1 /a", await OpenDoor.ReadAllAsync(socket), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_is_refused_and_the_next_client_is_served()
    {
        await using var door = await OpenDoor.OnAsync();
        using (var socket = await door.ConnectAsync())
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes("\0\u0001\u0002\u00ff nonsense \r\n\r\n"));
            Assert.StartsWith("HTTP/1.1 400 Bad Request", await OpenDoor.ReadAllAsync(socket), StringComparison.Ordinal);
        }

        using (var socket = await door.ConnectAsync())
        {
            // The preface, and then no frame of HTTP/2: GOAWAY or a close, no crash.
            await socket.SendAsync(Encoding.Latin1.GetBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + new string('\u00ff', 64)));
            await OpenDoor.ReadAllAsync(socket);
        }

        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
    }

    [Fact]
    public async Task A_crowd_of_silent_connections_does_not_lock_out_a_client_that_speaks()
    {
        await using var door = await OpenDoor.OnAsync(new HttpDoorLimits { HalfOpenConnectionsMax = 8 });
        using var oldest = await door.ConnectAsync();
        var crowd = new List<IDisposable>();
        for (var i = 0; i < 32; i++) crowd.Add(await door.ConnectAsync());
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
        Assert.Contains(await OpenDoor.ReadAllAsync(oldest), new[] { "", "<reset>" }); // The oldest gave up its place.
        crowd.ForEach(one => one.Dispose());
    }

    [Fact]
    public async Task A_silent_connection_is_closed_at_the_deadline()
    {
        await using var door = await OpenDoor.OnAsync(new HttpDoorLimits { FirstBytesDeadline = TimeSpan.FromMilliseconds(1) });
        using var silent = await door.ConnectAsync();
        Assert.Contains(await OpenDoor.ReadAllAsync(silent), new[] { "", "<reset>" });
    }

    [Fact]
    public async Task A_client_that_leaves_in_the_middle_of_the_preface_is_forgotten()
    {
        await using var door = await OpenDoor.OnAsync();
        using (var socket = await door.ConnectAsync())
        {
            await socket.SendAsync("PRI * HT"u8.ToArray());
            socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            Assert.Contains(await OpenDoor.ReadAllAsync(socket), new[] { "", "<reset>" });
        }

        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
    }
}
