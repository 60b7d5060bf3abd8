namespace Holdfast.Primitives;

/// <summary>
/// A rare branch that a test or the simulator must have walked at least once; the gate fails when one was never hit.
/// Declare as <c>private static readonly Mark X = new("raft: vote refused, log behind");</c> and call <see cref="Hit"/> in the branch.
/// (The idea is TigerBeetle's.) A type that is never touched declares nothing: whoever judges asks the rooms' types for their marks, and not only <see cref="All"/>.
/// </summary>
public sealed class Mark
{
    private static readonly List<Mark> Declared = [];
    private long hits;

    /// <summary>Declares a mark. Names are "room: branch" and unique; see <see cref="Elsewhere"/> for the other.</summary>
    public Mark(string name, string? elsewhere = null)
    {
        (Name, Elsewhere) = (name, elsewhere);
        lock (Declared) Declared.Add(this);
    }

    /// <summary>"room: branch".</summary>
    public string Name { get; }

    /// <summary>
    /// For a branch of a simulated room that no simulated world can walk: "TheTests: why not", where the class of tests that walks it comes first. Null for all others, which the simulator must reach.
    /// </summary>
    public string? Elsewhere { get; }

    /// <summary>How often the branch was walked in this process (approximate when several threads walk it at once).</summary>
    public long Hits => hits;

    /// <summary>Counts one walk through the branch.</summary>
    public void Hit() => hits++;

    /// <summary>All marks whose declaring types have been touched, by name.</summary>
    public static IReadOnlyList<Mark> All()
    {
        lock (Declared) return [.. Declared.OrderBy(mark => mark.Name, StringComparer.Ordinal)];
    }
}
