using System.Globalization;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Coordination.Endpoints;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Server.Commands;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Hosting;

/// <summary>The node's own administration, over its directory and its groups.</summary>
internal sealed class NodeAdmin(string name, NodeId self, ClusterNode cluster, NodeRuntime runtime, NodeAlarms alarms, Func<DateTimeOffset?> certificatesEnd, NodeArchive? archive, Func<IReadOnlyList<BudgetStatus>> budgets, Func<Task<KeyspaceStatus?>> keyspace) : IAdmin
{
    /// <summary>How long a join token is good, and for one node.</summary>
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);

    /// <inheritdoc/>
    public async ValueTask<NodeStatus> StatusAsync(CancellationToken cancel = default)
    {
        var view = cluster.View;
        return new NodeStatus(
            name, self.ToString(), view.Cluster.ToString(), VersionCommand.Text,
            [.. view.Members.Values.Select(member => new MemberStatus(member.Name, member.Node.ToString(), $"{member.Host}:{member.Port}", string.Join(',', member.ClientUrls), member.Node == self || runtime.HearsFrom(member.Node)))],
            [await ToldAsync(cluster.Directory).WaitAsync(cancel), await ToldAsync(cluster.Coordination).WaitAsync(cancel)])
        {
            Alarms = alarms.On,
            TimeMicros = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10,
            SyncMillisecondsP99 = runtime.LogMeters is { SyncSeconds.Count: >= 100 } log && log.SyncSeconds.Quantile(0.99) is var p99 && double.IsFinite(p99) ? p99 * 1000 : 0,
            CertificatesEndSeconds = certificatesEnd()?.ToUnixTimeSeconds() ?? 0,
            Budgets = budgets(),
            Keyspace = await keyspace().WaitAsync(cancel),
            CpuSeconds = Environment.CpuUsage.TotalTime.TotalSeconds,
            MemoryBytes = Environment.WorkingSet,
            FeatureLevelKnown = BuildLevel.Known,
            Roles = view.Members.TryGetValue(self, out var own) ? NodeRolesText.Of(own.Roles) : "",
            Backup = archive?.Status is { } backup
                ? new BackupStatus(backup.Folder, backup.BaseMicros, backup.CoveredMicros, backup.Fault ?? "") { BasesTaken = backup.BasesTaken, IsTakingBases = backup.IsTakingBases, CopiedBytes = backup.CopiedBytes, TotalBytes = backup.TotalBytes }
                : null,
        };
    }

    /// <inheritdoc/>
    public async ValueTask<JoinTokenReply> CreateJoinTokenAsync(CancellationToken cancel = default)
    {
        var token = await cluster.CreateTokenAsync(TokenLifetime, usesMax: 1, cancel) ?? throw new AdminException(503, "the directory did not take the token: it has no leader just now; ask again");
        return new JoinTokenReply(token.ToString(), (long)TokenLifetime.TotalSeconds);
    }

    /// <inheritdoc/>
    public ValueTask TakeBackupAsync(CancellationToken cancel = default)
    {
        if (archive is null) throw new AdminException(409, $"{name} keeps no backup: start it with --backup-dir DIRECTORY, or ask a node that does");
        archive.TakeBase();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask LeaveAsync(LeaveRequest request, CancellationToken cancel = default)
    {
        var reply = await cluster.LeaveAsync(request.Node.Length == 0 ? self : Find(request.Node), cancel);
        if (!reply.Accepted) throw new AdminException(409, reply.Reason);
    }

    /// <inheritdoc/>
    public async ValueTask TransferAsync(TransferRequest request, CancellationToken cancel = default)
    {
        var group = request.Group switch
        {
            0 => cluster.Directory,
            1 => cluster.Coordination,
            _ => throw new AdminException(404, $"group {request.Group} has no replica here; groups 0 (directory) and 1 (etcd keyspace) have"),
        };
        var verdict = await group.TransferLeadershipAsync(Find(request.Node));
        if (verdict != ChangeVerdict.Begun) throw new AdminException(409, $"the transfer did not begin ({verdict}): ask the group's leader, and name one of its voters");
    }

    private NodeId Find(string node)
    {
        if (cluster.View.FindByName(node) is { } member) return member.Node;
        if (ulong.TryParse(node, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var id) && cluster.View.Members.ContainsKey(new NodeId(id))) return new NodeId(id);
        throw new AdminException(404, $"no member is called {node}; the members are {string.Join(", ", cluster.View.Members.Values.Select(each => each.Name))}");
    }

    private static async Task<Holdfast.Coordination.Endpoints.GroupStatus> ToldAsync(ReplicatedGroup group)
    {
        var followers = await group.FollowersAsync();
        var status = group.Status;
        var last = status.Last.Index.Value;
        var members = status.Configuration.Members.ToArray();
        return new(
            status.Group.Value, RoleOf(status), status.Leader.ToString(), status.Term.Value, status.Commit.Value, status.Applied.Value,
            [.. members.Where(member => member.Role != MemberRole.Learner).Select(member => member.Node.ToString())],
            [.. members.Where(member => member.Role == MemberRole.Learner).Select(member => member.Node.ToString())])
        {
            LastIndex = last,
            FeatureLevel = status.FeatureLevel,
            IsRestored = status.IsRestored || status.IsGivenUp,
            Followers = [.. followers.Select(place => new FollowerStatus(place.Node.ToString(), last - Math.Min(place.Match.Value, last)))],
        };
    }

    private static string RoleOf(Replication.GroupStatus status) => status.Role switch
    {
        RaftRole.Leader => "leader",
        RaftRole.Candidate or RaftRole.PreCandidate => "candidate",
        _ when status.Configuration.IsWitness(status.Self) => "witness",
        _ when !status.Configuration.CountsForQuorum(status.Self) => "learner",
        _ => "follower",
    };
}
