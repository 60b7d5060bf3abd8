using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Tests.Endpoints;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests.Fuzz;

/// <summary>JSON of every kind of damage: it is read or refused as the client's fault, whatever it is, and never anything else.</summary>
public sealed class JsonFuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Damaged_JSON_is_read_or_refused(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 20_000; round++)
        {
            var request = Any(dice);
            var json = DamagedBytes.Of(JsonOf(request), dice);
            if (TryRead(new ReadOnlySequence<byte>(json), request.Descriptor, out var message, out _)) read++;
            else
            {
                refused++;
                continue;
            }

            // What was read is a message, and reading what is printed of it gives the same one.
            if (message is null) continue;
            Assert.True(TryRead(new ReadOnlySequence<byte>(JsonOf(message)), request.Descriptor, out var again, out var fault), $"{Shown(json)}: {fault}");
            Assert.Equal(message, again);
        }

        Assert.True(read > 1000 && refused > 1000, $"{read} read, {refused} refused");
    }

    [Theory]
    [InlineData(3)]
    public void JSON_in_pieces_is_read_as_in_one(ulong seed)
    {
        var dice = new SeededRandom(seed);
        for (var round = 0; round < 300; round++)
        {
            var request = Any(dice);
            var json = dice.Chance(0.5) ? JsonOf(request) : DamagedBytes.Of(JsonOf(request), dice);
            var isRead = TryRead(new ReadOnlySequence<byte>(json), request.Descriptor, out var whole, out var fault);
            for (var at = 1; at < json.Length; at++)
            {
                var places = dice.Chance(0.5) ? [at] : new[] { at, at + dice.Next(json.Length - at) };
                Assert.True(isRead == TryRead(DamagedBytes.Split(json, places), request.Descriptor, out var parts, out var otherFault), $"{Shown(json)} at {at}: {fault} and {otherFault}");
                Assert.Equal(whole, parts);
                Assert.Equal(fault, otherFault);
            }
        }
    }

    [Theory]
    [InlineData("""{"key":"YQ==","range_end":"Yg==","limit":"000000000000000000000000000000000000005"}""")]
    [InlineData("""{"limit":123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890}""")]
    [InlineData("""{"limit":"-9223372036854775809"}""")]
    [InlineData("""{"limit":1e3}""")]
    [InlineData("""{"limit":"1.5"}""")]
    [InlineData("""{"limit":" 5"}""")]
    [InlineData("""{"limit":""}""")]
    [InlineData("""{"limit":[]}""")]
    [InlineData("""{"serializable":"true"}""")]
    [InlineData("""{"serializable":1}""")]
    [InlineData("""{"sort_order":"descend"}""")]
    [InlineData("""{"sort_order":99999999999}""")]
    [InlineData("""{"key":{}}""")]
    [InlineData("""{"key":"YQ="}""")]
    [InlineData("""{"key":"Y Q="}""")]
    [InlineData("""{"key":"=YQ="}""")]
    [InlineData("""{"key":"YQ==YQ=="}""")]
    [InlineData("""{"key":"\ud800"}""")]
    [InlineData("""{'key':'YQ=='}""")]
    [InlineData("""{"key":"YQ==",}""")]
    [InlineData("""{"key" "YQ=="}""")]
    [InlineData("""{key:"YQ=="}""")]
    [InlineData("""{"key":"YQ==" /* a comment */}""")]
    [InlineData("\"text\"")]
    [InlineData("5")]
    [InlineData("true")]
    public void Of_these_only_what_etcd_reads_is_read(string json)
    {
        // The first is a number to etcd too: leading zeros are of no JSON number, but may stand in a string.
        var isRead = TryRead(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), RangeRequest.Descriptor, out _, out var fault);
        Assert.False(isRead && !json.Contains("00005", StringComparison.Ordinal), "it was read");
        if (!isRead) Assert.False(string.IsNullOrEmpty(fault));
    }

    [Fact]
    public async Task A_stream_of_JSON_is_read_alike_wherever_it_is_cut()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        const string Body = "{\"ID\":77} \n {\"ID\":\"78\",\"unknown\":[{\"a\":\"\\u00e9}\"}]}{\"ID\":77}";
        var (status, expected) = await door.PostAsync("/v3/lease/keepalive", Body);
        Assert.Equal((200, 3), (status, expected.Count(letter => letter == '\n')));
        var bytes = Encoding.UTF8.GetBytes(Body);
        for (var at = 1; at < bytes.Length; at++)
        {
            using var socket = await door.ConnectAsync();
            socket.NoDelay = true;
            await socket.SendAsync(Encoding.ASCII.GetBytes("POST /v3/lease/keepalive HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"));
            await socket.SendAsync((byte[])[.. Encoding.ASCII.GetBytes($"{at:x}\r\n"), .. bytes.AsSpan(0, at), .. "\r\n"u8]);
            await Task.Yield();
            await socket.SendAsync((byte[])[.. Encoding.ASCII.GetBytes($"{bytes.Length - at:x}\r\n"), .. bytes.AsSpan(at), .. "\r\n0\r\n\r\n"u8]);
            var said = await OpenDoor.ReadAllAsync(socket);
            Assert.True(said.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && expected.Split('\n').All(line => said.Contains(line, StringComparison.Ordinal)), $"cut at {at}: {said}");
        }
    }

    private static IMessage Any(SeededRandom dice) => dice.Next(6) switch
    {
        0 => RandomRequests.Put(dice),
        1 => RandomRequests.Range(dice, 50),
        2 => RandomRequests.Delete(dice),
        3 => new LeaseGrantRequest { ID = dice.Next(100), TTL = dice.Next(1000) },
        _ => RandomRequests.Txn(dice, 50),
    };

    private static byte[] JsonOf(IMessage message)
    {
        var json = new ByteBuffer(256);
        WireToJson.Write(message, json);
        return json.Written.ToArray();
    }

    private static bool TryRead(in ReadOnlySequence<byte> json, MessageDescriptor type, out IMessage? message, out string? fault)
    {
        (message, fault) = (null, null);
        var wire = new WireBuffer();
        try
        {
            JsonToWire.Write(json, JsonShape.Of(type), wire);
            message = type.Parser.ParseFrom(wire.Written.ToArray());
            return true;
        }
        catch (CallException refused)
        {
            Assert.Equal(CallFailure.InvalidArgument, refused.Failure.Code);
            fault = refused.Failure.Message;
            return false;
        }
    }

    private static string Shown(byte[] json) => Encoding.Latin1.GetString(json);
}
