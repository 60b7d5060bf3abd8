using System.Buffers;
using System.IO.Pipelines;
using Holdfast.Coordination.Endpoints.Port;

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

    /// <summary>Sends pieces, and reads as Kestrel does: whole frames are consumed, the rest is looked at again.</summary>
    private static async Task<byte[]> ThroughAsync(byte[][] pieces)
    {
        var pipe = new Pipe();
        var reader = new AuthorityMend(pipe.Reader);
        var seen = new List<byte>();
        foreach (var piece in pieces)
        {
            await pipe.Writer.WriteAsync(piece);
            if (piece == pieces[^1]) await pipe.Writer.CompleteAsync();
            Consume(await reader.ReadAsync(), reader, seen);
        }

        return [.. seen];
    }

    private static void Consume(ReadResult result, AuthorityMend reader, List<byte> seen)
    {
        var rest = result.Buffer;
        while (true)
        {
            var head = rest.Slice(0, Math.Min(rest.Length, 24)).ToArray();
            var size = head.Length == 24 && PrefaceSniffer.Preface.SequenceEqual(head) ? 24 : head.Length >= 9 && head[0] == 0 ? 9 + head[2] : int.MaxValue;
            if (rest.Length < size) break;
            seen.AddRange(rest.Slice(0, size).ToArray());
            rest = rest.Slice(size);
        }

        reader.AdvanceTo(rest.Start, result.Buffer.End);
    }
}
