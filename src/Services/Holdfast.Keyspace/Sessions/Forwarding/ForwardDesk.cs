using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// Forwarding on a node, both ways: its clients' commands to the nodes that lead their shards, and the commands of other nodes' clients (guests) that it executes. As many guests as other nodes have clients that
/// forward. Pure; for the loop's thread.
/// </summary>
internal sealed class ForwardDesk(KeyspaceNode node)
{
    private readonly Dictionary<(NodeId From, long Client), ForwardGuest> guests = [];
    private readonly List<ForwardGuest> stalledGuests = [];
    private readonly List<ClientForwarding> stalled = [];
    private readonly List<(NodeId To, FaceFrame What, long Client)> farewells = [];
    private readonly Stack<byte[]> pool = new();
    private readonly ByteBuffer frame = new(512);

    /// <summary>The way to the other nodes; null where there is none, and then nothing is forwarded.</summary>
    public IForwardRoad? Road { get; set; }

    /// <summary>Clients of other nodes of which this one has executed commands, and which are still there.</summary>
    public int Guests => guests.Count;

    /// <summary>Something could not be sent, and is to be tried again soon.</summary>
    public bool HasStalled => stalledGuests.Count + stalled.Count + farewells.Count > 0;

    /// <summary>Sends commands; false, and nothing sent, when that is not possible now.</summary>
    public bool TrySendRequests(NodeId to, long client, ForwardTerms terms, ReadOnlySpan<byte> requests, bool isLast)
    {
        var writer = Begin(FaceFrame.Requests, client);
        writer.WriteByte(isLast ? (byte)1 : (byte)0);
        terms.Encode(writer);
        writer.WriteBytes(requests);
        return Send(to);
    }

    /// <summary>Sends replies; false, and nothing sent, when that is not possible now.</summary>
    public bool TrySendReplies(NodeId to, long client, ReadOnlySpan<byte> replies, bool isLast)
    {
        var writer = Begin(FaceFrame.Replies, client);
        writer.WriteByte(isLast ? (byte)1 : (byte)0);
        writer.WriteBytes(replies);
        return Send(to);
    }

    /// <summary>A client of this node is gone.</summary>
    public void Leave(NodeId to, long client) => Farewell(to, FaceFrame.ClientGone, client);

    /// <summary>Tries it again in the next turn.</summary>
    public void Stall(ClientForwarding forwarding)
    {
        if (!stalled.Contains(forwarding)) stalled.Add(forwarding);
    }

    /// <summary>Tries it again in the next turn.</summary>
    public void Stall(ForwardGuest guest)
    {
        if (!stalledGuests.Contains(guest)) stalledGuests.Add(guest);
    }

    public void OnGuestClosed(ForwardGuest guest)
    {
        if (guests.Remove((guest.From, guest.Client))) Farewell(guest.From, FaceFrame.GuestGone, guest.Client);
    }

    /// <summary>Sends what could not be sent before.</summary>
    public void Turn()
    {
        if (!HasStalled) return;
        foreach (var (to, what, client) in Take(farewells)) Farewell(to, what, client);
        foreach (var guest in Take(stalledGuests)) guest.GoOn();
        foreach (var forwarding in Take(stalled)) forwarding.Retry();
    }

    /// <summary>Another node has sent something.</summary>
    public void OnFrame(NodeId from, ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        var what = (FaceFrame)reader.ReadByte();
        var client = (long)reader.ReadUInt64();
        if (!reader.IsWhole) return;
        switch (what)
        {
            case FaceFrame.Requests:
                var isLast = reader.ReadByte() != 0;
                if (ForwardTerms.Decode(ref reader) is not { } terms) return;
                if (!guests.TryGetValue((from, client), out var guest)) guests[(from, client)] = guest = new ForwardGuest(node, from, client, pool);
                guest.Take(terms, reader.Rest, isLast);
                break;
            case FaceFrame.Replies:
                var isEnd = reader.ReadByte() != 0;
                if (node.Clients.TryGetValue(client, out var known)) known.Forwarding?.OnReplies(from, reader.Rest, isEnd);
                break;
            case FaceFrame.ClientGone:
                if (guests.Remove((from, client), out var left)) left.Session.Close();
                break;
            case FaceFrame.GuestGone:
                if (node.Clients.TryGetValue(client, out var waits)) waits.Forwarding?.OnGuestGone(from);
                break;
        }
    }

    /// <summary>A node is gone, or the connection to it: its clients have left, and what was forwarded to it may have been executed or not.</summary>
    public void OnPeerDown(NodeId peer)
    {
        foreach (var (key, guest) in guests.Where(each => each.Key.From == peer).OrderBy(each => each.Key.Client).ToArray())
        {
            guests.Remove(key);
            guest.Session.Close();
        }

        farewells.RemoveAll(each => each.To == peer);
        foreach (var client in node.Clients.Values.ToArray()) client.Forwarding?.OnPeerDown(peer);
    }

    private SpanWriter Begin(FaceFrame what, long client)
    {
        frame.Clear();
        var writer = new SpanWriter(frame);
        writer.WriteByte((byte)what);
        writer.WriteUInt64((ulong)client);
        return writer;
    }

    private bool Send(NodeId to)
    {
        if (to != node.Topology.Self) return Road?.TrySend(to, frame.Written) ?? false;

        // To itself: a command over several slots, or one whose leader this node has just become. Whoever is called may send in turn.
        OnFrame(to, frame.Written.ToArray());
        return true;
    }

    private void Farewell(NodeId to, FaceFrame what, long client)
    {
        Begin(what, client);
        if (!Send(to) && node.Topology.PeerOf(to) is not null) farewells.Add((to, what, client));
    }

    private static T[] Take<T>(List<T> list)
    {
        T[] taken = [.. list];
        list.Clear();
        return taken;
    }
}
