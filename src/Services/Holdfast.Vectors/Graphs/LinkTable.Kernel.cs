#pragma warning disable RS0030 // Threads of Machine/ build one graph together; what comes of it is derived and outside of every hash.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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

    // Row and level in one word: a reader must not see the one without the other.
    private long entry = -1;

    /// <summary>Reserves room for so many rows.</summary>
    public LinkTable(GraphOptions options, int rowsMax)
        : this(options, rowsMax, 0)
    {
        ground.AskForLargePages();
    }

    /// <summary>Room for so many rows and, where a graph is read from a file, for exactly so many blocks above the ground.</summary>
    public LinkTable(GraphOptions options, int rowsMax, int upperBlocks)
    {
        M = options.M;
        LinksOnGround = options.LinksOnGround;
        levelScale = 1 / Math.Log(M);
        ground = new RowMemory(LinksOnGround * sizeof(int), rowsMax);

        // A row has 1 / (M - 1) upper levels on average; where the room is used up, rows stay on the ground.
        upper = new RowMemory(M * sizeof(int), upperBlocks > 0 ? upperBlocks : (int)((rowsMax * 1.5 / (M - 1)) + 1024));
        heads = new RowMemory(rowsMax * sizeof(Head), 1);
        upperUsed = upperBlocks;
    }

    /// <summary>The table of a file, where its parts lie behind one another from the mapping's beginning.</summary>
    public LinkTable(GraphOptions options, int rowsMax, int upperBlocks, ReservedMemory mapped)
    {
        M = options.M;
        LinksOnGround = options.LinksOnGround;
        levelScale = 1 / Math.Log(M);
        var (headBytes, groundBytes, upperBytes) = ((long)rowsMax * sizeof(Head), RowMemory.Padded(LinksOnGround * sizeof(int)), RowMemory.Padded(M * sizeof(int)));
        heads = new RowMemory(mapped, 0, (int)headBytes, 1);
        ground = new RowMemory(mapped, headBytes, groundBytes, rowsMax);
        upper = new RowMemory(mapped, headBytes + ((long)rowsMax * groundBytes), upperBytes, upperBlocks);
        upperUsed = upperBlocks;
    }

    /// <summary>Links per row on the levels above 0.</summary>
    public int M { get; }

    /// <summary>Links per row on level 0.</summary>
    public int LinksOnGround { get; }

    /// <summary>Held by whoever moves the entry.</summary>
    public Lock Rising { get; } = new();

    /// <summary>Where a walk begins: the row that rises highest, -1 for none.</summary>
    public (int Row, int Level) Entry
    {
        get
        {
            var word = Volatile.Read(ref entry);
            return word < 0 ? (-1, -1) : ((int)(uint)word, (int)(word >> 32));
        }

        set => Volatile.Write(ref entry, value.Row < 0 ? -1 : ((long)value.Level << 32) | (uint)value.Row);
    }

    /// <summary>Blocks that are in use above the ground.</summary>
    public int UpperUsed => Math.Min(upperUsed, upper.RowsMax);

    /// <summary>How many links a row may have there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int LinksMax(int level) => level == 0 ? LinksOnGround : M;

    /// <summary>A row's links on a level that it has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int* Of(int row, int level) => level == 0 ? (int*)ground.Row(row) : (int*)upper.Row(HeadOf(row)->Upper + level - 1);

    /// <summary>How high a row reaches.</summary>
    public int LevelOf(int row) => HeadOf(row)->Level;

    /// <summary>Gives a row its level, drawn from its number alone, and empty blocks; before anybody can meet it.</summary>
    public int Begin(int row) => Begin(row, DrawLevel(row));

    /// <summary>Gives a row a level that it had elsewhere, and empty blocks.</summary>
    public int Begin(int row, int level)
    {
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
    public void Unlock(int row) => Volatile.Write(ref HeadOf(row)->Lock, (byte)0);

    /// <summary>The three runs of bytes that the table is made of, for so many rows: to be written to a file or filled from one.</summary>
    public (nint At, long Bytes)[] Parts(int rows) =>
    [
        ((nint)heads.Base, (long)rows * sizeof(Head)),
        ((nint)ground.Base, (long)rows * ground.RowBytes),
        ((nint)upper.Base, (long)UpperUsed * upper.RowBytes),
    ];

    /// <summary>Whether every link leads to one of so many rows, and every row's blocks are there: asked once of what a file said.</summary>
    public bool LeadsOnlyTo(int rows)
    {
        for (var row = 0; row < rows; row++)
        {
            var head = HeadOf(row);
            if (head->Level > LevelMax || head->Lock != 0 || head->Upper < 0 || head->Upper + head->Level > UpperUsed) return false;
            for (var level = 0; level <= head->Level; level++)
            {
                var block = Of(row, level);
                for (var at = 0; at < LinksMax(level) && block[at] >= 0; at++)
                    if (block[at] >= rows) return false;
            }
        }

        return Entry.Row < rows && (Entry.Row < 0 || Entry.Level == LevelOf(Entry.Row));
    }

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

    /// <summary>Eight bytes, because a million rows have a million of them.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 2)]
    private struct Head
    {
        public int Upper;
        public byte Lock;
        public byte Level;
        public ushort Reserved;
    }
}
