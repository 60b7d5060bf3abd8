using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Wire.Tests;

/// <summary>Requests of Redis's protocol: whole, in pieces, wrong, absurd. The reader says need-more or why not, in memory that follows what came.</summary>
public sealed class RespRequestTests
{
    private static readonly RespLimits Limits = new();

    [Theory]
    [InlineData("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "GET|a")]
    [InlineData("*1\r\n$4\r\nPING\r\n", "PING")]
    [InlineData("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$2\r\n\r\n\r\n", "SET||\r\n")]
    [InlineData("PING\r\n", "PING")]
    [InlineData("SET key value\n", "SET|key|value")]
    [InlineData("  SET   \"a b\" 'c d'  \r\n", "SET|a b|c d")]
    [InlineData("SET \"\\x41\\n\\\"\" '\\''\r\n", "SET|A\n\"|'")]
    [InlineData("\r\n", "")]
    [InlineData("*0\r\n", "")]
    [InlineData("*-1\r\n", "")]
    public void A_request_is_read_whole_and_split_at_every_byte(string text, string words)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var reader = new RespRequestReader();
            Assert.Equal(RespProgress.NeedMore, reader.Read(bytes, 0, cut, Limits));
            Assert.Equal(RespProgress.Ready, reader.Read(bytes, 0, bytes.Length, Limits));
            Assert.Equal(bytes.Length, reader.Consumed);
            Assert.Equal(words, Words(reader.Arguments));
        }
    }

    [Fact]
    public void A_request_that_comes_byte_by_byte_survives_its_buffer_s_moves()
    {
        var bytes = Encoding.ASCII.GetBytes("*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$5\r\nworld\r\n");
        var reader = new RespRequestReader();
        var buffer = new byte[16];
        var start = 8;
        for (var have = 0; have < bytes.Length;)
        {
            if (start + have == buffer.Length)
            {
                var larger = new byte[buffer.Length + 7];
                buffer.AsSpan(start, have).CopyTo(larger);
                reader.OnMoved(larger, -start);
                (buffer, start) = (larger, 0);
            }

            buffer[start + have] = bytes[have];
            have++;
            Assert.Equal(have == bytes.Length ? RespProgress.Ready : RespProgress.NeedMore, reader.Read(buffer, start, start + have, Limits));
        }

        Assert.Equal("SET|hello|world", Words(reader.Arguments));
    }

