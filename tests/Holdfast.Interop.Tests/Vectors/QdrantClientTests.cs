using System.Globalization;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Vectors;

/// <summary>Qdrant's own clients, unchanged, and what is built on them, against real processes: one node, and three that answer alike whichever is asked.</summary>
public sealed class QdrantClientTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public Task The_node_client_of_qdrant_finds_no_difference(int nodes) => PassesAsync("npm_qdrant.js", "@qdrant/js-client-rest", nodes, isGrpc: false);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public Task The_grpc_client_of_qdrant_finds_no_difference(int nodes) => PassesAsync("npm_qdrant_grpc.js", "@qdrant/js-client-grpc", nodes, isGrpc: true);

    [Fact]
    public Task LangChain_finds_the_documents_that_it_stored() => PassesAsync("npm_langchain_qdrant.js", "@langchain/qdrant", 3, isGrpc: false);

    private static async Task PassesAsync(string script, string module, int nodes, bool isGrpc)
    {
        var modules = Checkout.PathOf("artifacts/npm/node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, module)), $"npm's {module} is missing: npm install --prefix artifacts/npm {module} (./test does it)");
        var ports = Ports.Free(nodes * 2);
        await using var cluster = await ProcessCluster.StartAsync(nodes, flagsOf: node => ["--vectors", $"127.0.0.1:{ports[node]}", "--vectors-grpc", $"127.0.0.1:{ports[nodes + node]}"]);
        var asked = isGrpc ? ports[nodes..] : ports[..nodes];
        var said = await EtcdFlagCluster.RunAsync("node", new Dictionary<string, string> { ["NODE_PATH"] = modules }, Checkout.PathOf($"tests/Holdfast.Interop.Tests/Clients/{script}"), string.Join(',', asked.Select(port => port.ToString(CultureInfo.InvariantCulture))));
        Assert.EndsWith("all passed\n", said, StringComparison.Ordinal);
    }
}
