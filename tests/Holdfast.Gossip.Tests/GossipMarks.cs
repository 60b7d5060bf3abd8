using Holdfast.Primitives.Tests;

[assembly: AssemblyFixture(typeof(Holdfast.Gossip.Tests.GossipMarks))]

namespace Holdfast.Gossip.Tests;

/// <summary>The rare branches of the room: its own tests run it whole, over a network of their own.</summary>
public sealed class GossipMarks() : RoomMarks(typeof(GossipNode).Assembly, isSimulated: false);
