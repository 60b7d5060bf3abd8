using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Disk;

/// <summary>One thing written to a simulated log, in order; applied to a <see cref="StoredLog"/> it says what reading would find.</summary>
internal abstract record LogRecord
{
    public abstract void ApplyTo(StoredLog log);

    /// <summary>A replica's persist request.</summary>
    internal sealed record Persist(PersistToken Token, HardState? HardState, LogIndex TruncateFrom, LogIndex First, StoredEntry[] Entries) : LogRecord
    {
        public override void ApplyTo(StoredLog log)
        {
            if (TruncateFrom != LogIndex.Zero) log.TruncateFrom(TruncateFrom);
            if (HardState is { } state) log.HardState = state;
            if (Entries.Length > 0) log.Append(First, Entries);
        }
    }

    /// <summary>A snapshot's own files, with their manifest and directory entry (S10).</summary>
    internal sealed record Snapshot(StoredSnapshot Content) : LogRecord
    {
        public override void ApplyTo(StoredLog log)
        {
            if (log.Snapshot is null || Content.Position.Index > log.Snapshot.Position.Index) log.Snapshot = Content;
        }
    }

    /// <summary>The log forgets what the snapshot covers.</summary>
    internal sealed record Compaction(LogPosition Through) : LogRecord
    {
        public override void ApplyTo(StoredLog log) => log.CompactTo(Through);
    }

    /// <summary>The log goes on after an installed snapshot.</summary>
    internal sealed record Reset(LogPosition To, bool KeepSuffix) : LogRecord
    {
        public override void ApplyTo(StoredLog log)
        {
            if (KeepSuffix) log.CompactTo(To);
            else log.ResetTo(To);
        }
    }

    /// <summary>The note of damage is taken back: the leader's appends have repaired the log.</summary>
    internal sealed record Repaired : LogRecord
    {
        public override void ApplyTo(StoredLog log) => log.DamagedUpTo = LogIndex.Zero;
    }

    /// <summary>What a faulty compaction does besides (S9).</summary>
    internal sealed record BadCompaction(Faults.Mutation Mutation, LogPosition Through) : LogRecord
    {
        public override void ApplyTo(StoredLog log)
        {
            switch (Mutation)
            {
                case Faults.Mutation.VoteVanishesWithSegment:
                    log.HardState = default;
                    break;
                case Faults.Mutation.CopiedForwardRecordTruncates when log.Last > Through.Index:
                    log.TruncateFrom(Through.Index + 2);
                    break;
                case Faults.Mutation.SlowGroupsSegmentDropped when log.Last > Through.Index && log.TermAt(Through.Index.Next) is { } term:
                    log.CompactTo(new LogPosition(term, Through.Index.Next));
                    break;
                default:
                    break; // Nothing to spoil.
            }
        }
    }
}
