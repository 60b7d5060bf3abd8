using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>Users, roles and tokens on three real nodes, by etcdctl's own verbs, before and after kill -9 of the leader.</summary>
public sealed class AuthProcessesTests
{
    private static readonly string[] Root = ["--user", "root:toor"];
    private static readonly string[] Alice = ["--user", "alice:secret"];

    [Fact]
    public async Task Etcdctl_manages_users_and_every_node_enforces_them_also_after_the_leader_was_killed()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await cluster.EtcdctlAsync(0, "user", "add", "root:toor");
        await cluster.EtcdctlAsync(1, "user", "grant-role", "root", "root");
        Assert.Equal("Authentication Enabled\n", await cluster.EtcdctlAsync(2, "auth", "enable"));
        await cluster.EtcdctlAsync(0, [.. Root, "role", "add", "reader"]);
        await cluster.EtcdctlAsync(1, [.. Root, "role", "grant-permission", "reader", "read", "a", "--prefix=true"]);
        await cluster.EtcdctlAsync(2, [.. Root, "user", "add", "alice:secret"]);
        await cluster.EtcdctlAsync(0, [.. Root, "user", "grant-role", "alice", "reader"]);
        await cluster.EtcdctlAsync(1, [.. Root, "put", "a1", "one"]);
        Assert.Equal("alice\nroot\n", await cluster.EtcdctlAsync(2, [.. Root, "user", "list"]));
        Assert.Contains("Roles: reader", await cluster.EtcdctlAsync(0, [.. Alice, "user", "get", "alice"]), StringComparison.Ordinal);

        var token = (await new Auth.AuthClient(cluster.Calls(0)).AuthenticateAsync(new AuthenticateRequest { Name = "root", Password = "toor" })).Token;
        for (var node = 0; node < 3; node++) await EnforcesAsync(cluster, node, token);

        var leader = await LeaderAsync(cluster, token);
        cluster.Kill(leader);
        for (var node = 0; node < 3; node++)
            if (node != leader) await EnforcesAsync(cluster, node, token);
        var other = (leader + 1) % 3;
        await cluster.EtcdctlAsync(other, [.. Root, "user", "add", "bob:b"]);

        cluster.Start(leader);
        await EnforcesAsync(cluster, leader, token);
        Assert.Equal("alice\nbob\nroot\n", await cluster.EtcdctlAsync(leader, [.. Root, "user", "list"]));
        await cluster.EtcdctlAsync(other, [.. Root, "user", "revoke-role", "alice", "reader"]);
        for (var node = 0; node < 3; node++)
            Assert.Contains("etcdserver: permission denied", await cluster.RefusedEtcdctlAsync(node, [.. Alice, "get", "a1"]), StringComparison.Ordinal);
        Assert.Equal("Authentication Disabled\n", await cluster.EtcdctlAsync(leader, [.. Root, "auth", "disable"]));
        Assert.Equal("a1\none\n", await cluster.EtcdctlAsync(other, "get", "a1"));
    }

    /// <summary>What alice may, she may; what she may not, nobody may, and a token from another node is good here.</summary>
    private static async Task EnforcesAsync(ProcessCluster cluster, int node, string token)
    {
        await UntilReadsAsync(cluster, node, token);
        Assert.Equal("a1\none\n", await cluster.EtcdctlAsync(node, [.. Alice, "get", "a1"]));
        Assert.Contains("etcdserver: permission denied", await cluster.RefusedEtcdctlAsync(node, [.. Alice, "put", "a1", "two"]), StringComparison.Ordinal);
        Assert.Contains("etcdserver: permission denied", await cluster.RefusedEtcdctlAsync(node, [.. Alice, "get", "b"]), StringComparison.Ordinal);
        Assert.Contains("etcdserver: user name is empty", await cluster.RefusedEtcdctlAsync(node, "get", "a1"), StringComparison.Ordinal);
        Assert.Contains("authentication failed", await cluster.RefusedEtcdctlAsync(node, "--user", "alice:wrong", "get", "a1"), StringComparison.Ordinal);
    }

    private static async Task UntilReadsAsync(ProcessCluster cluster, int node, string token)
    {
        for (var begun = Stopwatch.StartNew(); ;)
        {
            try
            {
                await cluster.Kv(node).RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("a1") }, new Metadata { { "token", token } }, DateTime.UtcNow.AddSeconds(5));
                return;
            }
            catch (RpcException notYet) when (notYet.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded && begun.Elapsed < Patient.Most)
            {
                // It starts, or there is no leader just now. A refusal of the token would be another code.
            }
        }
    }

    private static async Task<int> LeaderAsync(ProcessCluster cluster, string token)
    {
        for (var node = 0; node < 3; node++)
        {
            var status = await new Maintenance.MaintenanceClient(cluster.Calls(node)).StatusAsync(new StatusRequest(), new Metadata { { "token", token } }, DateTime.UtcNow.AddSeconds(20));
            if (status.Leader == status.Header.MemberId) return node;
        }

        throw new InvalidOperationException("no node says that it leads");
    }
}
