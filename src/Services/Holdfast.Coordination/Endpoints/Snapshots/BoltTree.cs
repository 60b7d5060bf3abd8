using System.Buffers;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.Snapshots;

/// <summary>
/// One bucket of a bbolt file, written from left to right and never held whole: first its plan is drawn from the sizes of what it will hold, which gives
/// every page its number; then the same keys and values are written, leaves first, branches behind them. It remembers one key for each page.
/// </summary>
internal sealed class BoltTree
{
    private const int ElementsPerPageMax = 4096;

    private readonly List<Planned> leaves = [];
    private readonly List<List<Planned>> branches = [];
    private readonly List<(byte[] Key, byte[] Value)> open = [];
    private long openBytes = BoltPage.HeaderBytes;
    private int openCount, written;
    private byte[] openFirst = [];

    /// <summary>Pages in all; known once planned.</summary>
    public long Pages { get; private set; }

    /// <summary>The root's page; known once planned.</summary>
    public long Root { get; private set; }

    /// <summary>Plans a pair; keys come in byte order.</summary>
    public void Plan(ReadOnlySpan<byte> key, int valueBytes)
    {
        if (!Fits(key.Length + valueBytes)) EndPlannedLeaf();
        if (openCount == 0) openFirst = key.ToArray();
        Count(key.Length + valueBytes);
    }

    /// <summary>All pairs are planned: the pages get their numbers, from <paramref name="firstPage"/> on.</summary>
    public void EndPlan(long firstPage)
    {
        EndPlannedLeaf();
        var next = firstPage;
        Number(leaves, ref next);
        for (var level = leaves; level.Count > 1; branches.Add(level))
        {
            level = BranchesOver(level);
            Number(level, ref next);
        }

        Root = (branches.Count > 0 ? branches[^1] : leaves)[0].Page;
        Pages = next - firstPage;
    }

    /// <summary>Writes a planned pair.</summary>
    public void Write(byte[] key, byte[] value, IBufferWriter<byte> output)
    {
        if (!Fits(key.Length + value.Length)) WriteLeaf(output);
        open.Add((key, value));
        Count(key.Length + value.Length);
    }

    /// <summary>All pairs are written: what is still open follows, then the branches.</summary>
    public void EndWrite(IBufferWriter<byte> output)
    {
        WriteLeaf(output);
        Invariant.Holds(written == leaves.Count, "a snapshot's bucket has other pages than were planned");
        var children = leaves;
        foreach (var level in branches)
        {
            var at = 0;
            foreach (var page in level)
            {
                WriteBranch(page, children.GetRange(at, page.Count), output);
                at += page.Count;
            }

            children = level;
        }
    }

    private static void Number(List<Planned> level, ref long next)
    {
        for (var i = 0; i < level.Count; i++)
        {
            level[i] = level[i] with { Page = next };
            next += level[i].Pages;
        }
    }

    private static List<Planned> BranchesOver(List<Planned> children)
    {
        var level = new List<Planned>();
        var (bytes, count, first) = (BoltPage.HeaderBytes, 0, Array.Empty<byte>());
        foreach (var child in children)
        {
            var size = BoltPage.ElementBytes + child.First.Length;
            if (count > 0 && bytes + size > BoltPage.Bytes)
            {
                level.Add(new Planned(first, 0, 1, count));
                (bytes, count) = (BoltPage.HeaderBytes, 0);
            }

            if (count++ == 0) first = child.First;
            bytes += size;
        }

        level.Add(new Planned(first, 0, BoltPage.PagesFor(bytes), count));
        return level;
    }

    private bool Fits(int bytes) => openCount == 0 || (openBytes + BoltPage.ElementBytes + bytes <= BoltPage.Bytes && openCount < ElementsPerPageMax);

    private void Count(int bytes)
    {
        openCount++;
        openBytes += BoltPage.ElementBytes + bytes;
    }

    /// <summary>An empty bucket is one empty leaf.</summary>
    private void EndPlannedLeaf()
    {
        if (openCount == 0 && leaves.Count > 0) return;
        leaves.Add(new Planned(openFirst, 0, BoltPage.PagesFor(openBytes), openCount));
        (openCount, openBytes) = (0, BoltPage.HeaderBytes);
    }

    private void WriteLeaf(IBufferWriter<byte> output)
    {
        if (openCount == 0 && written > 0) return;
        Invariant.Holds(written < leaves.Count && leaves[written].Count == openCount, "a snapshot's page holds other keys than were planned");
        var plan = leaves[written++];
        BoltLeaf.Write(plan.Page, plan.Pages, open, isBuckets: false, output);
        open.Clear();
        (openCount, openBytes) = (0, BoltPage.HeaderBytes);
    }

    private static void WriteBranch(Planned page, List<Planned> children, IBufferWriter<byte> output)
    {
        var bytes = (int)(page.Pages * BoltPage.Bytes);
        var span = output.GetSpan(bytes)[..bytes];
        span.Clear();
        BoltPage.WriteHeader(span, page.Page, BoltPage.Branch, children.Count, page.Pages);
        var dataAt = BoltPage.HeaderBytes + (children.Count * BoltPage.ElementBytes);
        for (var i = 0; i < children.Count; i++)
        {
            var elementAt = BoltPage.HeaderBytes + (i * BoltPage.ElementBytes);
            BoltPage.WriteBranchElement(span[elementAt..], dataAt - elementAt, children[i].First.Length, children[i].Page);
            children[i].First.CopyTo(span[dataAt..]);
            dataAt += children[i].First.Length;
        }

        output.Advance(bytes);
    }

    /// <summary>A page as planned: its first key, its number, how many pages it takes, how many entries it has.</summary>
    private readonly record struct Planned(byte[] First, long Page, long Pages, int Count);
}

/// <summary>Leaves.</summary>
internal static class BoltLeaf
{
    /// <summary>Writes a leaf with all its pairs.</summary>
    public static void Write(long page, long pages, List<(byte[] Key, byte[] Value)> pairs, bool isBuckets, IBufferWriter<byte> output)
    {
        var bytes = checked((int)(pages * BoltPage.Bytes));
        var span = output.GetSpan(bytes)[..bytes];
        span.Clear();
        BoltPage.WriteHeader(span, page, BoltPage.Leaf, pairs.Count, pages);
        var dataAt = BoltPage.HeaderBytes + (pairs.Count * BoltPage.ElementBytes);
        for (var i = 0; i < pairs.Count; i++)
        {
            var elementAt = BoltPage.HeaderBytes + (i * BoltPage.ElementBytes);
            var (key, value) = pairs[i];
            BoltPage.WriteLeafElement(span[elementAt..], isBuckets, dataAt - elementAt, key.Length, value.Length);
            key.CopyTo(span[dataAt..]);
            value.CopyTo(span[(dataAt + key.Length)..]);
            dataAt += key.Length + value.Length;
        }

        output.Advance(bytes);
    }
}
