using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Points;

/// <summary>Segments that are being copied into one, which will take their place: what happens to their rows meanwhile is noted and done to the copies before they show.</summary>
internal sealed unsafe class MergeWatch
{
    private readonly Dictionary<int, int> sourceOf = [];
    private readonly int[][] copyOf;
    private readonly HashSet<RowAddress> touched = [];

    /// <summary>Begins: what lives now will be copied.</summary>
    public MergeWatch(IReadOnlyList<Segment> sources, int number)
    {
        (Sources, Number) = (sources, number);
        copyOf = new int[sources.Count][];
        for (var source = 0; source < sources.Count; source++)
        {
            var segment = sources[source];
            sourceOf[segment.Number] = source;
            copyOf[source] = new int[segment.Count];
            Array.Fill(copyOf[source], -1);
            for (var row = 0; row < segment.Count; row++)
            {
                if (!segment.IsLive(row)) continue;
                copyOf[source][row] = Rows.Count;
                Rows.Add((segment, row));
            }
        }
    }

    /// <summary>The segments that will go.</summary>
    public IReadOnlyList<Segment> Sources { get; }

    /// <summary>Whether the collection's columns have changed meanwhile: the copy is of no use.</summary>
    public bool IsVoid { get; set; }

    /// <summary>The number of the one that comes.</summary>
    public int Number { get; }

    /// <summary>The rows that are copied, in the order of the copies.</summary>
    public List<(Segment Segment, int Row)> Rows { get; } = [];

    /// <summary>The copy of each row of a source; -1 when it was dead.</summary>
    public int[] CopiesOf(int source) => copyOf[source];

    /// <summary>Puts the copies in another order, before any is made: by their groups, within each as they were.</summary>
    /// <param name="groups">The group of each, in the order of <see cref="Rows"/>.</param>
    /// <param name="bug">A planted bug of a model.</param>
    public void Group(int[] groups, PlantedShardBug bug = PlantedShardBug.None)
    {
        int[] order = [.. Enumerable.Range(0, groups.Length)];
        Array.Sort(order, (one, other) => groups[one] != groups[other] ? groups[one].CompareTo(groups[other]) : one.CompareTo(other));
        (Segment Segment, int Row)[] before = [.. Rows];
        for (var copy = 0; copy < order.Length; copy++)
        {
            Rows[copy] = before[order[copy]];
            if (bug != PlantedShardBug.GroupingForgetsCopies) copyOf[sourceOf[Rows[copy].Segment.Number]][Rows[copy].Row] = copy;
        }
    }

    /// <summary>Where a row of a source is copied to; another's stays.</summary>
    public RowAddress Moved(RowAddress address) => sourceOf.TryGetValue(address.Segment, out var source) ? new RowAddress(Number, copyOf[source][address.Row]) : address;

    /// <summary>A row has died or changed. The writer's.</summary>
    public void Note(RowAddress address)
    {
        if (sourceOf.ContainsKey(address.Segment)) touched.Add(address);
    }

    /// <summary>Does to the copies what was done to the rows meanwhile. The writer's.</summary>
    public void CatchUp(Segment target, PlantedShardBug bug)
    {
        foreach (var address in touched)
        {
            var source = Sources[sourceOf[address.Segment]];
            var copy = copyOf[sourceOf[address.Segment]][address.Row];
            if (copy < 0) continue;
            ref var head = ref target.Head(copy);
            if (bug == (source.Head(address.Row).DiedAt != 0 ? PlantedShardBug.MergeForgetsDeaths : PlantedShardBug.MergeForgetsPayloads)) continue;
            head.DiedAt = source.Head(address.Row).DiedAt;
            head.Version = source.Head(address.Row).Version;
            if (head.DiedAt != 0) target.KillWhole(copy);
            else target.SetPayload(copy, source.PayloadOf(address.Row));
        }
    }
}
