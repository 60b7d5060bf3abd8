using System.Globalization;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// Keeps commands that older programs do not know out of a group's log until every member's program knows them (S5). A rise that is on its way is waited for; while an old program runs nothing is, and the client
/// is told why.
/// </summary>
internal static class LevelGate
{
    /// <summary>How long a rise may take that nothing stands in the way of: the group's leader looks several times in it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Returns when the group has the level.</summary>
    /// <param name="needed">The level that the command needs.</param>
    /// <param name="level">The group's.</param>
    /// <param name="ahead">The one that it has or will have soon, by what all members' programs know.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="VectorFault">It does not have it, and nothing was proposed.</exception>
    public static async ValueTask PassAsync(uint needed, Func<uint> level, Func<uint> ahead, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        using var timer = new PeriodicTimer(Look);
        try
        {
            while (level() < needed)
            {
                if (ahead() < needed) break;
                await timer.WaitForNextTickAsync(patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // Refused below.
        }

        if (level() < needed) throw VectorFault.Unavailable(string.Create(CultureInfo.InvariantCulture, $"this needs feature level {needed}, and the shard has {level()} until every node runs a program that knows it; nothing was written"));
    }
}
