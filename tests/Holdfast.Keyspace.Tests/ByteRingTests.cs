using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>What undoing keeps of strings that are written over: given up at both ends, over growth and the memory's end.</summary>
public sealed class ByteRingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Runs_come_back_as_they_went_in_from_either_end(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var ring = new ByteRing();
        var kept = new LinkedList<(byte[] Bytes, int Taken)>();
        for (var step = 0; step < 60_000; step++)
        {
            // For a while it grows, then it shrinks, so that it fills, wraps and empties.
            var draw = dice.Next(10);
            var isGrowing = step / 5000 % 2 == 0;
            if (kept.Count == 0 || draw < (isGrowing ? 7 : 3))
            {
                var bytes = Enumerable.Range(0, 1 + dice.Next(400)).Select(_ => (byte)dice.Next(256)).ToArray();
                Assert.True(ring.TryAdd(bytes.Length, out var run, out var taken));
                bytes.CopyTo(run);
                kept.AddLast((bytes, taken));
            }
            else if (dice.Next(2) == 0)
            {
                ring.RemoveFirst(kept.First!.Value.Taken);
                kept.RemoveFirst();
            }
            else
            {
                var (bytes, taken) = kept.Last!.Value;
                Assert.True(ring.Last(bytes.Length).SequenceEqual(bytes));
                ring.RemoveLast(taken);
                kept.RemoveLast();
            }

            if (step % 100 == 0) Assert.Equal(kept.Sum(static each => each.Taken), ring.Length);
        }

        while (kept.Count > 0)
        {
            var (bytes, taken) = kept.Last!.Value;
            Assert.True(ring.Last(bytes.Length).SequenceEqual(bytes));
            ring.RemoveLast(taken);
            kept.RemoveLast();
        }
    }

    [Fact]
    public void What_has_no_room_is_refused_and_what_is_there_stays()
    {
        var ring = new ByteRing();
        var count = 0;
        var takens = new Queue<int>();
        while (ring.TryAdd(300, out var run, out var taken))
        {
            run.Fill((byte)count++);
            takens.Enqueue(taken);
        }

        Assert.InRange(ring.Length, ByteRing.BytesMax - 600, ByteRing.BytesMax);
        Assert.Equal((byte)(count - 1), ring.Last(300)[299]);
        while (takens.TryDequeue(out var taken)) ring.RemoveFirst(taken);
        Assert.Equal(0, ring.Length);
        Assert.True(ring.TryAdd(300, out _, out _));
    }
}
