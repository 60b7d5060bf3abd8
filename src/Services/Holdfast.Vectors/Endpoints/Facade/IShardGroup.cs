using Holdfast.Primitives;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A shard's replica in this process: of a replicated group, or one without a log. Whoever proposes has checked and prepared everything; the machine only executes.</summary>
internal interface IShardGroup
{
    /// <summary>Proposes a command; returns when a quorum has it on disk and it is applied here.</summary>
    /// <exception cref="VectorFault">It was refused, or its fate is not known.</exception>
    ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel);

    /// <summary>Refuses a command that would certainly be refused, by what this replica knows: more may stand against it at its place in the log.</summary>
    /// <exception cref="VectorFault">It would.</exception>
    ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => default;

    /// <summary>The state, to be searched on the caller's thread: with everything that was acknowledged before, or as it is.</summary>
    ValueTask<ShardState> ReadAsync(bool isStrong, CancellationToken cancel);

    /// <summary>Runs something short where nothing is applied meanwhile: for looking up ids.</summary>
    ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, bool isStrong, CancellationToken cancel);

    /// <summary>What was applied here at least, and what is known to be committed.</summary>
    (LogIndex Applied, LogIndex Committed) Position { get; }

    /// <summary>The hash of the configuration and indexes.</summary>
    ulong SettingsHash { get; }

    /// <summary>The locks that the shard knows, with their tokens, as a split takes them along; empty for none.</summary>
    byte[] FencesWritten { get; }

    /// <summary>Rises with every entry, once all that it did shows.</summary>
    ulong Version { get; }
}
