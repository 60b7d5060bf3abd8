using static Holdfast.Coordination.Tests.Endpoints.Etcdctl;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Debian's etcdctl (package etcd-client) against the front door over a real keyspace in this process.</summary>
public sealed class EtcdctlTests
{
    [Fact]
    public async Task Keys_are_put_read_listed_and_deleted()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        Assert.Equal("OK\n", await RunAsync(door, "put", "a", "1"));
        Assert.Equal("OK\na\n1\n", await RunAsync(door, "put", "a", "2", "--prev-kv"));
        Assert.Equal("OK\n", await RunAsync(door, "put", "b", "3"));
        Assert.Equal("a\n2\n", await RunAsync(door, "get", "a"));
        Assert.Equal("a\n1\n", await RunAsync(door, "get", "a", "--rev=2"));
        Assert.Equal("b\n3\na\n2\n", await RunAsync(door, "get", "a", "c", "--order=DESCEND", "--sort-by=KEY"));
        Assert.Equal("2\n", await RunAsync(door, "del", "--prefix", ""));
        Assert.Equal(string.Empty, await RunAsync(door, "get", "--prefix", ""));
    }

    [Fact]
    public async Task Transactions_compare_and_run_one_branch()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await RunAsync(door, "put", "a", "1");
        const string Transaction = "value(\"a\") = \"1\"\n\nput a 2\nget a\n\nget a\n\n";
        Assert.Equal("SUCCESS\n\nOK\n\na\n2\n", await RunAsync(door, ["txn"], Transaction));
        Assert.Equal("FAILURE\n\na\n2\n", await RunAsync(door, ["txn"], Transaction));
    }

    [Fact]
    public async Task A_watch_tells_history_and_what_follows()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await RunAsync(door, "put", "a", "1");
        using var watch = Start(door, ["watch", "a", "--rev=2"]);
        try
        {
            Assert.Equal("PUT a 1", await ReadLinesAsync(watch, 3));
            await RunAsync(door, "put", "a", "2");
            Assert.Equal("PUT a 2", await ReadLinesAsync(watch, 3));
            await RunAsync(door, "del", "a");
            Assert.Equal("DELETE a ", await ReadLinesAsync(watch, 3));
        }
        finally
        {
            watch.Kill();
            await watch.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_lease_is_granted_told_renewed_and_revoked_with_its_keys()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        var granted = await RunAsync(door, "lease", "grant", "600");
        var id = granted.Split(' ')[1];
        Assert.Equal($"lease {id} granted with TTL(600s)\n", granted);
        Assert.Equal("OK\n", await RunAsync(door, "put", "a", "1", "--lease=" + id));
        Assert.Matches($"^lease {id} granted with TTL\\(600s\\), remaining\\((600|59[0-9])s\\), attached keys\\(\\[a\\]\\)\n$", await RunAsync(door, "lease", "timetolive", id, "--keys"));
        Assert.Equal($"lease {id} keepalived with TTL(600)\n", await RunAsync(door, "lease", "keep-alive", "--once", id));
        Assert.Equal($"found 1 leases\n{id}\n", await RunAsync(door, "lease", "list"));
        Assert.Equal($"lease {id} revoked\n", await RunAsync(door, "lease", "revoke", id));
        Assert.Equal(string.Empty, await RunAsync(door, "get", "a"));
    }

    [Fact]
    public async Task Compaction_members_status_health_and_failures_read_as_with_etcd()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await RunAsync(door, "put", "a", "1");
        await RunAsync(door, "put", "a", "2");
        Assert.Equal("compacted revision 3\n", await RunAsync(door, "compaction", "3"));
        Assert.Contains("etcdserver: mvcc: required revision has been compacted", await RunAsync(door, "get", "a", "--rev=2"), StringComparison.Ordinal);
        Assert.Contains("etcdserver: mvcc: required revision is a future revision", await RunAsync(door, "get", "a", "--rev=99"), StringComparison.Ordinal);
        Assert.Equal("c, started, n1, http://127.0.0.1:2380, http://127.0.0.1:2379, false\n", await RunAsync(door, "member", "list"));
        Assert.StartsWith($"{door.Address}, c, 3.6.0, ", await RunAsync(door, "endpoint", "status"), StringComparison.Ordinal);
        Assert.Contains("is healthy: successfully committed proposal", await RunAsync(door, "endpoint", "health"), StringComparison.Ordinal);
        Assert.StartsWith($"{door.Address}, ", await RunAsync(door, "endpoint", "hashkv"), StringComparison.Ordinal);
        Assert.Equal(string.Empty, await RunAsync(door, "alarm", "list"));
        Assert.Equal(string.Empty, await RunAsync(door, "user", "list"));
    }
}
