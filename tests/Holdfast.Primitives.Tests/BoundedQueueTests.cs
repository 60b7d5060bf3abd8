using CsCheck;

namespace Holdfast.Primitives.Tests;

public sealed class BoundedQueueTests
{
    [Fact]
    public void A_full_queue_says_so_and_keeps_what_it_has()
    {
        var queue = new BoundedQueue<int>(2);
        Assert.True(queue.TryEnqueue(1) && queue.TryEnqueue(2));
        Assert.False(queue.TryEnqueue(3));
        Assert.True(queue.TryDequeue(out var first));
        Assert.Equal((1, 1), (first, queue.Count));
    }

    [Fact]
    public void It_behaves_like_the_runtimes_queue_with_a_bound() =>
        Gen.Select(Gen.Int[1, 5], Gen.Bool.List[0, 60]).Sample((capacity, steps) =>
        {
            var ours = new BoundedQueue<int>(capacity);
            var oracle = new Queue<int>();
            for (var i = 0; i < steps.Count; i++)
            {
                if (steps[i])
                {
                    Assert.Equal(oracle.Count < capacity, ours.TryEnqueue(i));
                    if (oracle.Count < capacity) oracle.Enqueue(i);
                }
                else
                {
                    Assert.Equal(oracle.TryDequeue(out var expected), ours.TryDequeue(out var got));
                    Assert.Equal(expected, got);
                }

                Assert.Equal(oracle.Count, ours.Count);
            }
        });
}
