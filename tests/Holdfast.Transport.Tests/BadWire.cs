using System.Net;
using System.Net.Sockets;

namespace Holdfast.Transport.Tests;

/// <summary>What is wrong with one connection that goes over a <see cref="BadWire"/>.</summary>
/// <param name="PieceBytesMax">The most that is carried at once.</param>
/// <param name="EndsAfterBytes">So many bytes, of both directions together, are carried and no more.</param>
/// <param name="IsSilentAtEnd">Whether at that end the connection stays open and carries nothing, instead of breaking.</param>
internal sealed record WireFlaw(int PieceBytesMax = 64 * 1024, long EndsAfterBytes = long.MaxValue, bool IsSilentAtEnd = false);

/// <summary>A wire to a node's peer port, on which each connection has the flaw that the test gives it, by its number in the order of coming.</summary>
internal sealed class BadWire : IDisposable
{
    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly IPEndPoint target;
    private readonly Func<int, WireFlaw> flawOf;
    private readonly CancellationTokenSource ending = new();
    private readonly Task accepting;
    private int connections;
    private long carried;

    public BadWire(TestNode node, Func<int, WireFlaw> flawOf)
    {
        target = node.Listener.Endpoint;
        this.flawOf = flawOf;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        Address = node.Address with { Port = ((IPEndPoint)listener.LocalEndPoint!).Port };
        accepting = AcceptAsync();
    }

    /// <summary>The node's address over this wire.</summary>
    public PeerAddress Address { get; }

    /// <summary>Connections that came so far.</summary>
    public int Connections => Volatile.Read(ref connections);

    /// <summary>Bytes that were carried so far, in both directions over all connections.</summary>
    public long Carried => Interlocked.Read(ref carried);

    public void Dispose()
    {
        ending.Cancel();
        listener.Dispose();
        accepting.Wait();
        ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                var near = await listener.AcceptAsync(ending.Token);
                open.Add(CarryAsync(near, flawOf(Interlocked.Increment(ref connections) - 1)));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task CarryAsync(Socket near, WireFlaw flaw)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        using (near)
        {
            try
            {
                await far.ConnectAsync(target, ending.Token);
                var left = new BytesLeft(flaw.EndsAfterBytes);
                await Task.WhenAny(PumpAsync(near, far, flaw, left), PumpAsync(far, near, flaw, left));
                if (flaw.IsSilentAtEnd && left.AreNone) await Task.Delay(Timeout.Infinite, ending.Token);
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException)
            {
                // The node is gone, or the test is over.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, WireFlaw flaw, BytesLeft left)
    {
        var bytes = new byte[flaw.PieceBytesMax];
        try
        {
            while (!left.AreNone)
            {
                var count = await from.ReceiveAsync(bytes, ending.Token);
                if (count == 0) return;
                var taken = left.Take(count);
                if (taken > 0) await to.SendAsync(bytes.AsMemory(0, taken), ending.Token);
                Interlocked.Add(ref carried, taken);
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side is gone.
        }
    }

    /// <summary>What both directions may still carry.</summary>
    private sealed class BytesLeft(long bytes)
    {
        private readonly Lock gate = new();
        private long left = bytes;

        public bool AreNone
        {
            get
            {
                lock (gate) return left == 0;
            }
        }

        public int Take(int wanted)
        {
            lock (gate)
            {
                var taken = (int)Math.Min(wanted, left);
                left -= taken;
                return taken;
            }
        }
    }
}
