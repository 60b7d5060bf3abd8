using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>How far a node is that was started to wait for others.</summary>
public enum MeetStanding : byte
{
    /// <summary>It has no genesis and has promised nothing: it holds nobody's data, in no face (S23).</summary>
    Alone = 0,

    /// <summary>It has promised, durably, to join one cluster, and does nothing else any more.</summary>
    Pledged = 1,

    /// <summary>It has a genesis, and keeps it.</summary>
    Member = 2,
}

/// <summary>What a node says when it was told to meet another.</summary>
/// <param name="Member">Who it is, and where it is reached.</param>
/// <param name="Standing">How far it is.</param>
/// <param name="Cluster">The cluster that it belongs to, or has promised to join.</param>
public sealed record MeetQuestion(MemberRecord Member, MeetStanding Standing, ClusterId Cluster);

/// <summary>What the other says.</summary>
public enum MeetVerdict : byte
{
    /// <summary>Not yet: ask again.</summary>
    Wait = 0,

    /// <summary>Come: here is a token.</summary>
    Come = 1,

    /// <summary>It comes by itself.</summary>
    Coming = 2,

    /// <summary>Both are of one cluster.</summary>
    Same = 3,

    /// <summary>Both are of clusters, and these are two: none gives its data up.</summary>
    Apart = 4,

    /// <summary>Whoever asks was removed from this cluster, for good (S4).</summary>
    Removed = 5,
}

/// <summary>An answer.</summary>
/// <param name="Verdict">What it is.</param>
/// <param name="Node">Who answers.</param>
/// <param name="Cluster">Its cluster, or none.</param>
/// <param name="Lowest">The lowest node among those that wait for each other from here on; nobody when it waits for none.</param>
/// <param name="Token">The token, of <see cref="MeetVerdict.Come"/>.</param>
public sealed record MeetAnswer(MeetVerdict Verdict, NodeId Node, ClusterId Cluster, NodeId Lowest, string Token);

/// <summary>What a node is to do durably, now.</summary>
public enum MeetStep : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Write a genesis of its own.</summary>
    Found = 1,

    /// <summary>Write down that it joins the cluster that asked it to come, then join.</summary>
    Pledge = 2,

    /// <summary>Join with the token that came: the one that it had does not open any more.</summary>
    Join = 3,
}
