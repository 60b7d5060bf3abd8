using System.Net;
using System.Net.Sockets;

namespace Holdfast.Client.Tests;

/// <summary>Takes every connection and never says a word.</summary>
internal sealed class SilentServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> taken = [];
    private readonly TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SilentServer()
    {
        listener.Start();
        _ = TakeAllAsync();
    }

    public string Address => listener.LocalEndpoint.ToString()!;

    /// <summary>Somebody has sent something.</summary>
    public Task Heard => heard.Task;

    public void Dispose()
    {
        listener.Dispose();
        lock (taken) taken.ForEach(socket => socket.Dispose());
    }

    private async Task TakeAllAsync()
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptSocketAsync();
                lock (taken) taken.Add(socket);
                if (await socket.ReceiveAsync(new byte[1024]) > 0) heard.TrySetResult();
            }
        }
        catch (Exception ended) when (ended is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
