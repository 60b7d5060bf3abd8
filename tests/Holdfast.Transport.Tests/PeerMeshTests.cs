using Holdfast.Primitives;
using Xunit;

namespace Holdfast.Transport.Tests;

public sealed class PeerMeshTests
{
    [Fact]
    public async Task Three_meshes_connect_and_frames_flow_both_ways()
    {
        using var one = new TestNode(1);
        using var two = new TestNode(2);
        using var three = new TestNode(3);
        TestNode.Introduce(one, two, three);
        foreach (var (node, peers) in new[] { (one, new[] { two, three }), (two, [one, three]), (three, [one, two]) })
            foreach (var peer in peers) await node.Happened.Until($"up {peer.Self.Id}");

        Assert.True(await one.Send(two, "hello"u8.ToArray()));
        Assert.True(await two.Send(one, "well met"u8.ToArray()));
        Assert.True(await three.Send(one, "me too"u8.ToArray()));
        await two.Happened.Until("frame 1 hello");
        await one.Happened.Until("frame 2 well met");
        await one.Happened.Until("frame 3 me too");
        Assert.True(await one.Ask(() => one.Mesh.IsConnected(three.Self.Id)));
        Assert.False(await one.Ask(() => one.Mesh.IsConnected(new NodeId(9))));
    }
}
