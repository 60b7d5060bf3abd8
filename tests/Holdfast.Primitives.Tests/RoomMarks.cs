using System.Reflection;

namespace Holdfast.Primitives.Tests;

/// <summary>
/// The gate for the rare branches that a room's own tests have to walk, as the simulator's gate is for those of its worlds: of a room that no world runs all of them, of another those that name a class of this program's
/// tests (<see cref="Mark.Elsewhere"/>). Judged when all tests have run; a run of some of them concludes nothing. Used as an assembly fixture, so that what it finds fails the run.
/// </summary>
public abstract class RoomMarks(Assembly room, bool isSimulated) : IDisposable
{
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (Environment.GetCommandLineArgs().Any(static argument => argument.StartsWith("--filter", StringComparison.Ordinal))) return;
        var missed = Missed(room, isSimulated, GetType().Assembly);
        if (missed.Count > 0) throw new InvalidOperationException("marks that no test walked: " + string.Join("; ", missed));
    }

    /// <summary>The marks that the tests of a program should have walked, and have not.</summary>
    internal static IReadOnlyList<string> Missed(Assembly room, bool isSimulated, Assembly tests)
    {
        var classes = tests.GetTypes().Select(static type => type.Name).ToHashSet(StringComparer.Ordinal);
        return [.. Of(room).Where(mark => mark.Hits == 0 && (mark.Elsewhere is { } named ? classes.Contains(named.Split(": ")[0]) : !isSimulated)).Select(static mark => mark.Name).Order(StringComparer.Ordinal)];
    }

    /// <summary>The room's marks, also those of types that nothing has touched.</summary>
    private static IEnumerable<Mark> Of(Assembly room) => room.GetTypes()
        .SelectMany(static type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        .Where(static field => field.FieldType == typeof(Mark))
        .Select(static field => (Mark)field.GetValue(null)!);
}
