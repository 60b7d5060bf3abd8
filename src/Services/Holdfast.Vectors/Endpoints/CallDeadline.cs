using System.Globalization;

namespace Holdfast.Vectors.Endpoints;

/// <summary>The time that a client gives a request, in whole seconds. Without a word about it there is none but the patience of whoever is asked.</summary>
internal sealed class CallDeadline : IDisposable
{
    private readonly CancellationTokenSource source;
    private readonly CancellationToken client;
    private readonly ulong? seconds;

    private CallDeadline(ulong? seconds, CancellationToken client)
    {
        (this.seconds, this.client) = (seconds, client);
        source = CancellationTokenSource.CreateLinkedTokenSource(client);
        if (seconds is { } given) source.CancelAfter(TimeSpan.FromSeconds(Math.Min(given, 86_400)));
    }

    /// <summary>Signalled when the time is over, or the client is gone.</summary>
    public CancellationToken Token => source.Token;

    /// <summary>The seconds; null for none.</summary>
    public double? Seconds => seconds;

    /// <summary>From the query's text.</summary>
    public static CallDeadline Of(string? text, CancellationToken client) => text is null
        ? new CallDeadline(null, client)
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= 1 ? new CallDeadline(seconds, client) : throw VectorFault.Invalid("timeout", $"value {text} invalid, must be 1 or larger");

    /// <summary>From a number; null for none.</summary>
    public static CallDeadline Of(ulong? seconds, CancellationToken client) => seconds == 0 ? throw VectorFault.Invalid("timeout", "value 0 invalid, must be 1 or larger") : new CallDeadline(seconds, client);

    /// <summary>Runs a request within it.</summary>
    /// <exception cref="VectorFault">Its time was over.</exception>
    public async ValueTask<TResult> RunAsync<TResult>(Func<ValueTask<TResult>> request)
    {
        try
        {
            return await request().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!client.IsCancellationRequested && source.IsCancellationRequested)
        {
            throw VectorFault.TimedOut($"the request was not answered within {seconds} seconds; of a write it is not known whether it was done");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => source.Dispose();
}
