namespace Holdfast.Coordination.Endpoints;

/// <summary>
/// The node's own administration, for the command line: served as JSON under <c>/holdfast/v1/</c> on the client port. The server program implements it
/// over the directory and the groups. Callable from any thread; a refusal is an <see cref="AdminException"/>.
/// </summary>
public interface IAdmin
{
    /// <summary>This node, the members that it knows, and its groups.</summary>
    ValueTask<NodeStatus> StatusAsync(CancellationToken cancel = default);

    /// <summary>A new token with which one node may join within its lifetime.</summary>
    ValueTask<JoinTokenReply> CreateJoinTokenAsync(CancellationToken cancel = default);

    /// <summary>Takes a node out of the cluster for good: data groups first, group 0 last (S5).</summary>
    ValueTask LeaveAsync(LeaveRequest request, CancellationToken cancel = default);

    /// <summary>Begins to take bases into this node's backup archive; <see cref="NodeStatus.Backup"/> tells how far it is.</summary>
    ValueTask TakeBackupAsync(CancellationToken cancel = default);

    /// <summary>Hands the leadership of a group to a named node.</summary>
    ValueTask TransferAsync(TransferRequest request, CancellationToken cancel = default);
}

/// <summary>A refusal with a sentence for the operator.</summary>
/// <param name="httpStatus">400 for a wrong request, 404 for what is not there, 409 for what the state does not allow, 503 for no quorum.</param>
/// <param name="message">What is wrong, and what to do.</param>
public sealed class AdminException(int httpStatus, string message) : Exception(message)
{
    /// <summary>The HTTP status of the answer.</summary>
    public int HttpStatus { get; } = httpStatus;
}

/// <summary>One node's view of the cluster.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="NodeId">Its id, in hex.</param>
/// <param name="ClusterId">The cluster, in hex.</param>
/// <param name="Version">The program's version.</param>
/// <param name="Members">Every member in the directory.</param>
/// <param name="Groups">The groups of which this node has a replica.</param>
public sealed record NodeStatus(string Name, string NodeId, string ClusterId, string Version, IReadOnlyList<MemberStatus> Members, IReadOnlyList<GroupStatus> Groups)
{
    /// <summary>The alarms that are on, as this node knows them.</summary>
    public IReadOnlyList<AlarmStatus> Alarms { get; init; } = [];

    /// <summary>The node's clock when it answered, in microseconds since 1970.</summary>
    public long TimeMicros { get; init; }

    /// <summary>The time within which 99 of 100 fsyncs of its log ended since it started, in milliseconds; 0 until there were a hundred.</summary>
    public double SyncMillisecondsP99 { get; init; }

    /// <summary>When the first of its certificates ends, in seconds since 1970; 0 without certificates.</summary>
    public long CertificatesEndSeconds { get; init; }

    /// <summary>How this node's backup stands; null when it keeps none.</summary>
    public BackupStatus? Backup { get; init; }

    /// <summary>Processor time that the process has taken, in seconds.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>Memory of the process, in bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>The highest feature level that its program knows.</summary>
    public uint FeatureLevelKnown { get; init; } = 1;

    /// <summary>What its faces may take, and take.</summary>
    public IReadOnlyList<BudgetStatus> Budgets { get; init; } = [];

    /// <summary>The faces that the node carries, with commas between.</summary>
    public string Roles { get; init; } = "";

    /// <summary>Its Redis face; null when it serves none.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)]
    public KeyspaceStatus? Keyspace { get; init; }
}

/// <summary>A node's Redis face.</summary>
/// <param name="Port">Where Redis clients are served; 0 for nowhere.</param>
/// <param name="ShardsLed">Shards that the node leads.</param>
/// <param name="SlotsServed">Slots with a leader, of the whole cluster.</param>
/// <param name="Shards">Shards of the whole cluster.</param>
/// <param name="ReplicasLeast">Replicas of the shard that has fewest.</param>
/// <param name="LagMost">Entries that the slowest follower of a shard led here lacks.</param>
/// <param name="Commands">Commands since the start.</param>
/// <param name="Redirects">Of them those that were sent to another node.</param>
/// <param name="MovesDone">Moves of slots that came to their end.</param>
/// <param name="MovesFailed">Moves that were given up.</param>
public sealed record KeyspaceStatus(int Port, int ShardsLed, int SlotsServed, int Shards, int ReplicasLeast, ulong LagMost, long Commands, long Redirects, int MovesDone, int MovesFailed);

