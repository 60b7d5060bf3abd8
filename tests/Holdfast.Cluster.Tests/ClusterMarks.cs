using Holdfast.Primitives.Tests;

[assembly: AssemblyFixture(typeof(Holdfast.Cluster.Tests.ClusterMarks))]

namespace Holdfast.Cluster.Tests;

/// <summary>The rare branches of the room that the simulator's world of procedures does not walk, and that say so.</summary>
public sealed class ClusterMarks() : RoomMarks(typeof(ClusterNode).Assembly, isSimulated: true);
