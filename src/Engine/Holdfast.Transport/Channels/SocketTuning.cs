using System.Net.Sockets;
using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>What every socket between nodes is set to.</summary>
internal static class SocketTuning
{
    private const int LevelOfTcp = 6;
    private const int OptionUserTimeout = 18; // TCP_USER_TIMEOUT of linux/tcp.h (RFC 5482)

    public static void Apply(Socket socket, TransportOptions options)
    {
        socket.Blocking = false;
        socket.NoDelay = true;

        // A peer whose machine vanished sends no farewell: without these two its connection would stay "up" for a quarter of an hour.
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 1);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        if (!OperatingSystem.IsLinux()) return;
        var milliseconds = (int)options.UnacknowledgedMax.TotalMilliseconds;
        Invariant.Holds(milliseconds > 0, "the bound of unacknowledged bytes is not positive");
        socket.SetRawSocketOption(LevelOfTcp, OptionUserTimeout, BitConverter.GetBytes(milliseconds));
    }
}
