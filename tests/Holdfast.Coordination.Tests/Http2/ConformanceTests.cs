using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Tests.Endpoints;
using Holdfast.Http;
using Holdfast.Http.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>
/// Whether HTTP/2 and HTTP/1.1 on one port are as good as each on a port of its own: raw frames of RFC 9113 and 7541 to our door and to Kestrel alone. Both
/// must answer as the RFC allows, and both alike; all at once and byte by byte, for our door looks at the first bytes itself.
/// </summary>
public sealed class ConformanceTests
{
    private static readonly ConformanceCase[] Cases = [.. FramingCases.All, .. StreamCases.All, .. HeaderCases.All];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Our_port_speaks_HTTP2_as_the_RFC_says_and_as_Kestrel_alone_does(bool inPieces)
    {
        await using var alone = await KestrelAlone.StartAsync(StreamCases.StreamsMax);
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination(), new EndpointLimits { StreamsPerConnectionMax = StreamCases.StreamsMax });
        var complaints = new List<string>();
        foreach (var each in Cases)
        {
            var (ours, theirs) = (await each.RunAsync(door.Address, inPieces), await each.RunAsync(alone.Http2, inPieces));
            if (ours != theirs && !each.IsRace) complaints.Add($"{each.Section}: {each.Name}: ours {ours}, Kestrel alone {theirs}");
            else if (!each.Allows(ours)) complaints.Add($"{each.Section}: {each.Name}: {ours}, allowed {each.Allowed}");
        }

        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
        Assert.True(Cases.Length >= 95, $"only {Cases.Length} cases are left");
        Assert.Equal(200, (await door.GetAsync("/version", overHttp2: true)).Status);
    }

    /// <summary>Under TLS there is no port of two protocols: ALPN chooses. What is left is that the door sets Kestrel up as the RFC wants it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Our_port_speaks_HTTP2_under_TLS_as_the_RFC_says(bool inPieces)
    {
        using var certificates = new Certificates();
        certificates.Issue("server", "server");
        var files = TlsFiles.Open(certificates.Certificate("server"), certificates.Key("server"), null, NullLogger.Instance, TimeProvider.System);
        await using var door = await CoordinationEndpoint.StartAsync(new ScriptedCoordination(), new CoordinationEndpointOptions
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, 0)],
            Limits = new EndpointLimits { StreamsPerConnectionMax = StreamCases.StreamsMax },
            Tls = new ServerTls { Material = () => files.Current },
        });
        var complaints = new List<string>();
        foreach (var each in Cases)
            if (await each.RunAsync(door.Addresses[0], inPieces, overTls: true) is var verdict && !each.Allows(verdict)) complaints.Add($"{each.Section}: {each.Name}: {verdict}, allowed {each.Allowed}");
        Assert.True(complaints.Count == 0, string.Join('\n', complaints));
    }

    /// <summary>The one difference that is meant: etcd does not mind what etcdctl 3.4 sends, so we must not either.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Only_a_URL_for_an_authority_is_taken_where_Kestrel_alone_resets_the_stream(bool inPieces)
    {
        await using var alone = await KestrelAlone.StartAsync(StreamCases.StreamsMax);
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        Assert.Equal("RST PROTOCOL_ERROR", await HeaderCases.UrlForAnAuthority.RunAsync(alone.Http2, inPieces));
        Assert.Equal("RESPONSE", await HeaderCases.UrlForAnAuthority.RunAsync(door.Address, inPieces));
    }

    [Fact]
    public async Task A_window_of_nothing_holds_the_body_back_and_a_window_of_one_lets_one_byte_go()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        using var connection = await FrameConnection.ToAsync(door.Address, false);
        await connection.ShakeHandsAsync(Frames.Setting(4, 0));
        await connection.SendAsync(Frames.Get(1), Frames.Frame(Frames.Ping, 0, 0, new byte[8]));
        Assert.Equal("PONG,RESPONSE", await PairAsync(connection));
        var body = new List<byte>();
        while (body.Count < 5)
        {
            // (RFC 9113 6.9.2) What the server may send is exactly what it was allowed.
            await connection.SendAsync(Frames.Frame(Frames.WindowUpdate, 0, 1, Frames.Number(1)));
            var data = await connection.ReadAsync();
            Assert.Equal((Frames.Data, 1), (data!.Value.Type, data.Value.Payload.Length));
            body.AddRange(data.Value.Payload);
        }

        // (RFC 9113 6.9.2) A changed initial size moves the windows of streams that are open.
        await connection.SendAsync(Frames.Frame(Frames.Settings, 0, 0, Frames.Setting(4, 7)));
        Assert.Equal(Frames.Settings, (await connection.ReadAsync())!.Value.Type);
        var granted = await connection.ReadAsync();
        Assert.Equal(7, granted!.Value.Payload.Length);
        body.AddRange(granted.Value.Payload);
        Assert.StartsWith("{\"etcdserver", Encoding.ASCII.GetString([.. body]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404, 404)]
    [InlineData("POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 404)]
    [InlineData("GET /nope HTTP/1.1\r\nConnection: close\r\n\r\n", 400)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n", 400)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n folded\r\n\r\n", 400)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("GET /nope HTTP/9.9\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET nope HTTP/1.1\r\nHost: a\r\n\r\n", 405)]
    [InlineData("GET /nope\r\n\r\n", 400)]
    [InlineData("G\u0001T /nope HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET http://a/nope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404)]
    [InlineData("GET /nope HTTP/1.0\r\n\r\n", 404)]
    [InlineData("GET /nope HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 404)]
    public async Task Our_port_speaks_HTTP1_as_Kestrel_alone_does(string request, params int[] statuses)
    {
        await using var alone = await KestrelAlone.StartAsync(StreamCases.StreamsMax);
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var expected = string.Join(' ', statuses);
        foreach (var inPieces in (bool[])[false, true])
        {
            var (ours, theirs) = (await StatusesAsync(door.Address, request, inPieces), await StatusesAsync(alone.Http1, request, inPieces));
            Assert.True(ours == expected && theirs == expected, $"expected {expected}, ours {ours}, Kestrel alone {theirs}");
        }
    }

    private static async Task<string> PairAsync(FrameConnection connection)
    {
        string[] both = [await connection.VerdictAsync(1), await connection.VerdictAsync(1)];
        return string.Join(',', both.Order(StringComparer.Ordinal));
    }

    private static async Task<string> StatusesAsync(IPEndPoint server, string request, bool inPieces)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        var bytes = Encoding.Latin1.GetBytes(request);
        var piece = inPieces ? 1 : bytes.Length;
        try
        {
            for (var at = 0; at < bytes.Length; at += piece) await socket.SendAsync(bytes.AsMemory(at, piece));
        }
        catch (SocketException)
        {
            // Refused before the end.
        }

        var said = await OpenDoor.ReadAllAsync(socket);
        return string.Join(' ', said.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries).Where(answer => char.IsAsciiDigit(answer[0])).Select(answer => answer[..3]));
    }
}
