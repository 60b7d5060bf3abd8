using System.Collections.Frozen;
using Grpc.Core;

namespace Holdfast.Client.Extensions;

/// <summary>
/// The keys with a prefix, in memory and kept up to date until disposed. Readers take <see cref="Current"/> without waiting. While the cluster is away the newest that was seen stays; what the
/// cluster refuses for good (rights that were taken away) is asked again every few seconds, because rights come back too.
/// </summary>
internal sealed class FollowedPrefix : IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan RefusedPause = TimeSpan.FromSeconds(5);

    private readonly HoldfastClient client;
    private readonly string prefix;
    private readonly LastGoodFile? file;
    private readonly Action? onChange;
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task following;
    private KeyValues? current;
    private string? fault;

    /// <summary>Begins to follow.</summary>
    /// <param name="client">Whom to ask; not disposed here.</param>
    /// <param name="prefix">What the keys begin with.</param>
    /// <param name="file">Where to keep the last good values, and to find them while the cluster has not answered; null for nowhere.</param>
    /// <param name="onChange">Called after each change, also the first, one call at a time. It must not throw.</param>
    public FollowedPrefix(HoldfastClient client, string prefix, LastGoodFile? file, Action? onChange)
    {
        (this.client, this.prefix, this.file, this.onChange) = (client, prefix, file, onChange);
        following = Task.Run(FollowAsync);
    }

    /// <summary>The newest values; null when nothing was seen yet.</summary>
    public KeyValues? Current => Volatile.Read(ref current);

    /// <summary>Why nothing new comes in just now: what the cluster refused, or why the file cannot be written. Null when all is well.</summary>
    public string? Fault => Volatile.Read(ref fault) ?? file?.Fault;

    /// <summary>Waits for the first answer of the cluster for as long; then takes the file's values, if there are any.</summary>
    /// <returns>False when there is nothing at all.</returns>
    public async Task<bool> UntilKnownAsync(TimeSpan patience, CancellationToken cancel)
    {
        if (Current is not null) return true;
        try
        {
            await first.Task.WaitAsync(patience, cancel).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            if (file?.Read() is { } kept) Interlocked.CompareExchange(ref current, kept, null);
        }

        return Current is not null;
    }

    /// <summary>Ends it. A container may ask several times.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
    }

    /// <summary>Ends it without waiting: for containers that only know how to dispose at once.</summary>
    public void Dispose() => stop.Cancel();

    private async Task FollowAsync()
    {
        while (!stop.IsCancellationRequested)
            try
            {
                await foreach (var view in client.FollowPrefixAsync(prefix, stop.Token).ConfigureAwait(false)) Take(view);
            }
            catch (RpcException refused)
            {
                Volatile.Write(ref fault, refused.Status.Detail);
                await PauseAsync().ConfigureAwait(false);
            }
            catch (Exception over) when (over is OperationCanceledException or ObjectDisposedException)
            {
                return; // Disposed, or the client was.
            }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(RefusedPause, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private void Take(PrefixView view)
    {
        var values = view.Keys.ToFrozenDictionary(pair => pair.Key[prefix.Length..], pair => pair.Value.Value.ToStringUtf8(), StringComparer.Ordinal);
        var taken = new KeyValues(view.Revision, values, IsFromFile: false);
        Volatile.Write(ref current, taken);
        Volatile.Write(ref fault, null);
        file?.Write(taken);
        onChange?.Invoke();
        first.TrySetResult(); // Whoever waits for the first values is told of no change any more that he has seen.
    }
}
