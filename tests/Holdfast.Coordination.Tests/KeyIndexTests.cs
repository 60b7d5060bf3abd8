using System.Buffers.Binary;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

public sealed class KeyIndexTests
{
    [Theory]
    [InlineData(1, 200)]
    [InlineData(2, 5000)]
    [InlineData(3, 100_000)]
    public void Index_agrees_with_a_sorted_set(ulong seed, int keySpace)
    {
        var dice = new SeededRandom(seed);
        var index = new KeyIndex();
        var model = new SortedSet<uint>();
        for (var step = 0; step < 40_000; step++)
        {
            var key = (uint)dice.Next(keySpace);
            var grows = step / 10_000 % 2 == 0;
            if (dice.Chance(grows ? 0.8 : 0.2))
            {
                model.Add(key);
                Assert.Equal(Bytes(key), index.FindOrAdd(Bytes(key)).Key);
            }
            else
            {
                model.Remove(key);
                index.Remove(Bytes(key));
            }

            if (step % 1000 != 0) continue;
            Assert.Equal(model.Count, index.Count);
            var from = (uint)dice.Next(keySpace);
            Assert.Equal(model.GetViewBetween(from, uint.MaxValue), Walk(index.Seek(Bytes(from))));
            Assert.Equal(model.GetViewBetween(from + 1, uint.MaxValue), Walk(index.SeekAfter(Bytes(from))));
            Assert.Equal(model.Contains(from), index.Find(Bytes(from)) is not null);
        }
    }

    [Fact]
    public void Growing_keys_fill_their_pages_and_can_all_go()
    {
        var index = new KeyIndex();
        for (uint key = 0; key < 20_000; key++) index.FindOrAdd(Bytes(key));
        Assert.Equal(20_000, Walk(index.Seek([])).Count);
        for (uint key = 0; key < 20_000; key++) index.Remove(Bytes(key));
        Assert.Equal(0, index.Count);
        Assert.Empty(Walk(index.Seek([])));
        index.FindOrAdd(Bytes(7));
        Assert.Equal([7u], Walk(index.Seek([])));
    }

    private static byte[] Bytes(uint key)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, key);
        return bytes;
    }

    private static List<uint> Walk(KeyCursor cursor)
    {
        List<uint> keys = [];
        while (cursor.Next() is { } record) keys.Add(BinaryPrimitives.ReadUInt32BigEndian(record.Key));
        return keys;
    }
}
