namespace Holdfast.Server.Hosting;

/// <summary>A running node: the replicated one, or the one in memory.</summary>
internal interface INode : IAsyncDisposable
{
    /// <summary>Where etcd clients are served.</summary>
    IReadOnlyList<string> ClientAddresses { get; }

    /// <summary>The cluster.</summary>
    ulong ClusterId { get; }

    /// <summary>Ends when the node was told to begin anew: whoever runs it takes it down and starts another in its place. As a rule never.</summary>
    Task BeginsAnew { get; }

    /// <summary>Completes when a client has told the node to end (Redis's SHUTDOWN).</summary>
    Task Ends { get; }

    /// <summary>Waits until the keyspace has a leader, so that clients are served.</summary>
    Task UntilLedAsync(CancellationToken cancel);
}
