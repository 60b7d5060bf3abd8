using System.Buffers.Binary;
using System.Net;
using System.Text;
using Holdfast.Wire.Dns;

namespace Holdfast.Wire.Tests;

/// <summary>DNS messages (RFC 1035, 6891): what is written is read, and what comes from outside cannot hurt.</summary>
public sealed class DnsTests
{
    [Fact]
    public void A_question_is_read_with_its_options()
    {
        var query = DnsQuery.Read(Question("Web.SERVICE.holdfast", DnsType.Srv, edns: 4096, dnssec: true))!;
        Assert.Equal((ushort)0x1234, query.Id);
        Assert.Equal(["web", "service", "holdfast"], query.Labels);
        Assert.Equal((DnsType.Srv, DnsQuery.Internet, true, DnsCode.NoError), (query.Type, query.Class, query.WantsRecursion, query.Fault));
        Assert.Equal(new DnsEdns(4096, 0, true), query.Edns);
        Assert.Empty(DnsQuery.Read(Question("", DnsType.Ns))!.Labels);
    }

    [Fact]
    public void An_answer_is_well_formed_and_keeps_the_askers_spelling()
    {
        var question = Question("WeB.service.holdfast", DnsType.A, edns: 1232);
        var query = DnsQuery.Read(question)!;
        var buffer = new byte[DnsReplyWriter.UdpBytesMax];
        var length = DnsReplyWriter.Write(buffer, query, new DnsReply
        {
            Code = DnsCode.NoError,
            IsAuthoritative = true,
            Answers = [new DnsRecord(null, 5, new DnsData.Address(IPAddress.Parse("10.0.0.1"))), new DnsRecord("x.service.holdfast", 5, new DnsData.Service(1, 1, 80, "0a000001.addr.holdfast"))],
            Additional = [new DnsRecord("0a000001.addr.holdfast", 5, new DnsData.Address(IPAddress.Parse("fe80::1")))],
        });
        var answer = Parse(buffer.AsSpan(0, length));
        Assert.Equal((0x8500, 1, 2, 0, 2), (answer.Flags, answer.Counts[0], answer.Counts[1], answer.Counts[2], answer.Counts[3]));
        Assert.Equal(question[12..(12 + 26)], buffer[12..(12 + 26)]);
        Assert.Equal(["web.service.holdfast 1", "x.service.holdfast 33", "0a000001.addr.holdfast 28", " 41"], answer.Records);
    }

    /// <summary>Records are whole or not there, the message never exceeds its room, and only lost answers set the bit that says so.</summary>
    [Fact]
    public void Whatever_the_room_the_message_fits_and_says_when_it_is_cut_off()
    {
        var query = DnsQuery.Read(Question("web.service.holdfast", DnsType.A, edns: 512))!;
        var reply = new DnsReply
        {
            Code = DnsCode.NoError,
            Answers = [.. Enumerable.Range(0, 60).Select(at => new DnsRecord(null, 5, new DnsData.Address(new IPAddress([10, 0, 0, (byte)at]))))],
            Additional = [.. Enumerable.Range(0, 60).Select(at => new DnsRecord($"{at:x8}.addr.holdfast", 5, new DnsData.Address(new IPAddress([10, 0, 1, (byte)at]))))],
        };
        for (var room = DnsReplyWriter.UdpBytesMin; room < 4096; room++)
        {
            var buffer = new byte[room];
            var length = DnsReplyWriter.Write(buffer, query, reply);
            var answer = Parse(buffer.AsSpan(0, length));
            Assert.InRange(length, DnsQuery.HeaderBytes, room);
            Assert.Equal(answer.Counts[1] + answer.Counts[3], answer.Records.Count);
            Assert.Equal(answer.Counts[1] < 60, (answer.Flags & 0x0200) != 0);
            Assert.Equal(" 41", answer.Records[^1]);
        }
    }

