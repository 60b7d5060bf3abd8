using System.Collections.Concurrent;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>What one search writes to: used by one thread at a time, lent by a <see cref="ScratchPool"/>.</summary>
internal sealed unsafe class SearchScratch(int rowsMax)
{
    /// <summary>Room for the links of a row and of one that it leads to, and for those in between, at as many links as a row can have.</summary>
    public const int FreshMax = 2048;

    private ReservedMemory marks = new((long)rowsMax * sizeof(ushort));
    private ushort mark;

    /// <summary>The candidates, closest first; so many as the last walk said.</summary>
    public PinnedBuffer<Candidate> Pool { get; } = new(256);

    /// <summary>Rows whose vectors are on their way into the cache.</summary>
    public PinnedBuffer<int> Fresh { get; } = new(FreshMax);

    /// <summary>A query in the metric's form.</summary>
    public PinnedBuffer<byte> Query { get; } = new(4096);

    /// <summary>Links chosen, and a block with one more.</summary>
    public PinnedBuffer<Candidate> Chosen { get; } = new(512);

    /// <summary>Candidates for a neighbour's block.</summary>
    public PinnedBuffer<Candidate> Block { get; } = new(1024);

    /// <summary>Rows whose distance was computed since <see cref="Begin"/>.</summary>
    public int Visited { get; set; }

    /// <summary>Levels of the graph that the last search went down.</summary>
    public int Levels { get; set; }

    /// <summary>A walk's version of the marks: a row is marked when its word equals it, so that nothing is cleared between walks. There is a word for every row that the segment may ever have, because a walk meets rows that others insert meanwhile.</summary>
    public ushort* BeginWalk(out ushort version)
    {
        if (++mark == 0)
        {
            marks = new ReservedMemory((long)rowsMax * sizeof(ushort));
            mark = 1;
        }

        version = mark;
        return (ushort*)marks.Base;
    }

    /// <summary>Room for a pool of so many candidates.</summary>
    public void Begin(int ef)
    {
        Pool.Ensure(ef + 2);
        Visited = 0;
        Levels = 0;
    }
}

/// <summary>Lends scratch space: at most one per search under way, kept for the next.</summary>
internal sealed class ScratchPool(int rowsMax)
{
    private readonly ConcurrentBag<SearchScratch> idle = [];

    /// <summary>Takes one.</summary>
    public SearchScratch Rent() => idle.TryTake(out var scratch) ? scratch : new SearchScratch(rowsMax);

    /// <summary>Gives it back.</summary>
    public void Return(SearchScratch scratch) => idle.Add(scratch);
}
