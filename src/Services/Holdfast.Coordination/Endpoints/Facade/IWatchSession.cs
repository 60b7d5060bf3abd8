using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination;

/// <summary>
/// One client's watch stream. Calls may come from any thread, one at a time, and never block; what they cause arrives at the <see cref="IWatchSink"/>.
/// </summary>
public interface IWatchSession : IDisposable
{
    /// <summary>Creates a watch. The answer is a response with <c>created</c>, and, if it is refused, <c>canceled</c> too.</summary>
    void Create(WatchCreateRequest request);

    /// <summary>Cancels a watch. The answer is a response with <c>canceled</c>; an unknown id has none, as in etcd.</summary>
    void Cancel(long watchId);

    /// <summary>Asks for a response with the current revision once every watch of this stream has caught up with it.</summary>
    void RequestProgress();

    /// <summary>The sink has sent <paramref name="responses"/> responses and has room for as many again.</summary>
    void AddCredits(int responses);
}

/// <summary>Where a watch stream's responses go, in order.</summary>
public interface IWatchSink
{
    /// <summary>
    /// Takes a response that may be sent as it is. Called on the group's loop: it must only enqueue, never block. It is called at most
    /// <see cref="InitialCredits"/> times plus what <see cref="IWatchSession.AddCredits"/> gave back, so a bounded queue of that size suffices.
    /// </summary>
    void OnResponse(WatchResponse response);

    /// <summary>The stream ended on the server's side (the group stopped, or the keyspace was replaced by a snapshot); the client must reconnect.</summary>
    void OnClosed(EtcdError error);

    /// <summary>How many responses the sink can hold before the first <see cref="IWatchSession.AddCredits"/>. At least 1.</summary>
    int InitialCredits { get; }
}
