using System.Runtime.CompilerServices;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// Who is linked to whom. On level 0 every row has one block, two cache lines at M = 16, apart from the vectors, so that reading a row's links fetches nothing else; a row of a higher level has a run of
/// blocks elsewhere. A block ends at its first -1. Read by anybody without a lock; changed by whoever holds the row's lock.
/// </summary>
internal sealed unsafe class LinkTable
{
    /// <summary>No level lies higher.</summary>
    public const int LevelMax = 15;

    private readonly RowMemory ground;
    private readonly RowMemory upper;
    private readonly RowMemory heads;
    private readonly double levelScale;
    private int upperUsed;

    /// <summary>Reserves room for so many rows.</summary>
    public LinkTable(GraphOptions options, int rowsMax)
    {
        M = options.M;
        LinksOnGround = options.LinksOnGround;
        levelScale = 1 / Math.Log(M);
        ground = new RowMemory(LinksOnGround * sizeof(int), rowsMax);
        ground.AskForLargePages();

        // A row has 1 / (M - 1) upper levels on average; where the room is used up, rows stay on the ground.
        upper = new RowMemory(M * sizeof(int), (int)((rowsMax * 1.5 / (M - 1)) + 1024));
        heads = new RowMemory(rowsMax * sizeof(Head), 1);
    }

    /// <summary>Links per row on the levels above 0.</summary>
    public int M { get; }

    /// <summary>Links per row on level 0.</summary>
    public int LinksOnGround { get; }

    /// <summary>How many links a row may have there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LinksMax(int level) => level == 0 ? LinksOnGround : M;

    /// <summary>A row's links on a level that it has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int* Of(int row, int level) => level == 0 ? (int*)ground.Row(row) : (int*)upper.Row(HeadOf(row)->Upper + level - 1);

    /// <summary>How high a row reaches.</summary>
    public int LevelOf(int row) => HeadOf(row)->Level;

    /// <summary>Gives a row its level, drawn from its number alone, and empty blocks; before anybody can meet it.</summary>
    public int Begin(int row)
    {
        var level = DrawLevel(row);
        var head = HeadOf(row);
        head->Lock = 0;
        if (level > 0)
        {
            var first = Interlocked.Add(ref upperUsed, level) - level;
            if (first + level > upper.RowsMax) level = 0;
            else head->Upper = first;
        }

        head->Level = (byte)level;
        for (var each = 0; each <= level; each++) new Span<int>(Of(row, each), LinksMax(each)).Fill(-1);
        return level;
    }

    /// <summary>Waits until nobody else changes the row's links.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lock(int row)
    {
        ref var word = ref HeadOf(row)->Lock;
        if (Interlocked.CompareExchange(ref word, 1, 0) == 0) return;
        var spin = default(SpinWait);
        while (Interlocked.CompareExchange(ref word, 1, 0) != 0) spin.SpinOnce();
    }

    /// <summary>Lets others change them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Unlock(int row) => Volatile.Write(ref HeadOf(row)->Lock, 0);

    private Head* HeadOf(int row) => (Head*)heads.Base + row;

    /// <summary>The same row has the same level in every process.</summary>
    private int DrawLevel(int row)
    {
        var mixed = ((ulong)(uint)row + 1) * 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        var share = ((mixed >> 11) + 1) * (1.0 / (1UL << 53));
        return Math.Min(LevelMax, (int)(-Math.Log(share) * levelScale));
    }

    private struct Head
    {
        public int Upper;
        public int Lock;
        public int Level;
    }
}
