using System.Reflection;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Running;

/// <summary>
/// The rare branches that a sweep must have walked. A mark declares itself when its type is first touched, and one that is never hit is mostly in a type that was never touched: so the rooms' types are asked for their
/// marks, touched or not.
/// </summary>
internal sealed class MarkGate
{
    public MarkGate(IEnumerable<SimRoom> rooms)
    {
        var found = new List<Mark>();
        foreach (var room in rooms)
            foreach (var type in room.Assembly.GetTypes())
                if (room.Holds(type)) found.AddRange(DeclaredBy(type));
        found.Sort(static (one, other) => string.CompareOrdinal(one.Name, other.Name));
        (Asked, Elsewhere) = (found.FindAll(static mark => mark.Elsewhere is null), found.FindAll(static mark => mark.Elsewhere is not null));
    }

    /// <summary>The marks that must be reached.</summary>
    public IReadOnlyList<Mark> Asked { get; }

    /// <summary>Those that say themselves why no simulated world reaches them.</summary>
    public IReadOnlyList<Mark> Elsewhere { get; }

    public bool AreReached => Asked.All(static mark => mark.Hits > 0);

    private static IEnumerable<Mark> DeclaredBy(Type type)
    {
        foreach (var field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        {
            if (field.FieldType != typeof(Mark)) continue;
            Invariant.Holds(!type.ContainsGenericParameters, "a mark stands in a generic type, and cannot be asked for");
            yield return (Mark)field.GetValue(null)!; // Runs the type's initialiser where it has not run.
        }
    }
}
