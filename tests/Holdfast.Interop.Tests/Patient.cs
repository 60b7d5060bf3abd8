using System.Diagnostics;
using Grpc.Core;

namespace Holdfast.Interop.Tests;

/// <summary>How tests wait for what must come: for a condition, with one bound for all of them. It is met only when something is wrong, so it is far beyond what anything takes on a slow machine that others use too.</summary>
internal static class Patient
{
    /// <summary>The bound.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromMinutes(4);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>For a call that has to succeed.</summary>
    public static DateTime Deadline => DateTime.UtcNow + Most;

    /// <summary>Asks until it holds.</summary>
    /// <param name="holds">The condition.</param>
    /// <param name="otherwise">What did not come, said when the test fails.</param>
    /// <param name="every">How long between two looks; a fiftieth of a second when nothing is said.</param>
    public static async Task UntilAsync(Func<Task<bool>> holds, Func<string> otherwise, TimeSpan every = default)
    {
        for (var begun = Stopwatch.StartNew(); !await holds(); await Task.Delay(every == default ? Look : every))
            Assert.True(begun.Elapsed < Most, $"{otherwise()} after {Most.TotalSeconds} s");
    }

    /// <summary>A call that may be made again, until it is answered: between two leaders, or while a node is busy, calls are refused or come too late.</summary>
    public static async Task<T> AnswerAsync<T>(Func<Task<T>> call, Func<string> otherwise)
    {
        T? answer = default;
        await UntilAsync(async () =>
        {
            try
            {
                answer = await call();
                return true;
            }
            catch (RpcException refused) when (refused.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded)
            {
                return false;
            }
        }, otherwise);
        return answer!;
    }
}
