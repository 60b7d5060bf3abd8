using System.Text;

namespace Holdfast.Primitives.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void The_check_value_of_the_standard_is_reached() => Assert.Equal(0xE3069283u, Crc32C.Of(Encoding.ASCII.GetBytes("123456789")));

    [Theory]
    [InlineData(0x00, 0x8A9136AAu)] // RFC 3720, appendix B.4: 32 bytes of zeroes,
    [InlineData(0xFF, 0x62A8AB43u)] // and of ones.
    public void Thirty_two_equal_bytes_have_the_sum_of_the_standard(byte value, uint expected)
    {
        var data = new byte[32];
        Array.Fill(data, value);
        Assert.Equal(expected, Crc32C.Of(data));
    }

    [Fact]
    public void Two_spans_count_as_one_wherever_the_cut_is()
    {
        var data = Enumerable.Range(0, 61).Select(n => (byte)(n * 37)).ToArray();
        for (var cut = 0; cut <= data.Length; cut++) Assert.Equal(Crc32C.Of(data), Crc32C.Of(data.AsSpan(0, cut), data.AsSpan(cut)));
    }
}
