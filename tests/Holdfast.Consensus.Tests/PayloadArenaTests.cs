using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>The memory of payloads: each stands as it came until it is released, over small blocks and large ones, and never longer.</summary>
public sealed class PayloadArenaTests
{
    [Theory]
    [InlineData(100)]
    [InlineData(16 * 1024)]
    [InlineData(40 * 1024)]
    [InlineData(1024 * 1024)]
    public void Payloads_stay_as_they_came_while_older_ones_are_released(int bytes)
    {
        const ulong Kept = 50;
        var arena = new PayloadArena();
        var held = new Queue<(ulong Index, ReadOnlyMemory<byte> Payload)>();
        for (var index = 1UL; index <= 400; index++)
        {
            held.Enqueue((index, arena.Copy(new LogIndex(index), Payload(index, bytes))));
            if (held.Count < 2 * (int)Kept) continue;
            arena.Release(new LogIndex(index - Kept));
            while (held.Peek().Index <= index - Kept) held.Dequeue();
            AssertSame(held.Peek());
        }

        foreach (var each in held) AssertSame(each);
        void AssertSame((ulong Index, ReadOnlyMemory<byte> Payload) entry) => Assert.True(entry.Payload.Span.SequenceEqual(Payload(entry.Index, bytes)), $"the payload of entry {entry.Index} has changed");
    }

    [Fact]
    public void A_payload_that_was_released_is_never_read()
    {
        var arena = new PayloadArena();
        var first = arena.Copy(new LogIndex(1), new byte[100_000]);
        arena.Copy(new LogIndex(2), new byte[100_000]);
        arena.Release(new LogIndex(1));
        Assert.Equal(100_000, first.Span.Length); // Its block is still needed.
        arena.Release(new LogIndex(2));
        Assert.Throws<InvariantBrokenException>(() => first.Span.Length);
    }

    [Fact]
    public void Large_blocks_are_given_back_one_at_a_time()
    {
        const int Bytes = 16 * 1024 * 1024;
        var arena = new PayloadArena();
        for (var index = 1UL; index <= 8; index++) arena.Copy(new LogIndex(index), new byte[Bytes]);
        Assert.False(arena.FreeSome());
        arena.Release(new LogIndex(8));
        for (var left = 4; left > 0; left--) Assert.Equal(left > 1, arena.FreeSome());
        Assert.False(arena.FreeSome());
    }

    [Fact]
    public void What_is_truncated_goes_with_what_is_released_before_it()
    {
        var arena = new PayloadArena();
        arena.Copy(new LogIndex(1), new byte[100_000]);
        var second = arena.Copy(new LogIndex(2), new byte[100_000]);
        arena.TruncateFrom(new LogIndex(2));
        arena.Release(new LogIndex(1));
        Assert.Throws<InvariantBrokenException>(() => second.Span.Length);
    }

    private static byte[] Payload(ulong index, int bytes)
    {
        var payload = new byte[bytes];
        payload.AsSpan().Fill((byte)(index * 31));
        return payload;
    }
}