    [Theory]
    [InlineData("*1\r\n+OK\r\n", "expected '$', got '+'")]
    [InlineData("*abc\r\n", "invalid multibulk length")]
    [InlineData("*1048577\r\n", "invalid multibulk length")]
    [InlineData("*99999999999999999999999\r\n", "invalid multibulk length")]
    [InlineData("*1\r\n$-1\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$abc\r\n", "invalid bulk length")]
    [InlineData("*01\r\n", "invalid multibulk length")]
    [InlineData("*\r\n", "invalid multibulk length")]
    [InlineData("*1\r\n$04\r\nPING\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$+4\r\nPING\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$4 \r\nPING\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$999999999\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$536870913\r\n", "invalid bulk length")]
    [InlineData("*1\r\n$9223372036854775808\r\n", "invalid bulk length")]
    [InlineData("SET \"a\r\n", "unbalanced quotes in request")]
    [InlineData("SET \"a\"b\r\n", "unbalanced quotes in request")]
    public void What_is_not_the_protocol_is_said_in_Redis_s_words(string text, string fault)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var reader = new RespRequestReader();
        Assert.Equal(RespProgress.Failed, reader.Read(bytes, 0, bytes.Length, Limits));
        Assert.Equal(fault, reader.Fault);
    }

    [Fact]
    public void Lines_and_lengths_without_end_are_refused_beyond_64_KiB()
    {
        foreach (var (text, fault) in ((string, string)[])[("x", "too big inline request"), ("*1", "too big mbulk count string"), ("*1\r\n$1", "too big bulk count string")])
        {
            var bytes = Encoding.ASCII.GetBytes(text + new string('1', 70_000));
            var reader = new RespRequestReader();
            Assert.Equal(RespProgress.Failed, reader.Read(bytes, 0, bytes.Length, Limits));
            Assert.Equal(fault, reader.Fault);
        }
    }

    [Fact]
    public void A_stranger_may_send_little()
    {
        var many = Encoding.ASCII.GetBytes("*11\r\n");
        var reader = new RespRequestReader();
        Assert.Equal(RespProgress.Failed, reader.Read(many, 0, many.Length, RespLimits.OfStrangers));
        Assert.Equal("unauthenticated multibulk length", reader.Fault);
    }

    [Fact]
    public void A_claimed_length_takes_no_memory_before_its_bytes_have_come()
    {
        var bytes = Encoding.ASCII.GetBytes("*1048576\r\n$536870912\r\nabc");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var reader = new RespRequestReader();
        Assert.Equal(RespProgress.NeedMore, reader.Read(bytes, 0, bytes.Length, Limits));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024);
        Assert.Equal(0, reader.Arguments.Count);
    }

    [Fact]
    public void Random_bytes_and_damaged_requests_never_throw_and_never_read_beyond_their_end()
    {
        var dice = new SeededRandom(1);
        var good = Encoding.ASCII.GetBytes("*3\r\n$3\r\nSET\r\n$5\r\nhello\r\n$10\r\n0123456789\r\n");
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = dice.Chance(0.5) ? good.ToArray() : new byte[dice.Next(1, 64)];
            var harm = dice.Next(1, 6);
            for (var i = 0; i < harm; i++) bytes[dice.Next(bytes.Length)] = dice.Chance(0.5) ? (byte)dice.Next(256) : (byte)"*$\r\n-0159+"[dice.Next(10)];
            var reader = new RespRequestReader();
            for (int start = 0, end = 0; end <= bytes.Length; end += dice.Next(1, 20))
            {
                var progress = reader.Read(bytes, start, end, Limits);
                if (progress == RespProgress.Failed)
                {
                    Assert.NotEqual("", reader.Fault);
                    break;
                }

                if (progress == RespProgress.NeedMore) continue;
                Assert.InRange(reader.Consumed, 1, end - start);
                Words(reader.Arguments);
                start += reader.Consumed;
            }
        }
    }

    [Fact]
    public void A_reply_ten_thousand_arrays_deep_is_refused_and_one_of_many_values_is_measured()
    {
        var deep = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", 10_000)) + ":1\r\n");
        Assert.Equal(-1, RespReply.Measure(deep));
        var wide = Encoding.ASCII.GetBytes("*10000\r\n" + string.Concat(Enumerable.Repeat("%1\r\n+a\r\n*2\r\n:1\r\n$-1\r\n", 10_000)));
        Assert.Equal(wide.Length, RespReply.Measure(wide));
        for (var cut = 0; cut < 500; cut++) Assert.Equal(0, RespReply.Measure(wide.AsSpan(0, cut)));
        Assert.Equal(-1, RespReply.Measure("?\r\n"u8));
        Assert.Equal(0, RespReply.Measure("*2147483647\r\n"u8));
    }

    [Theory]
    [InlineData(0.1, "0.10000000000000001")]
    [InlineData(3.0, "3")]
    [InlineData(-2.5, "-2.5")]
    [InlineData(1e17, "1e+17")]
    [InlineData(1.5e300, "1.5000000000000001e+300")]
    [InlineData(1e-5, "1.0000000000000001e-05")]
    [InlineData(0.0001, "0.0001")]
    [InlineData(123456789.125, "123456789.125")]
    [InlineData(5e-324, "4.9406564584124654e-324")]
    [InlineData(-0.0, "-0")]
    [InlineData(double.PositiveInfinity, "inf")]
    public void A_float_is_written_as_seventeen_digits_of_C(double number, string text)
    {
        Span<byte> target = stackalloc byte[RespNumber.BytesMax];
        Assert.Equal(text, Encoding.ASCII.GetString(target[..RespNumber.Format(number, target)]));
        Assert.True(RespNumber.TryParse(Encoding.ASCII.GetBytes(text), out double back));
        Assert.Equal(number, back);
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("-9223372036854775808", true)]
    [InlineData("9223372036854775807", true)]
    [InlineData("9223372036854775808", false)]
    [InlineData("-9223372036854775809", false)]
    [InlineData("+1", false)]
    [InlineData("01", false)]
    [InlineData("-0", false)]
    [InlineData("-", false)]
    [InlineData("", false)]
    [InlineData(" 1", false)]
    [InlineData("1 ", false)]
    [InlineData("1.0", false)]
    [InlineData("99999999999999999999999", false)]
    public void A_whole_number_has_one_form(string text, bool isOne) => Assert.Equal(isOne, RespNumber.TryParse(Encoding.ASCII.GetBytes(text), out long _));

    private static string Words(RespArguments arguments) => string.Join('|', Enumerable.Range(0, arguments.Count).Select(i => Encoding.Latin1.GetString(arguments[i])));
}
