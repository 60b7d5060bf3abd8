using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>Where loops hand over what is to become durable: the WAL thread, or the simulator's stand-in for it. Any thread may call.</summary>
public interface IWalQueue
{
    /// <summary>
    /// Takes the batch until <see cref="IWalCompletions.OnBatchDurable"/> gives it back. Batches of one loop become durable in the order of their submission.
    /// Never blocks; the bound is the number of batches that a loop owns.
    /// </summary>
    void Submit(WalBatch batch);

    /// <summary>
    /// The groups whose entries keep the oldest segments alive while the log is longer than it should be; empty when it is not. Their owner takes a
    /// snapshot and compacts, or copies the few live entries forward (<see cref="WalBatch.AppendCopied"/>). A list once handed out does not change.
    /// </summary>
    IReadOnlyList<GroupHoldingBack> HoldingBack { get; }
}

/// <summary>Entries of a group that hold an old segment.</summary>
/// <param name="Group">The group.</param>
/// <param name="From">The first such entry.</param>
/// <param name="Through">The last such entry; later ones lie in younger segments.</param>
public readonly record struct GroupHoldingBack(GroupId Group, LogIndex From, LogIndex Through);

/// <summary>Who is told about the fate of batches. Called on the WAL thread: post to the loop and return.</summary>
public interface IWalCompletions
{
    /// <summary>Everything in the batch is on disk, fsync completed. The batch may be reused.</summary>
    void OnBatchDurable(WalBatch batch);

    /// <summary>The log failed and is poisoned until restart (S7): nothing submitted since is, or will be, durable. Called once; afterwards no batch completes.</summary>
    void OnWalFailed(Exception failure);
}
