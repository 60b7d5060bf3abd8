using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>Committed entries as they were copied out of a group's log, and where its state stood in that moment.</summary>
public sealed record LogReading
{
    /// <summary>Nothing was read: the node stops, or too much waits for the loop. Asking again is safe.</summary>
    public static LogReading Refused { get; } = new();

    /// <summary>Whether the loop answered, and the replica has a state that is whole just now.</summary>
    public bool IsRead { get; init; }

    /// <summary>The entries after the asked index are no longer in the log: a snapshot covers them.</summary>
    public bool IsCompacted { get; init; }

    /// <summary>The entries, without a gap; copies.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>The last entry that the state contained; entries after it are never read.</summary>
    public LogPosition Applied { get; init; }

    /// <summary>The state's hash at <see cref="Applied"/>; null where the state is of no position: in the middle of an entry, or with effects in it that were executed ahead of their commit (S10).</summary>
    public ulong? StateHash { get; init; }

    /// <summary>The position that the log was compacted to: a snapshot of it is on disk.</summary>
    public LogPosition Snapshot { get; init; }

    /// <summary>Whether there is nothing more to read: the entries end where the state stands.</summary>
    public bool IsAtEnd { get; init; }

    internal static LogReading Of(Replica replica, LogIndex after, int bytesMax)
    {
        if (replica.State is not { } state || !replica.Restoring.IsReady) return Refused;
        var log = replica.Node.Log;
        var tap = replica.Tap ??= new LogTap();
        tap.OnGiven(after);
        var entries = new List<Entry>();
        var reading = new LogReading { IsRead = true, Applied = state.Applied, StateHash = state.IsMidEntry || replica.Execution is { IsSettled: false } ? null : state.StateHash, Snapshot = log.Base };
        if (after < log.Base.Index && !tap.TryRead(after, log.Base.Index, bytesMax, entries)) return reading with { IsCompacted = true };
        var next = entries.Count > 0 ? entries[^1].Position.Index.Next : after.Next;
        var bytes = entries.Sum(entry => entry.Payload.Length + 32);
        for (; next > log.Base.Index && next <= state.Applied.Index && bytes < bytesMax; next = next.Next)
        {
            var entry = log[next];
            bytes += entry.Payload.Length + 32;
            entries.Add(entry with { Payload = entry.Payload.ToArray() });
        }

        return reading with { Entries = entries, IsAtEnd = next > state.Applied.Index };
    }
}
