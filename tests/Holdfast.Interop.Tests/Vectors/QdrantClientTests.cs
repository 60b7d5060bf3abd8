using System.Globalization;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Qdrant's own client, unchanged, against real processes: one node, and three whose replicas answer alike.</summary>
public sealed class QdrantClientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task The_node_client_of_qdrant_finds_no_difference(int nodes)
    {
        var modules = Checkout.PathOf("artifacts/npm/node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, "@qdrant")), "npm's @qdrant/js-client-rest is missing: npm install --prefix artifacts/npm @qdrant/js-client-rest@1.18.0 (./test does it)");
        var ports = Ports.Free(nodes);
        await using var cluster = await ProcessCluster.StartAsync(nodes, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}"]);
        var script = Checkout.PathOf("tests/Holdfast.Interop.Tests/Clients/npm_qdrant.js");
        var said = await EtcdFlagCluster.RunAsync("node", new Dictionary<string, string> { ["NODE_PATH"] = modules }, script, string.Join(',', ports.Select(port => port.ToString(CultureInfo.InvariantCulture))));
        Assert.EndsWith("all passed\n", said, StringComparison.Ordinal);
    }
}
