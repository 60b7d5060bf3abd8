using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Holdfast.Http.Tests;

public sealed class HttpDoorTests
{
    [Fact]
    public async Task A_door_of_one_protocol_does_not_speak_the_other()
    {
        await using var first = await OpenDoor.OnAsync(protocols: HttpProtocols.Http1);
        await using var second = await OpenDoor.OnAsync(protocols: HttpProtocols.Http2);
        Assert.Equal("GET HTTP/1.1 /a", await first.GetAsync(HttpVersion.Version11));
        Assert.Equal("GET HTTP/2 /a", await second.GetAsync(HttpVersion.Version20));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => first.GetAsync(HttpVersion.Version20));
        Assert.Equal("An HTTP/1.x request was sent to an HTTP/2 only endpoint.", await second.GetAsync(HttpVersion.Version11));
    }

    [Fact]
    public async Task Requests_know_by_which_address_they_came_and_addresses_stand_in_the_order_in_which_they_were_given()
    {
        var loopback = new IPEndPoint(IPAddress.Loopback, 0);
        await using var door = await OpenDoor.OnAsync(beside:
        [
            new HttpAddress(loopback) { Mark = static connection => connection.Set(new OpenDoor.Mark()), Protocols = HttpProtocols.Http1 },
            new HttpAddress(loopback) { Mark = static connection => connection.Set(new OpenDoor.Mark()) },
        ]);
        Assert.Equal(3, door.Addresses.Select(static address => address.Port).Distinct().Count());
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11, $"http://{door.Addresses[0]}"));
        Assert.Equal("GET HTTP/1.1 /a marked", await door.GetAsync(HttpVersion.Version11, $"http://{door.Addresses[1]}"));
        Assert.Equal("GET HTTP/2 /a marked", await door.GetAsync(HttpVersion.Version20, $"http://{door.Addresses[2]}"));
    }

    [Fact]
    public async Task A_taken_port_is_said_and_leaves_nothing_open()
    {
        await using var door = await OpenDoor.OnAsync();
        var free = new IPEndPoint(IPAddress.Loopback, 0);
        await Assert.ThrowsAsync<IOException>(() => OpenDoor.OnAsync(beside: [new HttpAddress(free), new HttpAddress(door.Addresses[0])]));
        Assert.Equal("GET HTTP/1.1 /a", await door.GetAsync(HttpVersion.Version11));
    }

    [Fact]
    public async Task A_client_too_many_is_turned_away_and_its_place_is_free_again_when_one_leaves()
    {
        await using var door = await OpenDoor.OnAsync(new HttpDoorLimits { ConnectionsMax = 1 }, HttpProtocols.Http1);
        using (var first = await door.ConnectAsync())
        {
            await first.SendAsync("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray());
            var answer = new byte[8];
            Assert.NotEqual(0, await first.ReceiveAsync(answer));
            using var second = await door.ConnectAsync();
            Assert.Contains(await OpenDoor.ReadAllAsync(second), new[] { "", "<reset>" });
        }

        // Kestrel learns in its own time that the first is gone.
        string? served = null;
        while (served is null)
        {
            try
            {
                served = await door.GetAsync(HttpVersion.Version11);
            }
            catch (HttpRequestException)
            {
                await Task.Yield();
            }
        }

        Assert.Equal("GET HTTP/1.1 /a", served);
    }
}
