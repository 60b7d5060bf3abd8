namespace Holdfast.Primitives;

/// <summary>A first-in first-out ring with a fixed bound, for one thread. When it is full, <see cref="TryEnqueue"/> says so and the caller decides.</summary>
public sealed class BoundedQueue<T>
{
    private readonly T[] items;
    private int head;

    /// <summary>A queue that holds at most <paramref name="capacity"/> items.</summary>
    public BoundedQueue(int capacity)
    {
        Invariant.Holds(capacity > 0, "a queue's bound must be positive");
        items = new T[capacity];
    }

    /// <summary>How many items wait.</summary>
    public int Count { get; private set; }

    /// <summary>The bound.</summary>
    public int Capacity => items.Length;

    /// <summary>Adds an item at the end, or returns false when the queue is full.</summary>
    public bool TryEnqueue(T item)
    {
        if (Count == items.Length) return false;
        items[(head + Count) % items.Length] = item;
        Count++;
        return true;
    }

    /// <summary>Takes the oldest item, or returns false when the queue is empty.</summary>
    public bool TryDequeue(out T item)
    {
        if (Count == 0)
        {
            item = default!;
            return false;
        }

        item = items[head];
        items[head] = default!;
        head = (head + 1) % items.Length;
        Count--;
        return true;
    }
}
