using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

public sealed unsafe class RecordTableTests : IDisposable
{
    private readonly NativeArena arena = new();
    private readonly Dictionary<string, nint> model = [];
    private RecordTable table;

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    [InlineData(3, 4)]
    public void A_table_is_what_a_dictionary_is_over_growth_and_shrinking(ulong seed, int equalHashBits)
    {
        var dice = new SeededRandom(seed);
        for (var round = 0; round < 60_000; round++)
        {
            // First it grows, then it shrinks, twice.
            var grows = round % 30_000 < 15_000;
            var key = $"key{dice.Next(20_000)}";
            if (dice.Chance(grows ? 0.8 : 0.2)) Add(key, equalHashBits);
            else Remove(key, equalHashBits);
            if (round % 997 == 0) Check(equalHashBits);
        }

        Check(equalHashBits);
    }

    [Fact]
    public void A_walk_meets_everything_that_was_there_all_the_time_while_the_table_grows_and_shrinks()
    {
        var dice = new SeededRandom(7);
        for (var i = 0; i < 3000; i++) Add($"stays{i}", 0);
        for (var round = 0; round < 20; round++)
        {
            var met = new HashSet<string>();
            var visitor = new Collector { Met = met };
            var cursor = 0UL;
            var steps = 0;
            do
            {
                cursor = table.Walk(cursor, ref visitor);
                for (var i = 0; i < 20; i++)
                {
                    if (round % 2 == 0) Add($"comes{dice.Next(40_000)}", 0);
                    else Remove($"comes{dice.Next(40_000)}", 0);
                }

                Assert.True(++steps < 1_000_000, "the walk does not end");
            }
            while (cursor != 0);
            for (var i = 0; i < 3000; i++) Assert.Contains($"stays{i}", met);
        }
    }

    [Fact]
    public void An_arena_gives_blocks_that_do_not_overlap_and_takes_them_back()
    {
        var dice = new SeededRandom(3);
        var blocks = new List<(nint Block, int Size, byte Mark)>();
        for (var round = 0; round < 20_000; round++)
        {
            if (blocks.Count > 0 && dice.Chance(0.48))
            {
                var at = dice.Next(blocks.Count);
                var (block, size, mark) = blocks[at];
                Assert.Equal(-1, new ReadOnlySpan<byte>((void*)block, size).IndexOfAnyExcept(mark));
                arena.Give((byte*)block, size);
                blocks.RemoveAt(at);
                continue;
            }

            var length = dice.Chance(0.02) ? dice.Next(NativeArena.SmallMax, 100_000) : dice.Chance(0.2) ? dice.Next(128, 5000) : dice.Next(1, 128);
            var taken = arena.Take(length);
            var fill = (byte)dice.Next(256);
            new Span<byte>(taken, length).Fill(fill);
            blocks.Add(((nint)taken, length, fill));
        }

        foreach (var (block, size, _) in blocks) arena.Give((byte*)block, size);
        Assert.Equal(0, arena.BytesUsed);
    }

    public void Dispose()
    {
        table.Free();
        arena.Dispose();
    }

    private static uint HashOf(string key, int equalBits) => KeyHash.Of(Encoding.ASCII.GetBytes(key), 42) & (equalBits == 0 ? uint.MaxValue : (1u << (32 - (equalBits * 4))) - 1);

    private void Add(string key, int equalBits)
    {
        if (model.ContainsKey(key)) return;
        var bytes = Encoding.ASCII.GetBytes(key);
        var record = KeyRecord.Make(arena, HashOf(key, equalBits), bytes, ValueKind.String, ValueEncoding.Raw, 0, false, -1);
        table.Add(record);
        model[key] = (nint)record;
    }

    private void Remove(string key, int equalBits)
    {
        if (!model.Remove(key, out var record)) return;
        Assert.Equal(record, (nint)table.Find(HashOf(key, equalBits), Encoding.ASCII.GetBytes(key)));
        table.Remove((byte*)record);
        arena.Give((byte*)record, KeyRecord.SizeOf((byte*)record));
    }

    private void Check(int equalBits)
    {
        Assert.Equal(model.Count, table.Count);
        foreach (var (key, record) in model) Assert.Equal(record, (nint)table.Find(HashOf(key, equalBits), Encoding.ASCII.GetBytes(key)));
        Assert.True(table.Find(HashOf("nothing", equalBits), "nothing"u8) is null);
        var visitor = new Collector { Met = [] };
        table.WalkAll(ref visitor);
        Assert.Equal(model.Count, visitor.Met.Count);
        if (model.Count > 0) Assert.True(table.Near(12345) is not null);
    }

    private struct Collector : IRecordVisitor
    {
        public HashSet<string> Met;

        public readonly void Visit(byte* record) => Met.Add(Encoding.ASCII.GetString(RecordHead.KeyOf(record)));
    }
}