    [Theory]
    [InlineData("0000", "too short to have a number")]
    [InlineData("12348180000100000000000000000100 01", "an answer: nothing may be said")]
    public void Some_messages_get_no_answer_at_all(string hex, string why) => Assert.True(DnsQuery.Read(Bytes(hex)) is null, why);

    [Theory]
    [InlineData("1234 0100 0000 0000 0000 0000", DnsCode.FormatError, "no question")]
    [InlineData("1234 0100 0002 0000 0000 0000 00 0001 0001 00 0001 0001", DnsCode.FormatError, "two questions")]
    [InlineData("1234 0100 ffff ffff ffff ffff 00 0001 0001", DnsCode.FormatError, "absurd counts")]
    [InlineData("1234 0100 0001 ffff ffff ffff 00 0001 0001", DnsCode.FormatError, "absurd counts behind a good question")]
    [InlineData("1234 0100 0001 0000 0000 0000 c00c 0001 0001", DnsCode.FormatError, "a name that points to itself")]
    [InlineData("1234 0100 0001 0000 0000 0000 01 61 c00c 0001 0001", DnsCode.FormatError, "a name that goes round and round")]
    [InlineData("1234 0100 0001 0000 0000 0000 c00e c00c 0001 0001", DnsCode.FormatError, "a pointer forward")]
    [InlineData("1234 0100 0001 0000 0000 0000 c0ff 0001 0001", DnsCode.FormatError, "a pointer out of the message")]
    [InlineData("1234 0100 0001 0000 0000 0000 40 0001 0001", DnsCode.FormatError, "a label type that nobody uses")]
    [InlineData("1234 0100 0001 0000 0000 0000 05 61", DnsCode.FormatError, "a label that is cut off")]
    [InlineData("1234 0100 0001 0000 0000 0000 00 0001", DnsCode.FormatError, "a question that is cut off")]
    [InlineData("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00000000 ffff", DnsCode.FormatError, "options longer than the message")]
    [InlineData("1234 0100 0001 0000 0000 0002 00 0001 0001 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", DnsCode.FormatError, "EDNS twice")]
    [InlineData("1234 0100 0001 0001 0000 0000 00 0001 0001 00 0029 04d0 00000000 0000", DnsCode.FormatError, "EDNS among the answers")]
    [InlineData("1234 0100 0001 0000 0000 0001 00 0001 0001 00 0029 04d0 00010000 0000", DnsCode.BadVersion, "an EDNS version that is not there")]
    [InlineData("1234 2900 0001 0000 0000 0000 00 0001 0001", DnsCode.NotImplemented, "an update")]
    public void What_cannot_be_read_is_answered_with_its_own_code(string hex, DnsCode code, string why)
    {
        var query = DnsQuery.Read(Bytes(hex));
        Assert.True(query?.Fault == code, $"{why}: {query?.Fault}");
        var buffer = new byte[DnsReplyWriter.UdpBytesMin];
        var answer = Parse(buffer.AsSpan(0, DnsReplyWriter.Write(buffer, query!, new DnsReply { Code = code })));
        Assert.Equal(((int)code & 0xf, 0x8000), (answer.Flags & 0xf, answer.Flags & 0x8000));
    }

    [Fact]
    public void A_name_has_255_bytes_at_most()
    {
        var longest = string.Join('.', Enumerable.Repeat(new string('a', 61), 4)) + ".bbbbb";
        Assert.Equal(DnsCode.NoError, DnsQuery.Read(Question(longest, DnsType.A))!.Fault);
        Assert.Equal(DnsCode.FormatError, DnsQuery.Read(Question(longest + "b", DnsType.A))!.Fault);
    }

