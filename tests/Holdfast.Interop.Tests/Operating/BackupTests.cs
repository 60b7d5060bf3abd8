using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>Backups of real processes under load, and what is restored from them (S12, S22).</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class BackupTests
{
    [Fact]
    public async Task S22_after_all_disks_are_lost_a_restore_to_a_moment_has_everything_acknowledged_before_it_and_nothing_begun_after_it_and_no_token_comes_again()
    {
        await using var bench = new ServerBench();
        var backups = bench.At("backups");
        var nodes = await bench.FoundAsync(_ => ["--backup-dir", backups, "--backup-every", "10s"]);
        long revisionBefore, fenceBefore, moment;
        ConcurrentDictionary<string, (long Begun, long Acknowledged)> writes = new();
        using (var stop = new CancellationTokenSource())
        {
            var writers = Task.WhenAll(nodes.Select((node, i) => WriteAsync(node, i, writes, stop.Token)));
            await UntilAsync(() => Acknowledged(writes) >= 300, writers);
            var now = await ServerBench.RunAsync("backup", "now", "--endpoints", nodes[0].Endpoint);
            Assert.True(now.Code == 0, now.Fault);
            Assert.Contains("bases of", now.Output, StringComparison.Ordinal);
            var wanted = Acknowledged(writes) + 300;
            await UntilAsync(() => Acknowledged(writes) >= wanted, writers);
            moment = Micros();
            await UntilAsync(() => Acknowledged(writes) >= wanted + 300, writers);
            await UntilCoveredAsync(nodes, moment);
            await stop.CancelAsync();
            await writers;
            fenceBefore = await LockAsync(nodes[1].Endpoint);
            revisionBefore = (await nodes[0].StatusAsync()).Header.Revision;
        }

        AssertPrivate(backups);
        foreach (var node in nodes) node.Kill();
        foreach (var node in nodes) Directory.Delete(node.Data, recursive: true);

        var verified = await ServerBench.RunAsync("backup", "verify", "--from", backups, "-o", "json");
        Assert.True(verified.Code == 0, verified.Output + verified.Fault);
        Assert.Equal(6, JsonDocument.Parse(verified.Output).RootElement.GetArrayLength());
        var to = DateTimeOffset.UnixEpoch.AddTicks(moment * 10).ToString("O", CultureInfo.InvariantCulture);
        string[] words = ["restore", "--from", backups, "--to", to, "--name", "n1", "--out", nodes[0].Data];
        var dry = await ServerBench.RunAsync([.. words, "--dry-run"]);
        Assert.True(dry.Code == 0, dry.Fault);
        Assert.False(Directory.Exists(nodes[0].Data));
        var restored = await ServerBench.RunAsync(words);
        Assert.True(restored.Code == 0, restored.Fault);
        Assert.Contains("equals the live one's", restored.Output, StringComparison.Ordinal);

        nodes[0].Start();
        await nodes[0].UntilServesAsync();
        foreach (var node in nodes[1..])
        {
            var token = await ServerBench.TokenAsync(nodes[0]);
            node.Start("--join", nodes[0].Peer, "--token", token);
            await node.UntilServesAsync();
        }

        var (before, after) = (0, 0);
        foreach (var (key, (begun, acknowledged)) in writes)
        {
            var value = await nodes[2].GetAsync(key);
            if (acknowledged > 0 && acknowledged < moment)
            {
                before++;
                Assert.Equal("value of " + key, value);
            }

            if (begun <= moment) continue;
            after++;
            Assert.Null(value);
        }

        Assert.True(before >= 500 && after >= 250, $"{before} writes before the moment and {after} after it are too few to prove anything");
        Assert.Equal("value of w0-1\n", await EtcdctlAsync(nodes[1].Endpoint, "get", "w0-1", "--print-value-only"));

        // Revisions go on: none that was given is given again, watches that resume in the lost history are told to read anew, and new ones see the next change.
        var status = await nodes[0].StatusAsync();
        Assert.True(status.Header.Revision > revisionBefore, $"revision {status.Header.Revision} after the restore, {revisionBefore} before");
        await AssertWatchGoesOnAsync(nodes[1], revisionBefore);
        Assert.True(await LockAsync(nodes[2].Endpoint) > fenceBefore, "a fencing token was given again");
    }

    [Fact]
    public async Task A_drill_proves_a_backup_and_a_damaged_or_unreached_one_is_refused()
    {
        await using var bench = new ServerBench();
        var backups = bench.At("backups");
        var alone = bench.Add("n1");
        alone.Start("--backup-dir", backups);
        await alone.UntilServesAsync();
        for (var i = 0; i < 20; i++) await alone.PutAsync($"key{i}", new string('x', 1000));
        await UntilCoveredAsync([alone], Micros());
        var unkept = bench.Add("n2");
        unkept.Start();
        await unkept.UntilServesAsync();
        var refused = await ServerBench.RunAsync("backup", "now", "--endpoints", unkept.Endpoint);
        Assert.Equal(1, refused.Code);
        Assert.Contains("start it with --backup-dir", refused.Fault, StringComparison.Ordinal);

        // A drill beside the running node, into a folder of its own.
        var drill = await ServerBench.RunAsync("backup", "drill", "--from", backups);
        Assert.True(drill.Code == 0, drill.Fault);
        Assert.Contains("a node served 21 keys", drill.Output, StringComparison.Ordinal);
        var late = await ServerBench.RunAsync("restore", "--from", backups, "--to", "2100-01-01", "--dry-run");
        Assert.Equal(1, late.Code);
        Assert.Contains("the backups reach to", late.Fault, StringComparison.Ordinal);
        var early = await ServerBench.RunAsync("restore", "--from", backups, "--to", "2001-01-01", "--dry-run");
        Assert.Equal(1, early.Code);
        Assert.Matches("no base of it is from before|was not founded yet", early.Fault);
        Assert.Equal(2, (await ServerBench.RunAsync("restore", "--from", backups, "--to", "yesterday-ish", "--dry-run")).Code);
        var over = await ServerBench.RunAsync("restore", "--from", backups, "--out", alone.Data);
        Assert.Equal(1, over.Code);
        Assert.Contains("is there already", over.Fault, StringComparison.Ordinal);

        alone.Kill();
        Flip(Directory.GetFiles(backups, "chunks", SearchOption.AllDirectories).First(file => file.Contains("/snapshots/1/", StringComparison.Ordinal)));
        var damaged = await ServerBench.RunAsync("backup", "verify", "--from", backups);
        Assert.Equal(1, damaged.Code);
        Assert.Contains("is damaged", damaged.Output, StringComparison.Ordinal);
        var failed = await ServerBench.RunAsync("restore", "--from", backups, "--drill");
        Assert.Equal(1, failed.Code);
        var target = bench.At("refused");
        Assert.Equal(1, (await ServerBench.RunAsync("restore", "--from", backups, "--out", target)).Code);
        Assert.False(Directory.Exists(target), "a restore that failed left something behind");
    }

    [Fact]
    public async Task A_node_without_its_backup_disk_starts_and_serves_and_says_so_and_follows_up_when_it_is_back()
    {
        await using var bench = new ServerBench();
        var place = bench.At("mount");
        await File.WriteAllTextAsync(place, "no folder can be made here");
        var alone = bench.Add("n1");
        alone.Start("--backup-dir", Path.Combine(place, "backups"));
        await alone.UntilServesAsync();
        await alone.UntilSaysAsync("backup_failed");
        var status = await ServerBench.RunAsync("backup", "status", "--endpoints", alone.Endpoint);
        Assert.Equal(1, status.Code);
        await alone.UntilAsync(async () => (await ServerBench.RunAsync("doctor", "--endpoints", alone.Endpoint)).Output.Contains("alarm-backup-failed", StringComparison.Ordinal), "shows no alarm");
        await alone.PutAsync("meanwhile", "kept");
        File.Delete(place);
        await UntilCoveredAsync([alone], Micros());
        var drill = await ServerBench.RunAsync("restore", "--from", Path.Combine(place, "backups"), "--drill");
        Assert.True(drill.Code == 0, drill.Fault);
        Assert.Contains("a node served 2 keys", drill.Output, StringComparison.Ordinal);
    }

    private static async Task WriteAsync(ServerProcess node, int writer, ConcurrentDictionary<string, (long, long)> writes, CancellationToken stop)
    {
        for (var i = 1; !stop.IsCancellationRequested; i++)
        {
            var key = $"w{writer}-{i}";
            var begun = Micros();
            writes[key] = (begun, 0);
            if (await node.TryPutAsync(key, "value of " + key)) writes[key] = (begun, Micros());
        }
    }

    private static int Acknowledged(ConcurrentDictionary<string, (long Begun, long Acknowledged)> writes) => writes.Values.Count(write => write.Acknowledged > 0);

    private static Task UntilAsync(Func<bool> condition, Task running) => Patient.UntilAsync(() =>
    {
        Assert.False(running.IsFaulted, $"{running.Exception}");
        return Task.FromResult(condition());
    }, () => "no progress");

    internal static async Task UntilCoveredAsync(ServerProcess[] nodes, long moment)
    {
        foreach (var node in nodes)
            await node.UntilAsync(async () =>
            {
                var status = await ServerBench.RunAsync("backup", "status", "--endpoints", node.Endpoint, "-o", "json");
                if (status.Code != 0) return false;
                var own = JsonDocument.Parse(status.Output).RootElement.EnumerateArray().First(row => row.GetProperty("name").GetString() == node.Name);
                return own.GetProperty("covered").GetString() is { Length: > 0 } covered && DateTimeOffset.Parse(covered, CultureInfo.InvariantCulture) > DateTimeOffset.UnixEpoch.AddTicks(moment * 10);
            }, "does not bring its backup to the moment");
    }

    private static async Task<long> LockAsync(string endpoint)
    {
        using var channel = GrpcChannel.ForAddress($"http://{endpoint}");
        var locks = new Holdfast.Coordination.Protocol.Locks.Lock.LockClient(channel);
        var held = await locks.LockAsync(new LockRequest { Name = ByteString.CopyFromUtf8("job") }, deadline: Patient.Deadline);
        await locks.UnlockAsync(new UnlockRequest { Key = held.Key }, deadline: Patient.Deadline);
        return held.Fence;
    }

    private static async Task AssertWatchGoesOnAsync(ServerProcess node, long lostRevision)
    {
        using var channel = GrpcChannel.ForAddress($"http://{node.Endpoint}");
        using var stream = new Watch.WatchClient(channel).Watch(deadline: Patient.Deadline);
        await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("w0-1"), StartRevision = lostRevision } });
        var fresh = new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("watched") } };
        await stream.RequestStream.WriteAsync(fresh);
        var (isCompacted, isPut) = (false, false);
        while (await stream.ResponseStream.MoveNext(CancellationToken.None))
        {
            var said = stream.ResponseStream.Current;
            if (said.Canceled) isCompacted = said.CompactRevision > lostRevision;
            else if (said.Created && !isPut && said.Header.Revision > lostRevision)
            {
                await node.PutAsync("watched", "seen");
                isPut = true;
            }

            if (said.Events.Count == 0) continue;
            Assert.Equal("seen", said.Events[0].Kv.Value.ToStringUtf8());
            Assert.True(said.Events[0].Kv.ModRevision > lostRevision);
            if (isCompacted) return;
        }

        Assert.Fail($"the old watch {(isCompacted ? "was" : "was not")} told to read anew, and no event came");
    }

    private static void AssertPrivate(string backups)
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(backups));
        foreach (var folder in Directory.GetDirectories(backups, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        foreach (var file in Directory.GetFiles(backups, "*", SearchOption.AllDirectories)) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    private static void Flip(string file)
    {
        using var open = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        open.Position = open.Length / 2;
        var old = open.ReadByte();
        open.Position = open.Length / 2;
        open.WriteByte((byte)(old ^ 0x40));
    }

    private static async Task<string> EtcdctlAsync(string endpoint, params string[] words)
    {
        var start = new System.Diagnostics.ProcessStartInfo("etcdctl") { RedirectStandardOutput = true, Environment = { ["ETCDCTL_API"] = "3" } };
        foreach (var word in (string[])["--endpoints", endpoint, .. words]) start.ArgumentList.Add(word);
        using var process = System.Diagnostics.Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said;
    }

    private static long Micros() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10;
}
