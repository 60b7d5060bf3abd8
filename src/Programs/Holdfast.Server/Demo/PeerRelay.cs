using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Holdfast.Server.Demo;

/// <summary>One connection between two nodes, carried on byte by byte. Each direction asks its link at every piece, so that a fault begins and ends in the middle of a connection.</summary>
/// <param name="dialler">The side that dialled.</param>
/// <param name="target">The side that was dialled.</param>
internal sealed class PeerRelay(Socket dialler, Socket target) : IDisposable
{
    private const int PieceBytes = 64 << 10;

    /// <summary>Pieces on their way in one direction. When they are reached, the sender's own buffers fill, as in a real network.</summary>
    private const int PiecesUnderWayMax = 64;

    private readonly CancellationTokenSource ended = new();

    /// <summary>Carries both directions until both have ended, or one is broken.</summary>
    public async Task CarryAsync(Func<PeerLink> there, Func<PeerLink> back)
    {
        await Task.WhenAll(PumpAsync(dialler, target, there), PumpAsync(target, dialler, back)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Closes the connection at both sides.</summary>
    public void Dispose()
    {
        ended.Cancel();
        dialler.Dispose();
        target.Dispose();
    }

    private async Task PumpAsync(Socket from, Socket to, Func<PeerLink> link)
    {
        var underWay = Channel.CreateBounded<(byte[] Piece, int Length, long DueAt)>(PiecesUnderWayMax);
        var delivering = DeliverAsync(underWay.Reader, to, link);
        try
        {
            while (true)
            {
                var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
                var length = await from.ReceiveAsync(piece, ended.Token);
                if (length == 0) break;
                await underWay.Writer.WriteAsync((piece, length, Environment.TickCount64 + (long)link().Delay.TotalMilliseconds), ended.Token);
            }

            underWay.Writer.Complete();
            await delivering;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException or ChannelClosedException)
        {
            underWay.Writer.TryComplete();
            Dispose(); // A connection that broke on one side is broken on the other.
        }
    }

    private async Task DeliverAsync(ChannelReader<(byte[] Piece, int Length, long DueAt)> underWay, Socket to, Func<PeerLink> link)
    {
        await foreach (var (piece, length, dueAt) in underWay.ReadAllAsync(ended.Token))
        {
            if (dueAt - Environment.TickCount64 is > 0 and var early) await Task.Delay((int)early, ended.Token);
            await link().UntilOpenAsync(ended.Token);
            for (var sent = 0; sent < length;) sent += await to.SendAsync(piece.AsMemory(sent, length - sent), ended.Token);
            ArrayPool<byte>.Shared.Return(piece);
        }

        // The end of a connection is a message too, and a cut link holds it.
        await link().UntilOpenAsync(ended.Token);
        to.Shutdown(SocketShutdown.Send);
    }
}
