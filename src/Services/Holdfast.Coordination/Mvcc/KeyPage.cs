using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>A page of the <see cref="KeyIndex"/>: a leaf with records in key order, or a branch with children and the first key of each but the first.</summary>
internal sealed class KeyPage
{
    /// <summary>Entries per page: wide enough that a million keys are four levels, narrow enough that an insert moves little.</summary>
    public const int CapacityMax = 64;

    private KeyPage(bool isLeaf)
    {
        if (isLeaf) Records = new KeyRecord[CapacityMax];
        else (Children, Separators) = (new KeyPage[CapacityMax], new byte[CapacityMax][]);
    }

    /// <summary>A leaf's records.</summary>
    public KeyRecord[]? Records { get; }

    /// <summary>A branch's children.</summary>
    public KeyPage[]? Children { get; }

    /// <summary>Separator i is not above any key of child i and above every key of child i-1; separator 0 is unused.</summary>
    public byte[][]? Separators { get; }

    /// <summary>Records or children in use.</summary>
    public int Count { get; set; }

    /// <summary>A leaf's right neighbour, so that ranges walk without climbing.</summary>
    public KeyPage? Next { get; set; }

    /// <summary>A leaf's left neighbour.</summary>
    public KeyPage? Previous { get; set; }

    /// <summary>Whether it holds records.</summary>
    public bool IsLeaf => Records is not null;

    /// <summary>An empty leaf.</summary>
    public static KeyPage Leaf() => new(true);

    /// <summary>A branch over two pages.</summary>
    public static KeyPage Branch(KeyPage left, byte[] separator, KeyPage right)
    {
        var branch = new KeyPage(false) { Count = 2 };
        branch.Children![0] = left;
        branch.Children[1] = right;
        branch.Separators![1] = separator;
        return branch;
    }

    /// <summary>The place of the first record that is not before the key.</summary>
    public int RecordPlace(ReadOnlySpan<byte> key, out bool found)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            var order = Records![middle].Key.AsSpan().SequenceCompareTo(key);
            if (order == 0)
            {
                found = true;
                return middle;
            }

            if (order < 0) low = middle + 1;
            else high = middle;
        }

        found = false;
        return low;
    }

    /// <summary>The place of the child that a key belongs to.</summary>
    public int ChildPlace(ReadOnlySpan<byte> key)
    {
        int low = 1, high = Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (Separators![middle].AsSpan().SequenceCompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    /// <summary>Puts a record in, moving those behind it.</summary>
    public void InsertRecord(int place, KeyRecord record)
    {
        Array.Copy(Records!, place, Records!, place + 1, Count - place);
        Records![place] = record;
        Count++;
    }

    /// <summary>Puts a child in, moving those behind it.</summary>
    public void InsertChild(int place, byte[] separator, KeyPage child)
    {
        Array.Copy(Children!, place, Children!, place + 1, Count - place);
        Array.Copy(Separators!, place, Separators!, place + 1, Count - place);
        Children![place] = child;
        Separators![place] = separator;
        Count++;
    }

    /// <summary>Takes a record out.</summary>
    public void RemoveRecord(int place)
    {
        Count--;
        Array.Copy(Records!, place + 1, Records!, place, Count - place);
        Records![Count] = null!;
    }

    /// <summary>Takes a child out.</summary>
    public void RemoveChild(int place)
    {
        Count--;
        Array.Copy(Children!, place + 1, Children!, place, Count - place);
        Array.Copy(Separators!, place + 1, Separators!, place, Count - place);
        Children![Count] = null!;
        Separators![Count] = null!;
    }

    /// <summary>Moves the upper part of a full page to a new right neighbour. Keys that only ever grow leave full pages behind instead of half full ones.</summary>
    public (byte[] Separator, KeyPage Right) Split(bool isAppending)
    {
        Invariant.Holds(Count == CapacityMax, "only a full page splits");
        var keep = isAppending ? CapacityMax - 1 : CapacityMax / 2;
        var right = new KeyPage(IsLeaf) { Count = Count - keep };
        byte[] separator;
        if (IsLeaf)
        {
            Array.Copy(Records!, keep, right.Records!, 0, right.Count);
            Array.Clear(Records!, keep, right.Count);
            separator = right.Records![0].Key;
            (right.Previous, right.Next) = (this, Next);
            if (Next is not null) Next.Previous = right;
            Next = right;
        }
        else
        {
            Array.Copy(Children!, keep, right.Children!, 0, right.Count);
            Array.Copy(Separators!, keep, right.Separators!, 0, right.Count);
            Array.Clear(Children!, keep, right.Count);
            Array.Clear(Separators!, keep, right.Count);
            separator = right.Separators![0];
        }

        Count = keep;
        return (separator, right);
    }
}
