namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>One client's stream of lease renewals: each is answered before the next is read, so a stream never holds more than one.</summary>
internal static class KeepAliveCall
{
    /// <summary>Serves one stream until the client ends its side, goes, or a renewal fails.</summary>
    public static async Task ServeAsync(CallScope scope, IMessageStream stream, CancellationToken cancel)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel, scope.Stopping);
        try
        {
            while (await stream.ReadAsync(Shapes.LeaseKeepAlive, ended.Token).ConfigureAwait(false) is { } request)
            {
                stream.Write(await scope.Coordination.LeaseKeepAliveAsync(request, ended.Token).ConfigureAwait(false));
                await stream.FlushAsync(ended.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (scope.Stopping.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new EtcdException(EtcdErrors.Stopped);
        }
    }
}
