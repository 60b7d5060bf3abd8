using System.Buffers;
using Holdfast.Replication;

namespace LargeState;

/// <summary>
/// The same state, executed at append, by a machine that can take nothing back: whatever is truncated, or refused after its execution, makes the replica rebuild its state from
/// snapshot and log (S20). Has a command more, to have just that happen.
/// </summary>
internal sealed class AppendBlocks(Blocks blocks) : IAppendExecutor
{
    public const int TooManyBytes = 2 * 1024 * 1024;

    /// <summary>Its effects are <see cref="TooManyBytes"/>: more than the group lets a command be.</summary>
    public static readonly byte[] Spoil = [0xFF];

    public ulong StateHash => blocks.StateHash;

    public ApplyResult Apply(in CommittedEntry entry) => blocks.Apply(entry);

    public ISnapshotView CaptureSnapshot() => blocks.CaptureSnapshot();

    public ISnapshotBuilder BeginRestore() => blocks.BeginRestore();

    public ExecuteResult Execute(in AppendCommand command, IBufferWriter<byte> effects)
    {
        if (command.Command.SequenceEqual(Spoil))
        {
            effects.Write(new byte[TooManyBytes]);
            return new ExecuteResult(true, null);
        }

        var entry = new CommittedEntry { Position = command.Position, TimeMicros = command.TimeMicros, FeatureLevel = 1, Command = command.Command, ReplyWanted = true };
        while (!blocks.Apply(entry).IsDone)
        {
            // Filling goes on in slices, which only entries have: the caller fills in small steps.
        }

        effects.Write(command.Command);
        return new ExecuteResult(true, null);
    }
}
