using System.Net;
using Holdfast.Cluster;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// A face that keeps its data in groups of its own. It is made before the runtime, whose loops and groups ask it for their parts; its door opens when the node is known to its cluster, and closes
/// (<see cref="CloseAsync"/>) before what it stands on is taken down. Disposing ends what its states hold: the groups have stopped by then, the runtime has not.
/// </summary>
internal interface IDataFace : IAsyncDisposable
{
    /// <summary>Where clients are served; null while nobody is.</summary>
    IPEndPoint? Endpoint { get; }

    /// <summary>What of the face lives on a loop; null for nothing.</summary>
    ILoopPart? MakePart(EventLoop loop);

    /// <summary>An empty state for a group that is placed here; null for a group of another face.</summary>
    IStateMachine? MakeMachine(GroupRecord group);

    /// <summary>Opens the door, where the plan has one.</summary>
    /// <exception cref="CannotStartException">The port is taken, and by whom.</exception>
    Task OpenAsync(NodeParts node, CancellationToken cancel);

    /// <summary>Closes the door; what was under way is answered.</summary>
    ValueTask CloseAsync();
}