    /// <summary>Good questions cut off anywhere, with bytes changed, put together from pieces, and pure noise: no exception, and whatever can be answered has a well-formed answer.</summary>
    [Fact]
    public void Noise_never_throws_and_never_makes_an_ill_formed_answer()
    {
        var dice = new Random(20260101);
        var buffer = new byte[DnsReplyWriter.UdpBytesMax];
        var (read, refused, silent) = (0, 0, 0);
        for (var round = 0; round < 200_000; round++)
        {
            var message = Noise(dice, round);
            if (DnsQuery.Read(message) is not { } query)
            {
                silent++;
                continue;
            }

            if (query.Fault == DnsCode.NoError) read++;
            else refused++;
            var reply = new DnsReply { Code = query.Fault, Answers = query.Fault == DnsCode.NoError ? [new DnsRecord(null, 1, new DnsData.Address(IPAddress.Loopback))] : [] };
            var answer = Parse(buffer.AsSpan(0, DnsReplyWriter.Write(buffer.AsSpan(0, DnsReplyWriter.UdpRoom(query)), query, reply)));
            Assert.Equal(BinaryPrimitives.ReadUInt16BigEndian(message), answer.Id);
        }

        Assert.True(read > 1000 && refused > 1000 && silent > 1000, $"{read} read, {refused} refused, {silent} not answered: the noise is too uniform");
    }

    private static byte[] Noise(Random dice, int round)
    {
        var message = Question("web.service.holdfast", DnsType.A, edns: round % 2 == 0 ? 1232 : 0);
        switch (round % 4)
        {
            case 0:
                return message[..dice.Next(message.Length + 1)];
            case 1:
                for (var change = dice.Next(1, 4); change > 0; change--) message[dice.Next(message.Length)] = (byte)dice.Next(256);
                return message;
            case 2:
                // Pointers and lengths where names are.
                message[12 + dice.Next(message.Length - 12)] = (byte)(0xc0 | dice.Next(64));
                return message;
            default:
                var noise = new byte[dice.Next(80)];
                dice.NextBytes(noise);
                return noise;
        }
    }

    private static byte[] Question(string name, DnsType type, int edns = 0, bool dnssec = false)
    {
        var bytes = new List<byte>(Bytes($"1234 0100 0001 0000 0000 000{(edns > 0 ? 1 : 0)}"));
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries)) bytes.AddRange([(byte)label.Length, .. Encoding.ASCII.GetBytes(label)]);
        bytes.AddRange([0, (byte)((ushort)type >> 8), (byte)type, 0, 1]);
        if (edns > 0) bytes.AddRange([0, 0, 41, (byte)(edns >> 8), (byte)edns, 0, 0, (byte)(dnssec ? 0x80 : 0), 0, 0, 0]);
        return [.. bytes];
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>A reader of answers that is not the product's.</summary>
    private static (int Id, int Flags, int[] Counts, List<string> Records) Parse(ReadOnlySpan<byte> message)
    {
        int[] counts = [U16(message, 4), U16(message, 6), U16(message, 8), U16(message, 10)];
        var at = 12;
        for (var question = 0; question < counts[0]; question++)
        {
            Name(message, ref at);
            at += 4;
        }

        var records = new List<string>();
        for (var record = 0; record < counts[1] + counts[2] + counts[3]; record++)
        {
            var name = Name(message, ref at);
            records.Add($"{name} {U16(message, at)}");
            at += 10 + U16(message, at + 8);
        }

        Assert.Equal(message.Length, at);
        return (U16(message, 0), U16(message, 2), counts, records);
    }

    private static string Name(ReadOnlySpan<byte> message, ref int at)
    {
        var labels = new List<string>();
        for (var (position, jumped) = (at, false); ;)
        {
            int size = message[position];
            if (size >= 0xc0)
            {
                if (!jumped) at = position + 2;
                (position, jumped) = (((size & 0x3f) << 8) | message[position + 1], true);
                continue;
            }

            if (size == 0)
            {
                if (!jumped) at = position + 1;
                return string.Join('.', labels);
            }

            labels.Add(Encoding.Latin1.GetString(message.Slice(position + 1, size)).ToLowerInvariant());
            position += size + 1;
        }
    }

    private static int U16(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
}
