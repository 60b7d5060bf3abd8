namespace Holdfast.Keyspace;

/// <summary>Memory that handlers of a call use while they work, and nobody keeps: reused, so that the steady path allocates nothing.</summary>
internal sealed class CallScratch
{
    /// <summary>The small collection that is being changed.</summary>
    public RunEditor Run { get; } = new();

    /// <summary>A key whose record may go away.</summary>
    public RunEditor Key { get; } = new();

    /// <summary>Strings that a command has gathered and not yet replied with.</summary>
    public GatheredStrings Gathered { get; } = new();

    /// <summary>Members on their way from one form of a set to another.</summary>
    public GatheredStrings Members { get; } = new();

    /// <summary>What a SCAN of a collection has met.</summary>
    public ScanGathering Scan { get; } = new();

    /// <summary>Scores that go with gathered strings.</summary>
    public List<double> Scores { get; } = [];

    /// <summary>Addresses of records, to be changed after a walk.</summary>
    public List<nint> Records { get; } = [];

    /// <summary>Members that a search on the earth has found.</summary>
    public List<GeoFind> Finds { get; } = [];

    /// <summary>A union, intersection or difference of sets; one that has gone on in slices is its client's, and not used again.</summary>
    public SetAlgebraRun SetAlgebra => field is { IsSliced: false } ? field : field = new SetAlgebraRun();

    /// <summary>The same of sorted sets.</summary>
    public SortedSetAlgebraRun SortedSetAlgebra => field is { IsSliced: false } ? field : field = new SortedSetAlgebraRun();

    /// <summary>A list that is looked at.</summary>
    public ListEdit ListView { get; } = new();

    /// <summary>An LPOS.</summary>
    public ListSearchRun ListSearch => field is { IsSliced: false } ? field : field = new ListSearchRun();

    /// <summary>What LINSERT looks for.</summary>
    public ListPivotRun ListPivot => field is { IsSliced: false } ? field : field = new ListPivotRun();

    /// <summary>An LREM.</summary>
    public ListRemovalRun ListRemoval => field is { IsSliced: false } ? field : field = new ListRemovalRun();

    /// <summary>Places in a run.</summary>
    public List<int> Places { get; } = [];

    /// <summary>Records that were drawn already.</summary>
    public HashSet<nint> Drawn { get; } = [];
}

/// <summary>Strings in the order in which they were gathered, copied.</summary>
internal sealed class GatheredStrings
{
    private readonly RunEditor run = new();
    private readonly List<int> places = [];

    public int Count => places.Count;

    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            var at = places[index];
            return PackedRun.Next(run.Bytes, ref at);
        }
    }

    public void Clear()
    {
        run.Begin(0);
        places.Clear();
    }

    public void Add(ReadOnlySpan<byte> text)
    {
        places.Add(run.Length);
        run.Append(text);
    }
}
