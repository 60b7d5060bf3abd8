using System.Numerics;
using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>How a mesh stands with one peer: its address, its connection or the attempt to make one, and how long to wait before the next attempt.</summary>
internal sealed class PeerLine(NodeId peer, TimeSpan redialMin)
{
    /// <summary>From this attempt on a reason that stays is said again each time that the attempts have doubled: about a minute at a second between them, then two, four and so on.</summary>
    private const int AttemptsUntilSaidAgain = 64;

    private TimeSpan redial = redialMin;
    private Instant connectedAt;
    private string lastFault = "";

    public NodeId Peer { get; } = peer;

    /// <summary>Null for a peer that dialled us before the book told of it.</summary>
    public PeerAddress? Address { get; private set; }

    public PeerConnection? Connection { get; private set; }

    public PeerDial? Dial { get; set; }

    public Instant NextDial { get; private set; }

    /// <summary>Attempts that failed since there was a connection.</summary>
    public int Attempts { get; private set; }

    public void LearnAddress(PeerAddress address)
    {
        if (Address == address) return;
        Address = address;
        AbandonDial();
        NextDial = Instant.Zero;
    }

    public void ForgetAddress()
    {
        Address = null;
        AbandonDial();
    }

    public void BecomeConnected(PeerConnection connection, Instant now)
    {
        Invariant.Holds(Connection is null, "a peer was connected twice on one loop");
        AbandonDial();
        Connection = connection;
        connectedAt = now;
        lastFault = "";
        Attempts = 0;
    }

    public void BecomeDisconnected(Instant now, TransportOptions options)
    {
        Connection = null;

        // A connection that lived shows a peer worth a quick try; one that died at once would otherwise be re-made fifty times a second.
        if (now - connectedAt >= options.RedialMax) redial = options.RedialMin;
        WaitLonger(now, options);
    }

    /// <summary>True when the reason is news, or has been the same for so long that it is worth saying again.</summary>
    public bool BecomeUnreached(Instant now, TransportOptions options, string fault)
    {
        Dial = null;
        WaitLonger(now, options);
        Attempts++;
        if (fault == lastFault) return Attempts >= AttemptsUntilSaidAgain && BitOperations.IsPow2(Attempts);
        lastFault = fault;
        return true;
    }

    public override string ToString() => Address is null ? $"{Peer}" : $"{Address.Name} ({Peer})";

    private void WaitLonger(Instant now, TransportOptions options)
    {
        NextDial = now + redial;
        redial = redial * 2 < options.RedialMax ? redial * 2 : options.RedialMax;
    }

    private void AbandonDial()
    {
        Dial?.Dispose();
        Dial = null;
    }
}
