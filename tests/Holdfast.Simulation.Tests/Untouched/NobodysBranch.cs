using Holdfast.Primitives;

namespace Holdfast.Simulation.Tests.Untouched;

/// <summary>Like many types of the rooms: nothing static but its marks, so that no initialiser runs before one is hit.</summary>
internal static class NobodysBranch
{
    private static readonly Mark Forgotten = new("test: walked by nobody");
    private static readonly Mark Excused = new("test: walked by a test", elsewhere: "MarkGateTests: it is there for them");

    public static void Walk()
    {
        Forgotten.Hit();
        Excused.Hit();
    }
}
