using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>What every command passes on its way: its name is found, and its key's slot.</summary>
public sealed class RoutingTests
{
    [Theory]
    [InlineData("123456789", 0x31C3)]
    [InlineData("foo", 12182)]
    [InlineData("{user1000}.following", 3443)]
    [InlineData("foo{}{bar}", 8363)]
    [InlineData("foo{{bar}}zap", 4015)]
    [InlineData("foo{bar}{zap}", 5061)]
    [InlineData("", 0)]
    public void A_key_has_the_slot_of_the_cluster_specification(string key, int slot) => Assert.Equal(slot, KeySlot.Of(Encoding.ASCII.GetBytes(key)));

    [Fact]
    public void A_slot_is_the_checksum_taken_bit_by_bit_whatever_the_length()
    {
        var dice = new SeededRandom(1);
        for (var length = 0; length < 70; length++)
        {
            var key = Enumerable.Range(0, length).Select(_ => (byte)dice.Next(256)).Where(static each => each != '{').ToArray();
            var sum = 0;
            foreach (var each in key)
            {
                sum ^= each << 8;
                for (var bit = 0; bit < 8; bit++) sum = (sum & 0x8000) != 0 ? (sum << 1) ^ 0x11021 : sum << 1;
            }

            Assert.Equal(sum & (KeySlot.Count - 1), KeySlot.Of(key));
        }
    }

    [Fact]
    public void Every_name_is_found_in_any_case_first_and_again()
    {
        var table = CommandTable.Build();
        for (var round = 0; round < 3; round++)
        {
            foreach (var (name, spec) in table.All)
            {
                Assert.Same(spec, table.Find(Encoding.ASCII.GetBytes(name)));
                Assert.Same(spec, table.Find(Encoding.ASCII.GetBytes(name.ToUpperInvariant())));
                Assert.Same(spec, table.Find(Encoding.ASCII.GetBytes(char.ToUpperInvariant(name[0]) + name[1..])));
            }
        }
    }

    [Fact]
    public void What_is_no_name_is_not_found_though_its_bytes_look_like_one()
    {
        var table = CommandTable.Build();
        Assert.NotNull(table.Find("ping"u8));
        foreach (var other in (string[])["", "pingping", "pin", "pingg", "getset1", "\0get", "get\0", "gxt", new string('g', 40)]) Assert.Null(table.Find(Encoding.ASCII.GetBytes(other)));
        Assert.NotNull(table.Find("get"u8));
        Assert.Null(table.Find("get\0"u8));
    }
}
