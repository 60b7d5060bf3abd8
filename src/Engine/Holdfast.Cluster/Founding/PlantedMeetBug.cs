namespace Holdfast.Cluster;

/// <summary>Mistakes that the model of meeting nodes must find. Never in a program.</summary>
public enum PlantedMeetBug : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A node that founded a cluster drops it when another asks it to come.</summary>
    MemberComes = 1,

    /// <summary>A node that has promised to join one cluster founds another when it is asked.</summary>
    PledgedFounds = 2,

    /// <summary>The promise is not written down before the node joins.</summary>
    PledgeInMemory = 3,

    /// <summary>A node that was itself told to meet another founds a cluster for whoever asks.</summary>
    WaitingFounds = 4,

    /// <summary>Nodes that wait for each other in a ring never find out.</summary>
    RingUnseen = 5,
}
