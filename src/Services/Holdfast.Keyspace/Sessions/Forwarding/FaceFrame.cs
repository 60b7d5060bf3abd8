namespace Holdfast.Keyspace;

/// <summary>What nodes of this face send each other on their loops: the first byte of each frame.</summary>
internal enum FaceFrame : byte
{
    /// <summary>A published message.</summary>
    Publication = 1,

    /// <summary>Commands of a client that is elsewhere.</summary>
    Requests = 2,

    /// <summary>The replies to them.</summary>
    Replies = 3,

    /// <summary>To who executes: the client is gone, and whatever it waits for.</summary>
    ClientGone = 4,

    /// <summary>To who forwarded: there will be no reply.</summary>
    GuestGone = 5,

    /// <summary>A message of the gossip.</summary>
    Gossip = 6,
}
