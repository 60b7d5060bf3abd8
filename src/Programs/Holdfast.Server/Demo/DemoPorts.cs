using System.Net;
using System.Net.Sockets;
using Holdfast.Server.Hosting;

namespace Holdfast.Server.Demo;

/// <summary>
/// The demo's block of ports: for each node where clients come, where the others believe its peer port to be (a relay, so that links can be cut), where it truly is, and where vector clients come. A block in which
/// anything is taken moves on by twenty; the relays are bound while the block is chosen, so two demos that start at once never share one.
/// </summary>
internal sealed record DemoPorts(int First, int Nodes, FaultyNetwork Network, string Moved)
{
    /// <summary>Where the usual block begins.</summary>
    public const int Usual = 25101;

    private const int BlockLength = 20;
    private const int BlocksMax = 50;

    public int Client(int node) => First + node;

    /// <summary>The address that the cluster knows.</summary>
    public int Relay(int node) => First + Nodes + node;

    /// <summary>Where the node truly listens.</summary>
    public int Peer(int node) => First + (2 * Nodes) + node;

    /// <summary>Where vector clients come.</summary>
    public int Vectors(int node) => First + (3 * Nodes) + node;

    /// <summary>Takes the first block that is free.</summary>
    /// <exception cref="CannotStartException">None is.</exception>
    public static DemoPorts Take(int nodes)
    {
        var moved = "";
        for (var block = 0; block < BlocksMax; block++)
        {
            var first = Usual + (block * BlockLength);
            int[] From(int offset) => [.. Enumerable.Range(first + offset, nodes)];
            var taken = Array.Find([.. From(0), .. From(2 * nodes), .. From(3 * nodes)], port => !IsFree(port));
            if (taken == 0 && FaultyNetwork.TryOpen(From(nodes), From(2 * nodes)) is { } network) return new DemoPorts(first, nodes, network, moved);
            if (moved.Length == 0) moved = $"port {(taken == 0 ? first + nodes : taken)} is taken{(PortOwner.Of(taken) is { } owner ? " by " + owner : "")}";
        }

        throw new CannotStartException($"no free block of ports between {Usual} and {Usual + (BlocksMax * BlockLength)} on 127.0.0.1");
    }

    private static bool IsFree(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
