using System.Net;
using System.Text;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>Traces leave a node by OTLP when it is told where to, and carry the fan-out of a write, also of one that entered at a follower (R1.12).</summary>
public sealed class OtlpTests
{
    [Fact]
    public async Task A_collector_receives_a_write_with_an_append_to_each_follower()
    {
        using var collector = new HttpListener();
        var port = Ports.Free(1)[0];
        collector.Prefixes.Add($"http://127.0.0.1:{port}/");
        collector.Start();
        await using var cluster = await ProcessCluster.StartAsync(flags: ["--otlp", $"http://127.0.0.1:{port}", "--otlp-share", "1"]);
        using var patience = new CancellationTokenSource(Patient.Most);
        string[] wanted = ["etcdserverpb.KV/Put", "propose", "forwarded_to", "forwarded_from", "wal", "append", "peer", "commit", "apply"];
        var entry = 0;
        for (var missing = wanted.ToHashSet(); missing.Count > 0;)
        {
            await cluster.TryPutAsync(entry++ % 3, "traced", "yes");
            var request = await collector.GetContextAsync().WaitAsync(patience.Token);
            using var body = new MemoryStream();
            await request.Request.InputStream.CopyToAsync(body, patience.Token);
            request.Response.StatusCode = 200;
            request.Response.Close();
            Assert.Equal("/v1/traces", request.Request.Url!.AbsolutePath);
            var words = Encoding.Latin1.GetString(body.ToArray());
            missing.RemoveWhere(word => words.Contains(word, StringComparison.Ordinal));
        }
    }
}
