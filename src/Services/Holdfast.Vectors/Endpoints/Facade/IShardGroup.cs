using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>How fresh a read must be.</summary>
internal enum ReadLevel : byte
{
    /// <summary>Sees every write that was acknowledged before. The default.</summary>
    Strong = 0,

    /// <summary>This replica as it is.</summary>
    Eventual = 1,
}

/// <summary>
/// A shard as the face uses it: a replicated group on this node, a group on another node (not there yet), or one in this process without a log. Whoever proposes has checked and prepared everything; the machine
/// only executes.
/// </summary>
internal interface IShardGroup
{
    /// <summary>Proposes a command; returns when a quorum has it on disk and it is applied here.</summary>
    /// <exception cref="VectorFault">It was refused, or its fate is not known.</exception>
    ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel);

    /// <summary>The state, at least as new as asked for, to be searched on the caller's thread.</summary>
    ValueTask<ShardState> ReadAsync(ReadLevel level, CancellationToken cancel);

    /// <summary>Runs something short where nothing is applied meanwhile: for looking up ids.</summary>
    ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, ReadLevel level, CancellationToken cancel);

    /// <summary>The state as it is, for counters and pages; null before it is configured.</summary>
    ShardState? Peek { get; }
}
