using System.Net;
using System.Net.Sockets;

namespace Holdfast.Interop.Tests;

/// <summary>
/// Ports for servers. Each is given once in this process, and all lie below those that the system gives to clients (net.ipv4.ip_local_port_range), so that neither another
/// test nor somebody's outgoing connection takes one between its being found free and its being bound.
/// </summary>
internal static class Ports
{
    private const int First = 20_000;
    private const int Count = 12_000;

    /// <summary>Where to begin: elsewhere in each process, for several may run on one machine.</summary>
    private static int next = Environment.ProcessId * 211 % Count;

    public static int[] Free(int count)
    {
        var ports = new List<int>();
        for (var tried = 0; ports.Count < count; tried++)
        {
            Assert.True(tried < Count, $"no {count} ports are free");
            var port = First + (int)((uint)Interlocked.Increment(ref next) % Count);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                ports.Add(port);
            }
            catch (SocketException)
            {
                // Somebody has it.
            }
        }

        return [.. ports];
    }
}
