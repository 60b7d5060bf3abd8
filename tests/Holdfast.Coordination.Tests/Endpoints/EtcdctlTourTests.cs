using static Holdfast.Coordination.Tests.Endpoints.Etcdctl;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>Debian's etcdctl: the verbs that talk while they run.</summary>
public sealed class EtcdctlTourTests
{
    [Fact]
    public async Task Watches_are_typed_in_one_after_another_and_share_a_stream()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await RunAsync(door, "put", "a", "1");
        await RunAsync(door, "put", "p/b", "2");
        using var watch = Start(door, ["watch", "-i"]);
        try
        {
            await watch.StandardInput.WriteLineAsync("watch a --rev=2");
            Assert.Equal("PUT a 1", await ReadLinesAsync(watch, 3));
            await watch.StandardInput.WriteLineAsync("watch --prefix p/ --rev=3 --prev-kv");
            Assert.Equal("PUT p/b 2", await ReadLinesAsync(watch, 3));
            await RunAsync(door, "put", "p/b", "3");
            Assert.Equal("PUT p/b 2 p/b 3", await ReadLinesAsync(watch, 5));
            await watch.StandardInput.WriteLineAsync("progress");
            Assert.Equal("progress notify: 4 progress notify: 4", await ReadLinesAsync(watch, 2)); // Each of the two hears of it.
            await RunAsync(door, "put", "a", "4");
            Assert.Equal("PUT a 4", await ReadLinesAsync(watch, 3));
        }
        finally
        {
            watch.Kill();
            await watch.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_transaction_is_typed_in()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await RunAsync(door, "put", "a", "1");
        var said = await RunAsync(door, ["txn", "-i"], "mod(\"a\") > \"0\"\nversion(\"nobody\") = \"0\"\n\nput a 2\ndel nobody\nget --prefix \"\"\n\nput a 3\n\n");
        Assert.EndsWith("SUCCESS\n\nOK\n\n0\n\na\n2\n", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lease_is_kept_alive_until_it_is_revoked()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        var id = (await RunAsync(door, "lease", "grant", "3")).Split(' ')[1];
        using var keeper = Start(door, ["lease", "keep-alive", id]);
        try
        {
            var line = $"lease {id} keepalived with TTL(3)";
            Assert.Equal($"{line} {line} {line}", await ReadLinesAsync(keeper, 3));
            Assert.Equal($"lease {id} revoked\n", await RunAsync(door, "lease", "revoke", id));
            string last;
            do last = await ReadLinesAsync(keeper, 1);
            while (last == line);
            Assert.Equal($"lease {id} expired or revoked.", last);
        }
        finally
        {
            keeper.Kill();
            await keeper.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_mirror_takes_over_what_is_there_and_what_comes()
    {
        await using var source = new LocalKeyspace();
        await using var target = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(source.Face);
        await using var mirror = await OpenDoor.OnAsync(target.Face);
        for (var i = 0; i < 30; i++) await RunAsync(door, "put", $"config/{i:00}", "before");
        await RunAsync(door, "put", "other", "no");
        using var mirroring = Start(door, ["make-mirror", "--prefix", "config/", "--dest-prefix", "copy/", mirror.Address.ToString()]);
        try
        {
            await UntilAsync(mirror, "copy/29", "copy/29\nbefore\n");
            await RunAsync(door, "put", "config/29", "after");
            await RunAsync(door, "del", "config/28");
            await RunAsync(door, "put", "config/30", "last");
            await UntilAsync(mirror, "copy/30", "copy/30\nlast\n");
            Assert.Equal("copy/29\nafter\n", await RunAsync(mirror, "get", "copy/29"));
            Assert.Equal("", await RunAsync(mirror, "get", "copy/28"));
            Assert.Equal("", await RunAsync(mirror, "get", "other"));
        }
        finally
        {
            mirroring.Kill();
            await mirroring.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Ranges_are_counted_cut_short_and_begun_anywhere()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        foreach (var key in (string[])["a", "b", "c"]) await RunAsync(door, "put", key, "1");
        Assert.Equal("b\n\nc\n\n", await RunAsync(door, "get", "--from-key", "b", "--keys-only"));
        Assert.Equal("a\n1\n", await RunAsync(door, "get", "--prefix", "", "--limit=1"));
        Assert.Contains("\"Count\" : 3", await RunAsync(door, "get", "--prefix", "", "--limit=1", "--write-out=fields"), StringComparison.Ordinal);
        Assert.Equal("2\nb\n1\nc\n1\n", await RunAsync(door, "del", "--from-key", "b", "--prev-kv"));
    }

    private static async Task UntilAsync(OpenDoor door, string key, string wanted)
    {
        for (var turns = 0; await RunAsync(door, "get", key) != wanted; turns++) Assert.True(turns < 300, $"{key} does not come");
    }
}
