using Holdfast.Primitives.Tests;

[assembly: AssemblyFixture(typeof(Holdfast.Transport.Tests.TransportMarks))]

namespace Holdfast.Transport.Tests;

/// <summary>The rare branches of the room, which no simulated world has: its wires are the simulator's own.</summary>
public sealed class TransportMarks() : RoomMarks(typeof(PeerMesh).Assembly, isSimulated: false);
