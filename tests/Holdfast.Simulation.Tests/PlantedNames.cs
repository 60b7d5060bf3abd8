using System.Reflection;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>A planted bug that no test plants proves nothing: each name of the enumeration is a row of some theory.</summary>
internal static class PlantedNames
{
    public static void AreAllIn<T>(T[] elsewhere, params Type[] tests)
        where T : struct, Enum
    {
        var rows = tests
            .SelectMany(static type => type.GetMethods())
            .SelectMany(static method => method.GetCustomAttributes<InlineDataAttribute>())
            .Select(static row => row.Data[0])
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        var missing = Enum.GetNames<T>().Except(elsewhere.Select(static bug => bug.ToString()), StringComparer.Ordinal).Where(name => !rows.Contains(name)).ToArray();
        Assert.True(missing.Length == 0, $"in no test: {string.Join(", ", missing)}");
    }
}
