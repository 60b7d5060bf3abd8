using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A client of another node, of which this one executes commands: a session whose bytes come and go in frames between the nodes.</summary>
internal sealed class ForwardGuest : IClientWire
{
    private const int PartBytesMax = 1024 * 1024;
    private const int KeptBytesMax = 16 * 1024;

    private readonly KeyspaceNode node;
    private readonly ByteBuffer pending = new(512);
    private int taken;
    private bool isWhole;
    private bool isFeeding;
    private ForwardTerms? waiting;
    private Instant giveUpAt;

    public ForwardGuest(KeyspaceNode node, NodeId from, long client, Stack<byte[]> pool)
    {
        (this.node, From, Client) = (node, from, client);
        Session = new ClientSession(node, this, pool);
    }

    /// <summary>The node that the client is connected to.</summary>
    public NodeId From { get; }

    /// <summary>Its number there.</summary>
    public long Client { get; }

    public ClientSession Session { get; }

    /// <summary>Commands have come.</summary>
    public void Take(ForwardTerms terms, ReadOnlySpan<byte> requests, bool isLast)
    {
        new SpanWriter(pending).WriteBytes(requests);
        (isWhole, waiting, giveUpAt) = (isLast, terms, node.Now + node.Options.LeaderPatience);
        GoOn();
    }

    /// <summary>Begins what has come, or sends what could not be sent. A user whom the other node knows already may come here a moment later: he is waited for.</summary>
    public void GoOn()
    {
        if (waiting is { } terms)
        {
            if (node.Users.Find(terms.User) is null && node.Now < giveUpAt)
            {
                node.Forwards.Stall(this);
                return;
            }

            waiting = null;
            Session.SpeakFor(terms);
            Feed();
        }
        else Reply();
    }

    /// <summary>Sends the replies that may leave. What cannot be sent now is tried again in a later turn.</summary>
    public void Reply()
    {
        while (!Session.IsClosed && Session.Replies.Sendable is { IsEmpty: false } bytes)
        {
            if (bytes.Length > PartBytesMax) bytes = bytes[..PartBytesMax];
            var isLast = isWhole && taken == pending.Length && !Session.HasRequest && !Session.IsBlocked && !Session.IsAside && Session.Input.Length == 0 && bytes.Length == Session.Replies.Length;
            if (!node.Forwards.TrySendReplies(From, Client, bytes, isLast))
            {
                node.Forwards.Stall(this);
                return;
            }

            Session.Replies.Sent(bytes.Length);
        }

        if (Session is { IsLeaving: true, IsClosed: false, Replies.Length: 0 }) Session.Close();
    }

    public void OnSendable(ClientSession client)
    {
        Feed();
        if (!isFeeding) Reply();
    }

    public void OnTold(ClientSession client) => OnSendable(client);

    public void OnClosed(ClientSession client) => node.Forwards.OnGuestClosed(this);

    /// <summary>Hands on what the session has room for.</summary>
    private void Feed()
    {
        if (isFeeding) return;
        isFeeding = true;
        while (taken < pending.Length && !Session.IsClosed)
        {
            var room = Session.Input.Room(Session.HasRequest);
            if (room.IsEmpty) break;
            var part = pending.Written[taken..];
            if (part.Length > room.Length) part = part[..room.Length];
            part.CopyTo(room);
            Session.Input.Received(part.Length);
            taken += part.Length;
            if (!Session.HasRequest) Session.GoOn();
        }

        isFeeding = false;
        if (taken < pending.Length) return;
        pending.Clear();
        pending.Trim(KeptBytesMax);
        taken = 0;
        Reply();
    }
}