/// <summary>A face's budget on a node.</summary>
/// <param name="Face">The face.</param>
/// <param name="MemoryBytesMax">Memory that it may take.</param>
/// <param name="MemoryBytes">Memory that it takes.</param>
public sealed record BudgetStatus(string Face, long MemoryBytesMax, long MemoryBytes);

/// <summary>A node's backup.</summary>
/// <param name="Folder">Where its archive is.</param>
/// <param name="BaseMicros">When the newest bases were complete, in microseconds since 1970; 0 before the first.</param>
/// <param name="CoveredMicros">Everything acknowledged before this moment is in the archive; 0 before the first round.</param>
/// <param name="Fault">Why it stands still; empty when it does not.</param>
public sealed record BackupStatus(string Folder, long BaseMicros, long CoveredMicros, string Fault)
{
    /// <summary>Rounds of bases that were completed since the node started.</summary>
    public int BasesTaken { get; init; }

    /// <summary>Whether bases are being taken now.</summary>
    public bool IsTakingBases { get; init; }

    /// <summary>Of the base that is being taken: bytes copied.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>Of the base that is being taken: bytes to copy.</summary>
    public long TotalBytes { get; init; }
}

/// <summary>An alarm that is on.</summary>
/// <param name="Code">Stable, for machines.</param>
/// <param name="Sentence">For people.</param>
public sealed record AlarmStatus(string Code, string Sentence);

/// <summary>A member as the directory has it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NodeId">Its id, in hex.</param>
/// <param name="PeerAddress">Where its peers reach it.</param>
/// <param name="ClientAddress">Where its clients reach it.</param>
/// <param name="IsReachable">Whether this node hears from it.</param>
public sealed record MemberStatus(string Name, string NodeId, string PeerAddress, string ClientAddress, bool IsReachable);

/// <summary>A group as its local replica sees it.</summary>
/// <param name="Group">The group's number: 0 the directory, 1 the etcd keyspace.</param>
/// <param name="Role">leader, follower, candidate, learner or witness.</param>
/// <param name="Leader">The leader's node id in hex, or 0 for nobody known.</param>
/// <param name="Term">The term.</param>
/// <param name="CommitIndex">The last index known to be committed.</param>
/// <param name="AppliedIndex">The last index applied here.</param>
/// <param name="Voters">The voters' node ids, in hex.</param>
/// <param name="Learners">The learners' node ids, in hex.</param>
public sealed record GroupStatus(ulong Group, string Role, string Leader, ulong Term, ulong CommitIndex, ulong AppliedIndex, IReadOnlyList<string> Voters, IReadOnlyList<string> Learners)
{
    /// <summary>The log's end here.</summary>
    public ulong LastIndex { get; init; }

    /// <summary>Whether the state is there; while it is restored there are no reads here.</summary>
    public bool IsRestored { get; init; } = true;

    /// <summary>The group's feature level.</summary>
    public uint FeatureLevel { get; init; } = 1;

    /// <summary>On the leader: how many entries each other member still lacks.</summary>
    public IReadOnlyList<FollowerStatus> Followers { get; init; } = [];
}

/// <summary>A follower as its leader sees it.</summary>
/// <param name="NodeId">Its id, in hex.</param>
/// <param name="Lag">Entries of the leader's log that it is not known to have on disk.</param>
public sealed record FollowerStatus(string NodeId, ulong Lag);

/// <summary>A join token and what to do with it.</summary>
/// <param name="Token">The secret.</param>
/// <param name="ExpiresInSeconds">For how long it is good.</param>
public sealed record JoinTokenReply(string Token, long ExpiresInSeconds);

/// <summary>Asks for a node to leave.</summary>
/// <param name="Node">Its name or its id in hex; empty is the node that is asked.</param>
public sealed record LeaveRequest(string Node);

/// <summary>Asks for a change of leadership.</summary>
/// <param name="Group">The group's number.</param>
/// <param name="Node">The new leader's name or its id in hex.</param>
public sealed record TransferRequest(ulong Group, string Node);
