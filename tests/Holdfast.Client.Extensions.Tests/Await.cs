using System.Diagnostics;

namespace Holdfast.Client.Extensions.Tests;

/// <summary>Waits for a condition, not for a time.</summary>
internal static class Await
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    public static async Task UntilAsync(Func<bool> condition, string wanted)
    {
        for (var begun = Stopwatch.StartNew(); !condition(); await Task.Delay(20)) Assert.True(begun.Elapsed < Patience, $"it never came: {wanted}");
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string wanted)
    {
        for (var begun = Stopwatch.StartNew(); !await condition(); await Task.Delay(20)) Assert.True(begun.Elapsed < Patience, $"it never came: {wanted}");
    }
}
