namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// All keys in byte order: a B+ tree of <see cref="KeyPage"/>s whose leaves are linked. It is changed in place; who walks it over several slices
/// comes back by key (<see cref="Seek"/>), and sees one revision because versions are only added, and forgotten only below what is pinned.
/// Pages are freed when they become empty and never merged: keys that come and go in one place reuse its pages.
/// </summary>
internal sealed class KeyIndex
{
    private KeyPage root = KeyPage.Leaf();

    /// <summary>How many records, including those of deleted keys that are still remembered.</summary>
    public int Count { get; private set; }

    /// <summary>The record of a key, or null.</summary>
    public KeyRecord? Find(ReadOnlySpan<byte> key)
    {
        var leaf = LeafOf(key);
        var place = leaf.RecordPlace(key, out var found);
        return found ? leaf.Records![place] : null;
    }

    /// <summary>The record of a key, made if there is none.</summary>
    public KeyRecord FindOrAdd(byte[] key)
    {
        var record = Add(root, key, out var separator, out var right);
        if (right is not null) root = KeyPage.Branch(root, separator!, right);
        return record;
    }

    /// <summary>Takes out a key's record.</summary>
    public void Remove(ReadOnlySpan<byte> key)
    {
        Remove(root, key);
        while (!root.IsLeaf && root.Count == 1) root = root.Children![0];
        if (root.Count == 0) root = KeyPage.Leaf();
    }

    /// <summary>A cursor before the first key that is not before the given one. Valid until the index changes.</summary>
    public KeyCursor Seek(ReadOnlySpan<byte> key)
    {
        var leaf = LeafOf(key);
        return new KeyCursor(leaf, leaf.RecordPlace(key, out _));
    }

    /// <summary>A cursor before the first key that lies after the given one. Valid until the index changes.</summary>
    public KeyCursor SeekAfter(ReadOnlySpan<byte> key)
    {
        var leaf = LeafOf(key);
        var place = leaf.RecordPlace(key, out var found);
        return new KeyCursor(leaf, found ? place + 1 : place);
    }

    private KeyPage LeafOf(ReadOnlySpan<byte> key)
    {
        var page = root;
        while (!page.IsLeaf) page = page.Children![page.ChildPlace(key)];
        return page;
    }

    private KeyRecord Add(KeyPage page, byte[] key, out byte[]? separator, out KeyPage? right)
    {
        (separator, right) = (null, null);
        if (page.IsLeaf)
        {
            var place = page.RecordPlace(key, out var found);
            if (found) return page.Records![place];
            var record = new KeyRecord(key);
            Count++;
            if (page.Count == KeyPage.CapacityMax)
            {
                var isAppending = place == page.Count && page.Next is null;
                (separator, right) = page.Split(isAppending);
                if (place > page.Count || (place == page.Count && isAppending)) (page, place) = (right, place - page.Count);
            }

            page.InsertRecord(place, record);
            return record;
        }

        var childPlace = page.ChildPlace(key);
        var added = Add(page.Children![childPlace], key, out var childSeparator, out var childRight);
        if (childRight is null) return added;
        var at = childPlace + 1;
        if (page.Count == KeyPage.CapacityMax)
        {
            (separator, right) = page.Split(at == page.Count);
            if (at > page.Count) (page, at) = (right, at - page.Count);
        }

        page.InsertChild(at, childSeparator!, childRight);
        return added;
    }

    private void Remove(KeyPage page, ReadOnlySpan<byte> key)
    {
        if (page.IsLeaf)
        {
            var place = page.RecordPlace(key, out var found);
            if (!found) return;
            page.RemoveRecord(place);
            Count--;
            return;
        }

        var childPlace = page.ChildPlace(key);
        var child = page.Children![childPlace];
        Remove(child, key);
        if (child.Count > 0) return;
        page.RemoveChild(childPlace);
        if (!child.IsLeaf) return;
        if (child.Previous is not null) child.Previous.Next = child.Next;
        if (child.Next is not null) child.Next.Previous = child.Previous;
    }
}

/// <summary>A walk over the records of a <see cref="KeyIndex"/> in key order.</summary>
internal struct KeyCursor(KeyPage leaf, int place)
{
    private KeyPage? leaf = leaf;
    private int place = place;

    /// <summary>The next record, or null at the end.</summary>
    public KeyRecord? Next()
    {
        while (leaf is not null)
        {
            if (place < leaf.Count) return leaf.Records![place++];
            (leaf, place) = (leaf.Next, 0);
        }

        return null;
    }
}
