using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>What a node of a cluster is built from.</summary>
public sealed record ClusterNodeSetup
{
    /// <summary>The data directory's files.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Who this process is.</summary>
    public required LocalNode Self { get; init; }

    /// <summary>What the cluster shall know of it.</summary>
    public required MemberRecord Member { get; init; }

    /// <summary>The address book that the meshes read.</summary>
    public required PeerAddresses Addresses { get; init; }

    /// <summary>Where verbs are added; its listener is started after the <see cref="ClusterNode"/> was made.</summary>
    public required ControlService Control { get; init; }

    /// <summary>The runtime, not yet opened.</summary>
    public required NodeRuntime Runtime { get; init; }

    /// <summary>The state machine of group 1, empty.</summary>
    public required IStateMachine Coordination { get; init; }

    /// <summary>Makes the empty state of a data group that is placed here; null for a face that this program does not carry, whose replicas then wait.</summary>
    public Func<GroupRecord, IStateMachine?> DataMachines { get; init; } = _ => null;

    /// <summary>Certificates between nodes; null in the clear.</summary>
    public PeerTls? Tls { get; init; }

    /// <summary>The files of <see cref="Tls"/>: where a joiner's certificate is kept, and the authority's key on a node that signs. Null in the clear.</summary>
    public TlsFolder? Certificates { get; init; }

    /// <summary>The founders by name, this node among them, as "host:port"; empty for a node that founds alone or joins.</summary>
    public IReadOnlyDictionary<string, string> Founders { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it founds and joins nothing by itself, and waits until it is told to meet others (<see cref="ClusterNode.MeetAsync"/>), or met by them.</summary>
    public bool IsLone { get; init; }

    /// <summary>Whether other nodes that were told to meet this one are given a token: by whoever reaches the peer port, or, under TLS, shows a certificate of the authority. For faces whose users expect that of a node; else a token is made by hand.</summary>
    public bool AnswersMeetings { get; init; }

    /// <summary>"host:port" of members of a cluster to join, with commas between; they are asked in turn. Empty otherwise.</summary>
    public string JoinTarget { get; init; } = "";

    /// <summary>The join token, in its text form.</summary>
    public string JoinToken { get; init; } = "";

    /// <summary>Whether it joins without a token, into the place that is kept for its peer address (<see cref="ReservedPlace"/>).</summary>
    public bool JoinsReservedPlace { get; init; }

    /// <summary>Options of groups 0 and 1.</summary>
    public GroupOptions Groups { get; init; } = new();

    /// <summary>Called once, when the cluster is known and before anything runs: makes the data directory part of it.</summary>
    public Action<Holdfast.Primitives.ClusterId> OnCluster { get; init; } = _ => { };

    /// <summary>Told what happens, a sentence each.</summary>
    public Action<string> Say { get; init; } = _ => { };

    /// <summary>Told what an operator should look at, a sentence each.</summary>
    public Action<string> Warn { get; init; } = _ => { };
}
