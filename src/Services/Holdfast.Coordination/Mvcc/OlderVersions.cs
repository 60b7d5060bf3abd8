using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// The versions of a key before its newest, oldest first, in pieces of a fixed size: neither adding a version nor forgetting some moves the others, however often a
/// key was written. (In one array, doubled as it fills, the copying would hold up the group's loop.)
/// </summary>
internal sealed class OlderVersions
{
    /// <summary>Versions per piece. The first piece begins with one and grows to this: most keys that have an older version have one.</summary>
    private const int PieceVersions = 64;

    private KeyVersion[][] pieces = [new KeyVersion[1]];
    private int piecesUsed = 1;
    private int forgotten; // Places at the first piece's beginning that are empty again.

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The version at a place, 0 being the oldest.</summary>
    public ref readonly KeyVersion this[int place]
    {
        get
        {
            var at = forgotten + place;
            return ref pieces[at / PieceVersions][at % PieceVersions];
        }
    }

    /// <summary>Adds one behind all others.</summary>
    public void Add(in KeyVersion version)
    {
        var at = forgotten + Count;
        if (at == piecesUsed * PieceVersions) AddPiece();
        else if (at == pieces[0].Length && piecesUsed == 1) Array.Resize(ref pieces[0], Math.Min(PieceVersions, at * 2));
        pieces[at / PieceVersions][at % PieceVersions] = version;
        Count++;
    }

    /// <summary>Forgets the oldest ones.</summary>
    public void Forget(int versions)
    {
        Invariant.Holds(versions <= Count, "more versions are forgotten than there are");
        Count -= versions;
        forgotten += versions;
        var whole = Math.Min(forgotten / PieceVersions, piecesUsed - 1);
        if (whole > 0)
        {
            Array.Copy(pieces, whole, pieces, 0, piecesUsed - whole);
            Array.Clear(pieces, piecesUsed - whole, whole);
            piecesUsed -= whole;
            forgotten -= whole * PieceVersions;
        }

        // What is left of the first piece must not keep values alive.
        Array.Clear(pieces[0], 0, Math.Min(forgotten, pieces[0].Length));
    }

    private void AddPiece()
    {
        if (piecesUsed == pieces.Length) Array.Resize(ref pieces, piecesUsed * 2);
        pieces[piecesUsed++] = new KeyVersion[PieceVersions];
    }
}
