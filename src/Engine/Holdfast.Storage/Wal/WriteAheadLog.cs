using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// The log that all groups of a node share. A single-threaded synchronous object: the WAL thread drives it in production, the simulator in virtual time.
/// </summary>
public sealed class WriteAheadLog : IDisposable
{
    private WriteAheadLog()
    {
    }

    /// <summary>Reads what is on disk, judges damage by the recovery table, writes the tail anew into a fresh segment and fsyncs it (S7, S8).</summary>
    /// <exception cref="WalRefusedException">The log is of another cluster or of a newer version.</exception>
    public static WriteAheadLog Open(IDisk disk, WalOptions options, out WalRecovery recovery) => throw new InvariantBrokenException("not built yet");

    /// <summary>See <see cref="IWalQueue.HoldingBack"/>.</summary>
    public IReadOnlyList<GroupHoldingBack> HoldingBack => [];

    /// <summary>How many segments there are, the one being written included.</summary>
    public int SegmentCount => 0;

    /// <summary>Writes the batches as one commit. Nothing of it is durable before <see cref="Sync"/> has returned.</summary>
    /// <exception cref="WalPoisonedException">This or an earlier write or sync failed.</exception>
    public void Write(ReadOnlySpan<WalBatch> batches) => throw new InvariantBrokenException("not built yet");

    /// <summary>Makes everything written durable.</summary>
    /// <exception cref="WalPoisonedException">This or an earlier write or sync failed.</exception>
    public void Sync() => throw new InvariantBrokenException("not built yet");

    /// <summary>Closes the files. What was not synced is not made so.</summary>
    public void Dispose()
    {
    }
}

/// <summary>The log on disk may not be used by this program or this node; the message says what to do.</summary>
public sealed class WalRefusedException(string message) : IOException(message);
