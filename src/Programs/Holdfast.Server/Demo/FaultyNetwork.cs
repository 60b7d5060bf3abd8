using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Server.Demo;

/// <summary>
/// The network between nodes on one machine, with faults to be switched on: a relay stands before each node's peer port, and its address is the one that the cluster knows. Servers know nothing
/// of it; they have no verb that harms them. Who dials is read from the preamble, who answers from the answer (in the clear: demonstrations and tests have no certificates).
/// <code>
///   n1 ──dials n2──► relay before n2 ──► n2        links[n1, n2] there, links[n2, n1] back
/// </code>
/// </summary>
internal sealed class FaultyNetwork : IDisposable
{
    private static readonly PeerLink Untouched = new();

    private readonly IReadOnlyList<int> targets;
    private readonly Socket[] doors;
    private readonly PeerLink[,] links;
    private readonly ConcurrentDictionary<NodeId, int> nodes = new();
    private readonly ConcurrentDictionary<PeerRelay, (int From, int To)> relays = new();

    private FaultyNetwork(Socket[] doors, IReadOnlyList<int> targets)
    {
        (this.doors, this.targets) = (doors, targets);
        links = new PeerLink[doors.Length, doors.Length];
        for (var from = 0; from < doors.Length; from++)
            for (var to = 0; to < doors.Length; to++) links[from, to] = new PeerLink();
        for (var node = 0; node < doors.Length; node++) _ = AcceptAsync(node);
    }

    /// <summary>The relays' ports, one before each node.</summary>
    public IReadOnlyList<int> Ports => [.. doors.Select(door => ((IPEndPoint)door.LocalEndPoint!).Port)];

    /// <summary>The direction from one node to another.</summary>
    public PeerLink this[int from, int to] => links[from, to];

    /// <summary>Opens a relay before each of the nodes' true peer ports; null when a port is taken.</summary>
    /// <param name="ports">Where the relays listen; 0 has the system choose.</param>
    /// <param name="targets">The true peer ports.</param>
    public static FaultyNetwork? TryOpen(IReadOnlyList<int> ports, IReadOnlyList<int> targets)
    {
        var doors = new List<Socket>();
        foreach (var port in ports)
        {
            var door = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            doors.Add(door);
            try
            {
                door.Bind(new IPEndPoint(IPAddress.Loopback, port));
                door.Listen();
            }
            catch (SocketException)
            {
                doors.ForEach(each => each.Dispose());
                return null;
            }
        }

        return new FaultyNetwork([.. doors], targets);
    }

    /// <summary>Cuts every link between nodes of different sides, both ways.</summary>
    /// <param name="sides">For each node the number of its side.</param>
    public void Partition(IReadOnlyList<int> sides)
    {
        ForEachLink((from, to, link) =>
        {
            if (sides[from] != sides[to]) link.Cut();
            else link.Mend();
        });
    }

    /// <summary>Bytes to and from a node are so long on their way.</summary>
    public void Slow(int node, TimeSpan delay)
    {
        ForEachLink((from, to, link) =>
        {
            if (from == node || to == node) link.Delay = delay;
        });
    }

    /// <summary>Every link as it was in the beginning.</summary>
    public void Heal()
    {
        ForEachLink((_, _, link) =>
        {
            link.Delay = TimeSpan.Zero;
            link.Mend();
        });
    }

    /// <summary>Closes the connections of a node; new ones may be made.</summary>
    public void Hangup(int node)
    {
        foreach (var (relay, ends) in relays)
            if (ends.From == node || ends.To == node) relay.Dispose();
    }

    public void Dispose()
    {
        foreach (var door in doors) door.Dispose();
        foreach (var (relay, _) in relays) relay.Dispose();
    }

    private void ForEachLink(Action<int, int, PeerLink> change)
    {
        for (var from = 0; from < doors.Length; from++)
            for (var to = 0; to < doors.Length; to++)
                if (from != to) change(from, to, links[from, to]);
    }

    private async Task AcceptAsync(int node)
    {
        try
        {
            while (true) _ = ServeAsync(await doors[node].AcceptAsync(), node);
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            // The network is taken down.
        }
    }

    private async Task ServeAsync(Socket dialler, int to)
    {
        using var target = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using var relay = new PeerRelay(dialler, target);
        dialler.NoDelay = true;
        var sender = NodeId.None;
        PeerLink There() => LinkOf(sender, to, isBack: false);
        try
        {
            var preamble = await ReadAsync(dialler, PeerPreamble.Size);
            if (PeerPreamble.Read(preamble, out var said) == PeerPreambleFault.None) sender = said.Sender;
            relays[relay] = (nodes.GetValueOrDefault(sender, -1), to);
            await There().UntilOpenAsync(CancellationToken.None);
            await target.ConnectAsync(IPAddress.Loopback, targets[to]);
            await target.SendAsync(preamble);
            var answer = await ReadAsync(target, PeerAnswer.Size);
            if (PeerAnswer.TryRead(answer, out var answered) && answered.Node != NodeId.None) nodes[answered.Node] = to;
            await LinkOf(sender, to, isBack: true).UntilOpenAsync(CancellationToken.None);
            await dialler.SendAsync(answer);
            relays[relay] = (nodes.GetValueOrDefault(sender, -1), to);
            await relay.CarryAsync(There, () => LinkOf(sender, to, isBack: true));
        }
        catch (Exception gone) when (gone is SocketException or EndOfStreamException or ObjectDisposedException)
        {
            // One of the two is not there: the other sees its connection closed.
        }
        finally
        {
            relays.TryRemove(relay, out _);
        }
    }

    /// <summary>Who dials is known once it has itself been dialled; a stranger's bytes pass.</summary>
    private PeerLink LinkOf(NodeId sender, int to, bool isBack)
    {
        if (!nodes.TryGetValue(sender, out var from)) return Untouched;
        return isBack ? links[to, from] : links[from, to];
    }

    private static async Task<byte[]> ReadAsync(Socket from, int length)
    {
        var bytes = new byte[length];
        await new NetworkStream(from).ReadExactlyAsync(bytes);
        return bytes;
    }
}
