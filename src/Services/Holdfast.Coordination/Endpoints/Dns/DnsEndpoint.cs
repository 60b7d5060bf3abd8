using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Holdfast.Coordination.Discovery;
using Holdfast.Wire.Dns;
using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints.Dns;

/// <summary>
/// The DNS door (R1.4): answers for the service registry over UDP and TCP on one port. In the clear, as DNS is. What comes in is bounded: questions under way, connections, their idle time, the length of a
/// question; an answer by UDP is never larger than the asker can take, and says when it is cut off.
/// </summary>
public sealed class DnsEndpoint : IAsyncDisposable
{
    /// <summary>The longest question that is read: a name is 255 bytes at most, and options are few.</summary>
    private const int QuestionBytesMax = 4096;

    private readonly Socket udp;
    private readonly Socket tcp;
    private readonly DnsOptions options;
    private readonly DnsResolution resolution;
    private readonly CancellationTokenSource stopping = new();
    private readonly SemaphoreSlim questions;
    private readonly SemaphoreSlim connections;
    private readonly Task serving;

    private DnsEndpoint(Socket udp, Socket tcp, ICoordination coordination, DnsOptions options)
    {
        (this.udp, this.tcp, this.options) = (udp, tcp, options);
        resolution = new DnsResolution(coordination, new ServiceZone(options.Listen.Address), options);
        (questions, connections) = (new SemaphoreSlim(options.QuestionsMax, options.QuestionsMax), new SemaphoreSlim(options.ConnectionsMax, options.ConnectionsMax));
        serving = Task.WhenAll(Task.Run(ServeUdpAsync), Task.Run(ServeTcpAsync));
    }

    /// <summary>Where it listens, with the port that the system chose.</summary>
    public IPEndPoint Address => (IPEndPoint)udp.LocalEndPoint!;

    /// <summary>Opens the door.</summary>
    /// <exception cref="SocketException">The port is taken over UDP or TCP, or may not be bound.</exception>
    public static DnsEndpoint Start(ICoordination coordination, DnsOptions options)
    {
        ArgumentNullException.ThrowIfNull(coordination);
        ArgumentNullException.ThrowIfNull(options);
        var family = options.Listen.AddressFamily;
        var tcp = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
        var udp = new Socket(family, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            tcp.Bind(options.Listen);
            tcp.Listen();
            udp.Bind(new IPEndPoint(options.Listen.Address, ((IPEndPoint)tcp.LocalEndPoint!).Port));
            var endpoint = new DnsEndpoint(udp, tcp, coordination, options);
            EndpointLog.DnsServing(options.Logging.CreateLogger("Holdfast.Coordination.Endpoints.Dns"), ServiceZone.Name, endpoint.Address.ToString());
            return endpoint;
        }
        catch
        {
            udp.Dispose();
            tcp.Dispose();
            throw;
        }
    }

    /// <summary>Closes the door; what is being answered is left.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        udp.Dispose();
        tcp.Dispose();
        await serving.ConfigureAwait(false);
    }

    private async Task ServeUdpAsync()
    {
        var buffer = GC.AllocateUninitializedArray<byte>(QuestionBytesMax, pinned: true);
        var anybody = new IPEndPoint(options.Listen.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        while (!stopping.IsCancellationRequested)
            try
            {
                var received = await udp.ReceiveFromAsync(buffer, SocketFlags.None, anybody, stopping.Token).ConfigureAwait(false);

                // Full: the question is lost as one on the wire may be, and asked again.
                if (!questions.Wait(0, CancellationToken.None)) continue;
                _ = AnswerUdpAsync(buffer[..received.ReceivedBytes], received.RemoteEndPoint);
            }
            catch (Exception fault) when (fault is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A datagram that was too long, a report that an earlier answer did not arrive, or the end.
            }
    }

    private async Task AnswerUdpAsync(byte[] message, EndPoint asker)
    {
        try
        {
            var answer = new byte[DnsReplyWriter.UdpBytesMax];
            var length = await resolution.AnswerAsync(message, answer, isUdp: true, stopping.Token).ConfigureAwait(false);
            if (length > 0) await udp.SendToAsync(answer.AsMemory(0, length), SocketFlags.None, asker, stopping.Token).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody to tell.
        }
        finally
        {
            questions.Release();
        }
    }

    private async Task ServeTcpAsync()
    {
        while (!stopping.IsCancellationRequested)
            try
            {
                var connection = await tcp.AcceptAsync(stopping.Token).ConfigureAwait(false);
                if (connections.Wait(0, CancellationToken.None)) _ = ServeAsync(connection);
                else connection.Dispose();
            }
            catch (Exception fault) when (fault is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // A client that was gone before it was accepted, no descriptors left for a moment, or the end.
                if (fault is SocketException { SocketErrorCode: SocketError.TooManyOpenSockets }) await Task.Delay(100).ConfigureAwait(false);
            }
    }

    /// <summary>Questions one after another, each with its length before it (RFC 1035 4.2.2), until the client goes, rests for too long, or sends what cannot be a question.</summary>
    private async Task ServeAsync(Socket connection)
    {
        using (connection)
            try
            {
                var buffer = new byte[2 + ushort.MaxValue];
                while (true)
                {
                    using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token);
                    patience.CancelAfter(options.IdleMax);
                    if (!await FillAsync(connection, buffer.AsMemory(0, 2), patience.Token).ConfigureAwait(false)) return;
                    var length = BinaryPrimitives.ReadUInt16BigEndian(buffer);
                    if (length is 0 or > QuestionBytesMax || !await FillAsync(connection, buffer.AsMemory(0, length), patience.Token).ConfigureAwait(false)) return;
                    var answer = await resolution.AnswerAsync(buffer.AsSpan(0, length).ToArray(), buffer.AsMemory(2), isUdp: false, patience.Token).ConfigureAwait(false);
                    if (answer == 0) return;
                    BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)answer);
                    for (var rest = buffer.AsMemory(0, 2 + answer); rest.Length > 0;) rest = rest[await connection.SendAsync(rest, SocketFlags.None, patience.Token).ConfigureAwait(false)..];
                }
            }
            catch (Exception gone) when (gone is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client is gone, or has rested for too long.
            }
            finally
            {
                connections.Release();
            }
    }

    private static async ValueTask<bool> FillAsync(Socket connection, Memory<byte> wanted, CancellationToken cancel)
    {
        while (wanted.Length > 0)
        {
            var received = await connection.ReceiveAsync(wanted, SocketFlags.None, cancel).ConfigureAwait(false);
            if (received == 0) return false;
            wanted = wanted[received..];
        }

        return true;
    }
}
