namespace Holdfast.Keyspace;

/// <summary>A row of items in a ring: both ends cost the same however long it is, and in the middle the shorter side moves.</summary>
internal sealed class Row<T>
    where T : struct
{
    private T[] items = new T[4];
    private int start;

    public int Count { get; private set; }

    public ref T this[int index] => ref items[(start + index) & (items.Length - 1)];

    public void Insert(int index, in T item)
    {
        if (Count == items.Length) Widen();
        Count++;
        if (index < Count / 2)
        {
            start = (start - 1) & (items.Length - 1);
            for (var i = 0; i < index; i++) this[i] = this[i + 1];
        }
        else
        {
            for (var i = Count - 1; i > index; i--) this[i] = this[i - 1];
        }

        this[index] = item;
    }

    public void Add(in T item) => Insert(Count, item);

    public void RemoveAt(int index)
    {
        Count--;
        if (index < Count / 2)
        {
            for (var i = index; i > 0; i--) this[i] = this[i - 1];
            this[0] = default;
            start = (start + 1) & (items.Length - 1);
        }
        else
        {
            for (var i = index; i < Count; i++) this[i] = this[i + 1];
            this[Count] = default;
        }
    }

    private void Widen()
    {
        var wider = new T[items.Length * 2];
        for (var i = 0; i < Count; i++) wider[i] = this[i];
        (items, start) = (wider, 0);
    }
}
