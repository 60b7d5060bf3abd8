using System.Buffers;
using System.IO.Pipelines;
using Holdfast.Coordination.Endpoints.Port;
using Holdfast.Http;

namespace Holdfast.Coordination.Tests.Endpoints;

public sealed class AuthorityMendTests
{
    /// <summary>":authority: http://127.0.0.1:2379" as grpc-go codes it: a literal with an indexed name, the value in Huffman code.</summary>
    private static readonly byte[] Coded = [0x41, 0x8f, 0x9d, 0x29, 0xae, 0xe3, 0x0c, 0x04, 0x4e, 0xae, 0x05, 0xc0, 0xb8, 0x6e, 0x09, 0x97, 0x5f];

    [Fact]
    public async Task A_url_in_the_first_headers_becomes_a_host_of_the_same_length_and_nothing_else_changes()
    {
        var plain = "http://127.0.0.1:2379"u8.ToArray();
        byte[] headers = [0x83, 0x86, 0x45, 0x03, (byte)'/', (byte)'a', (byte)'b', 0x41, (byte)plain.Length, .. plain];
        var seen = await ThroughAsync([PrefaceSniffer.Preface.ToArray(), Frame(4, []), Frame(1, headers), Frame(0, "http://data"u8.ToArray()), Frame(1, headers)]);
        byte[] mended = [.. headers[..9], .. "httpx--127.0.0.1:2379"u8];
        Assert.Equal([.. PrefaceSniffer.Preface, .. Frame(4, []), .. Frame(1, mended), .. Frame(0, "http://data"u8.ToArray()), .. Frame(1, headers)], seen);
    }

    [Fact]
    public async Task The_huffman_form_is_mended_too_and_arriving_byte_by_byte_makes_no_difference()
    {
        byte[] all = [.. PrefaceSniffer.Preface, .. Frame(4, []), .. Frame(1, Coded)];
        var seen = await ThroughAsync([.. all.Select(one => (byte[])[one])]);
        byte[] mended = [0x41, Coded[1], 0x9d, 0x29, 0xaf, 0xca, 0xcb, .. Coded[7..]];
        Assert.Equal([.. PrefaceSniffer.Preface, .. Frame(4, []), .. Frame(1, mended)], seen);
    }

    [Fact]
    public async Task A_host_stays_as_it_is()
    {
        byte[] headers = [0x41, 14, .. "127.0.0.1:2379"u8];
        byte[] all = [.. PrefaceSniffer.Preface, .. Frame(1, headers)];
        Assert.Equal(all, await ThroughAsync([all]));
    }

    private static byte[] Frame(byte type, byte[] payload) => [0, 0, (byte)payload.Length, type, 4, 0, 0, 0, 1, .. payload];

    /// <summary>Sends pieces one by one, and reads meanwhile as Kestrel does: it takes away whatever it is shown.</summary>
    private static async Task<byte[]> ThroughAsync(byte[][] pieces)
    {
        var pipe = new Pipe();
        var writing = WriteAsync(pipe.Writer, pieces);
        var reader = new AuthorityMend(pipe.Reader);
        var seen = new List<byte>();
        ReadResult result;
        do
        {
            result = await reader.ReadAsync();
            seen.AddRange(result.Buffer.ToArray());
            reader.AdvanceTo(result.Buffer.End);
        }
        while (!result.IsCompleted);
        await writing;
        return [.. seen];
    }

    private static async Task WriteAsync(PipeWriter writer, byte[][] pieces)
    {
        foreach (var piece in pieces)
        {
            await writer.WriteAsync(piece);
            await Task.Yield();
        }

        await writer.CompleteAsync();
    }
}
