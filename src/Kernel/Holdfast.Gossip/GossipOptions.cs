namespace Holdfast.Gossip;

/// <summary>How often nodes look at each other, and how long they doubt before they say that one is down.</summary>
public sealed record GossipOptions
{
    /// <summary>How often a node probes another. Default 500 ms; a node that is not well itself probes less often.</summary>
    public TimeSpan Period { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long it waits for the answer before it asks others to probe in its place. Default 150 ms: several round trips.</summary>
    public TimeSpan AnswerMax { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How many others it asks. Default 3 (SWIM section 4.1).</summary>
    public int HelpersAsked { get; init; } = 3;

    /// <summary>How long a suspect has to object, in periods, times the logarithm of the number of nodes. Default 4 (Lifeguard: alpha).</summary>
    public int SuspicionPeriods { get; init; } = 4;

    /// <summary>So many times longer, as long as nobody else suspects it too. Default 6 (Lifeguard: beta).</summary>
    public int LonelySuspicionFactor { get; init; } = 6;

    /// <summary>Others that suspect it too until the time is shortest. Default 3 (Lifeguard: K).</summary>
    public int ConfirmationsMax { get; init; } = 3;

    /// <summary>A piece of news is told so many times the logarithm of the number of nodes. Default 3.</summary>
    public int TellFactor { get; init; } = 3;

    /// <summary>Bytes of a message, news included. Default 1200: a datagram that no network cuts.</summary>
    public int MessageBytesMax { get; init; } = 1200;

    /// <summary>Bytes of what a node says of itself. Default 256.</summary>
    public int MetadataBytesMax { get; init; } = 256;

    /// <summary>How long a node that is down is remembered, so that old news does not bring it back. Default 60 s.</summary>
    public TimeSpan RememberDown { get; init; } = TimeSpan.FromSeconds(60);
}
