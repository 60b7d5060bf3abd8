using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Wire.Tests;

/// <summary>A glance at requests sees what the reader will read, or ends.</summary>
public sealed class RespGlanceTests
{
    [Fact]
    public void What_is_seen_is_what_is_read_and_nothing_is_seen_of_what_is_not_whole()
    {
        var dice = new SeededRandom(1);
        for (var round = 0; round < 200; round++)
        {
            var requests = Enumerable.Range(0, dice.Next(1, 6)).Select(_ => Enumerable.Range(0, dice.Next(1, RespGlance.WordsMax + 1)).Select(_ => new string('w', dice.Next(40))).ToArray()).ToArray();
            var bytes = Encoding.ASCII.GetBytes(string.Concat(requests.Select(words => $"*{words.Length}\r\n{string.Concat(words.Select(word => $"${word.Length}\r\n{word}\r\n"))}")));
            var reader = new RespRequestReader();
            var (at, start) = (0, 0);
            foreach (var words in requests)
            {
                for (var cut = start; cut < start + 3; cut++)
                {
                    var begun = start;
                    Assert.False(RespGlance.TryPass(bytes.AsSpan(0, cut), ref begun, out _, out _));
                    Assert.Equal(start, begun);
                }

                Assert.True(RespGlance.TryPass(bytes, ref at, out var word, out var length));
                Assert.Equal(RespProgress.Ready, reader.Read(bytes, start, bytes.Length, new RespLimits()));
                start += reader.Consumed;
                Assert.Equal(start, at);
                Assert.Equal(words.Length > 1 ? words[1] : "", Encoding.ASCII.GetString(bytes, word, length));
            }

            Assert.False(RespGlance.TryPass(bytes.AsSpan(0, bytes.Length - 1), ref start, out _, out _) || RespGlance.TryPass(bytes, ref at, out _, out _));
        }
    }

    [Theory]
    [InlineData("PING\r\n")]
    [InlineData("*1\r\n:1\r\n")]
    [InlineData("*-1\r\n")]
    [InlineData("*9\r\n")]
    [InlineData("*999999999999\r\n")]
    [InlineData("*2\r\n$3\r\nGET\r\n$99999999\r\na\r\n")]
    [InlineData("*2\r\n$3\r\nGET\r\n$2147483647\r\na\r\n")]
    [InlineData("*2\r\n$-1\r\n$1\r\na\r\n")]
    [InlineData("*\r\n")]
    public void What_is_written_otherwise_ends_the_glance(string text)
    {
        var at = 0;
        Assert.False(RespGlance.TryPass(Encoding.ASCII.GetBytes(text), ref at, out _, out _));
        Assert.Equal(0, at);
    }

    [Fact]
    public void Any_bytes_at_all_are_looked_at_within_their_bounds()
    {
        var dice = new SeededRandom(2);
        var letters = "*$0123456789\r\nab"u8.ToArray();
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Enumerable.Range(0, dice.Next(60)).Select(_ => letters[dice.Next(letters.Length)]).ToArray();
            var at = 0;
            while (RespGlance.TryPass(bytes, ref at, out var word, out var length)) Assert.True(word + length <= bytes.Length && at <= bytes.Length);
        }
    }
}
