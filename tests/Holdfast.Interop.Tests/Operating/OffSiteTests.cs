using System.Diagnostics;
using System.Globalization;
using Holdfast.Cluster;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>Copies of backups in an S3-compatible store (npm's s3rver, which believes signatures of version 4 unread: a store that verifies them stands in the tests of the backups' room), and what is restored when the site is lost.</summary>
public sealed class OffSiteTests
{
    [Fact]
    public async Task A_backup_is_copied_off_site_survives_the_stores_absence_and_is_restored_when_the_site_is_lost()
    {
        await using var bench = new ServerBench();
        using var store = new Store(bench.At("store"));
        var keyFile = bench.At("key");
        Assert.Equal(0, (await ServerBench.RunAsync("backup", "key", "--out", keyFile)).Code);
        var alone = bench.Add("n1");
        alone.Variables = store.Variables;
        store.Start();
        alone.Start("--backup-dir", bench.At("backups"), "--backup-key-file", keyFile, "--backup-off-site", "s3://backups/prod/eu", "--backup-off-site-every", "1s");
        await alone.UntilServesAsync();
        for (var i = 0; i < 50; i++) await alone.PutAsync($"key{i}", new string('x', 1000));
        await UntilOffSiteAsync(alone, DateTimeOffset.UtcNow);

        // The store is away for a while: that is said, and afterwards it is caught up with.
        store.Stop();
        await alone.UntilSaysAsync("the copy of the backup in s3://backups/prod/eu/ stands still");
        for (var i = 50; i < 80; i++) await alone.PutAsync($"key{i}", "more");
        Assert.Equal(0, (await ServerBench.RunAsync("backup", "now", "--endpoints", alone.Endpoint)).Code);
        store.Start();
        await UntilOffSiteAsync(alone, DateTimeOffset.UtcNow);
        await alone.UntilSaysAsync("the copy of the backup goes on");

        alone.Kill();
        Directory.Delete(alone.Data, recursive: true);
        Directory.Delete(bench.At("backups"), recursive: true);
        var stranger = await ServerBench.RunWithAsync(new Dictionary<string, string>(store.Variables) { ["AWS_ACCESS_KEY_ID"] = "nobody" }, "backup", "fetch", "--from", "s3://backups/prod/eu", "--to", bench.At("stolen"));
        Assert.Equal(1, stranger.Code);
        Assert.Contains("InvalidAccessKeyId", stranger.Fault, StringComparison.Ordinal);
        var fetched = await ServerBench.RunWithAsync(store.Variables, "backup", "fetch", "--from", "s3://backups/prod/eu", "--to", bench.At("fetched"));
        Assert.True(fetched.Code == 0, fetched.Fault);
        var verified = await ServerBench.RunAsync("backup", "verify", "--from", bench.At("fetched"), "--key-file", keyFile);
        Assert.True(verified.Code == 0, verified.Output + verified.Fault);
        var restored = await ServerBench.RunAsync("restore", "--from", bench.At("fetched"), "--key-file", keyFile, "--name", "n1", "--out", alone.Data);
        Assert.True(restored.Code == 0, restored.Fault);
        alone.Start();
        await alone.UntilServesAsync();
        for (var i = 0; i < 80; i++) Assert.Equal(i < 50 ? new string('x', 1000) : "more", await alone.GetAsync($"key{i}"));
    }

    /// <summary>A store that others wrote puts our parts together, and its tag is one that we recognise.</summary>
    [Fact]
    public async Task A_large_object_goes_to_a_foreign_store_in_parts()
    {
        await using var bench = new ServerBench();
        using var store = new Store(bench.At("store"));
        store.Start();
        Assert.True(S3Address.TryParse("s3://backups/large objects", store.Variables.GetValueOrDefault, out var address, out _));
        var parts = new S3Parts(5 << 20, 5 << 20);
        using var bucket = new S3Bucket(address, S3Credentials.Of(store.Variables.GetValueOrDefault)!, parts);
        var content = new byte[(11 << 20) + 3];
        new Random(7).NextBytes(content);
        await File.WriteAllBytesAsync(bench.At("large"), content, TestContext.Current.CancellationToken);
        for (var begun = Stopwatch.StartNew(); ;)
        {
            try
            {
                await bucket.ForgetUnfinishedAsync("", static _ => false, CancellationToken.None); // This store cannot list them: nothing, and no fault.
                break;
            }
            catch (IOException) when (begun.Elapsed < ServerBench.Patience)
            {
                await Task.Delay(100); // It is starting.
            }
        }

        await bucket.PutAsync("a b", bench.At("large"), content.Length, CancellationToken.None);
        var listed = Assert.Single(await bucket.ListAsync("", CancellationToken.None));
        Assert.Equal(("a b", content.Length), (listed.Name, listed.Bytes));
        Assert.True(await parts.IsTagOfAsync(listed.Tag, bench.At("large"), content.Length, CancellationToken.None));
        using var back = new MemoryStream();
        await bucket.GetAsync("a b", back, CancellationToken.None);
        Assert.True(content.AsSpan().SequenceEqual(back.ToArray()));
    }

    /// <summary>Waits until everything that was acknowledged before a moment is in the copy, as the node's own page says.</summary>
    private static async Task UntilOffSiteAsync(ServerProcess node, DateTimeOffset moment)
    {
        using var http = new HttpClient();
        await node.UntilAsync(async () =>
        {
            var page = await http.GetStringAsync(new Uri($"http://{node.Endpoint}/metrics"));
            var line = page.Split('\n').First(line => line.StartsWith("holdfast_backup_off_site_seconds ", StringComparison.Ordinal));
            return double.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture) > moment.ToUnixTimeMilliseconds() / 1000.0;
        }, "does not bring its backup off site");
    }

    /// <summary>npm's s3rver with one bucket, in a folder that outlives its process.</summary>
    private sealed class Store : IDisposable
    {
        private readonly string folder;
        private readonly int port = Ports.Free(1)[0];
        private Process? process;

        public Store(string folder)
        {
            this.folder = folder;
            Directory.CreateDirectory(folder);
            Assert.True(File.Exists(Script), "npm's s3rver is missing: npm install --prefix artifacts/npm s3rver@3.7.1 (./test does it)");
        }

        public IReadOnlyDictionary<string, string> Variables => new Dictionary<string, string>
        {
            ["AWS_ENDPOINT_URL"] = $"http://127.0.0.1:{port}", ["AWS_REGION"] = "eu-central-1", ["AWS_ACCESS_KEY_ID"] = "S3RVER", ["AWS_SECRET_ACCESS_KEY"] = "S3RVER",
        };

        private static string Script => Checkout.PathOf("artifacts/npm/node_modules/s3rver/bin/s3rver.js");

        public void Start()
        {
            var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var word in (string[])[Script, "-d", folder, "-a", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "--no-vhost-buckets", "--configure-bucket", "backups", "-s"]) start.ArgumentList.Add(word);
            process = Process.Start(start)!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public void Stop()
        {
            process!.Kill();
            process.WaitForExit();
            process.Dispose();
            process = null;
        }

        public void Dispose()
        {
            if (process is not null) Stop();
        }
    }
}
