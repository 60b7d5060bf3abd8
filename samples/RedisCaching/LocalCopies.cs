using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Caching.Memory;

namespace RedisCaching;

/// <summary>
/// Drops what <see cref="Microsoft.Extensions.Caching.Hybrid.HybridCache"/> holds in this process's memory when somebody changes it: a connection to each node asks to be told of every key of ours that changes (CLIENT TRACKING,
/// broadcasting). When a connection breaks, or a node says that it cannot know any more, everything is dropped.
/// </summary>
internal sealed class LocalCopies(MemoryCache memory, string prefix) : IAsyncDisposable
{
    private static readonly TimeSpan BeforeNextTry = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource stopping = new();
    private readonly List<Task> watching = [];

    /// <summary>Begins to listen to a node; from then on nothing that it says is missed.</summary>
    public async Task WatchAsync(EndPoint node) => watching.Add(ListenAsync(node, await ConnectAsync(node)));

    private async Task<Invalidations> ConnectAsync(EndPoint node)
    {
        var client = new TcpClient();
        try
        {
            await client.Client.ConnectAsync(node, stopping.Token);
            return await Invalidations.StartAsync(client, prefix, stopping.Token);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private async Task ListenAsync(EndPoint node, Invalidations? heard)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                heard ??= await ConnectAsync(node);
                await foreach (var key in heard.ReadAsync(stopping.Token))
                {
                    if (key is null) memory.Clear();
                    else memory.Remove(key[prefix.Length..]);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception broken) when (broken is IOException or SocketException)
            {
                // What changed meanwhile nobody has told.
                memory.Clear();
                await Task.Delay(BeforeNextTry);
            }
            finally
            {
                heard?.Dispose();
                heard = null;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(watching);
        stopping.Dispose();
    }
}
