namespace Holdfast.Interop.Tests;

/// <summary>What was started and shall be ready before a test goes on.</summary>
internal static class Begun
{
    /// <summary>Hands it out once it is ready; when it does not become so, no process of it is left running beside the tests that follow.</summary>
    public static async Task<T> OrEndedAsync<T>(T begun, Func<T, Task> ready) where T : IAsyncDisposable
    {
        try
        {
            await ready(begun);
            return begun;
        }
        catch
        {
            await begun.DisposeAsync();
            throw;
        }
    }
}
