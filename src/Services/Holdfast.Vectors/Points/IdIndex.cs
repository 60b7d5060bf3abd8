namespace Holdfast.Vectors.Points;

/// <summary>
/// Ids in order, each with the place of its newest row: sorted leaves in a list, found by their first id. For the writer's thread only. A leaf that is full is cut in half, an empty one is taken out; at ten
/// million ids the list of leaves has some hundred kilobytes, moved once per cut.
/// </summary>
internal sealed class IdIndex
{
    private const int LeafMax = 256;

    private readonly List<Leaf> leaves = [new Leaf()];

    /// <summary>How many ids.</summary>
    public int Count { get; private set; }

    /// <summary>Where an id's row is.</summary>
    public bool TryFind(in PointId id, out RowAddress address)
    {
        var leaf = leaves[LeafOf(id)];
        var at = Array.BinarySearch(leaf.Ids, 0, leaf.Count, id);
        address = at >= 0 ? leaf.Addresses[at] : default;
        return at >= 0;
    }

    /// <summary>Says where an id's row is; true when the id was not there.</summary>
    public bool Set(in PointId id, RowAddress address)
    {
        // Ids that rise, as they do in a snapshot and often elsewhere, need no search.
        if (leaves[^1] is { Count: > 0 and < LeafMax } last && last.Ids[last.Count - 1].CompareTo(id) < 0)
        {
            last.Insert(last.Count, id, address);
            Count++;
            return true;
        }

        var place = LeafOf(id);
        var leaf = leaves[place];
        var at = Array.BinarySearch(leaf.Ids, 0, leaf.Count, id);
        if (at >= 0)
        {
            leaf.Addresses[at] = address;
            return false;
        }

        at = ~at;
        if (leaf.Count == LeafMax)
        {
            // Rising ids fill their leaves whole: only an insertion in the middle cuts.
            var from = at == LeafMax ? LeafMax : LeafMax / 2;
            var right = leaf.CutFrom(from);
            leaves.Insert(place + 1, right);
            if (at >= from) (leaf, at) = (right, at - from);
        }

        leaf.Insert(at, id, address);
        Count++;
        return true;
    }

    /// <summary>Forgets an id.</summary>
    public bool Remove(in PointId id)
    {
        var place = LeafOf(id);
        var leaf = leaves[place];
        var at = Array.BinarySearch(leaf.Ids, 0, leaf.Count, id);
        if (at < 0) return false;
        leaf.RemoveAt(at);
        if (leaf.Count == 0 && leaves.Count > 1) leaves.RemoveAt(place);
        Count--;
        return true;
    }

    /// <summary>The ids from this one on, in order, at most so many, as a copy.</summary>
    public List<KeyValuePair<PointId, RowAddress>> From(in PointId? first, int max)
    {
        var found = new List<KeyValuePair<PointId, RowAddress>>(Math.Min(max, 1024));
        var place = first is { } from ? LeafOf(from) : 0;
        var at = 0;
        if (first is { } id)
        {
            at = Array.BinarySearch(leaves[place].Ids, 0, leaves[place].Count, id);
            if (at < 0) at = ~at;
        }

        for (; place < leaves.Count && found.Count < max; place++, at = 0)
            for (; at < leaves[place].Count && found.Count < max; at++) found.Add(new(leaves[place].Ids[at], leaves[place].Addresses[at]));
        return found;
    }

    /// <summary>Moves every id's place; the ids stay as they are.</summary>
    public void Readdress(Func<RowAddress, RowAddress> moved)
    {
        foreach (var leaf in leaves)
            for (var at = 0; at < leaf.Count; at++) leaf.Addresses[at] = moved(leaf.Addresses[at]);
    }

    private int LeafOf(in PointId id)
    {
        int low = 0, high = leaves.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >> 1;
            if (leaves[middle].Ids[0].CompareTo(id) <= 0) low = middle;
            else high = middle - 1;
        }

        return low;
    }

    private sealed class Leaf
    {
        public readonly PointId[] Ids = new PointId[LeafMax];
        public readonly RowAddress[] Addresses = new RowAddress[LeafMax];

        public int Count { get; private set; }

        public void Insert(int at, in PointId id, RowAddress address)
        {
            Array.Copy(Ids, at, Ids, at + 1, Count - at);
            Array.Copy(Addresses, at, Addresses, at + 1, Count - at);
            (Ids[at], Addresses[at]) = (id, address);
            Count++;
        }

        public void RemoveAt(int at)
        {
            Count--;
            Array.Copy(Ids, at + 1, Ids, at, Count - at);
            Array.Copy(Addresses, at + 1, Addresses, at, Count - at);
        }

        public Leaf CutFrom(int at)
        {
            var right = new Leaf { Count = Count - at };
            Array.Copy(Ids, at, right.Ids, 0, Count - at);
            Array.Copy(Addresses, at, right.Addresses, 0, Count - at);
            Count = at;
            return right;
        }
    }
}
