using Holdfast.Primitives.Tests;

[assembly: AssemblyFixture(typeof(Holdfast.Transport.Tests.TransportMarks))]

namespace Holdfast.Transport.Tests;

/// <summary>The rare branches of the room: sockets are not simulated, so its own tests have to walk them.</summary>
public sealed class TransportMarks() : RoomMarks(typeof(PeerListener).Assembly, isSimulated: false);
