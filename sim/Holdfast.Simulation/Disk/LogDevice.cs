using Holdfast.Primitives;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Time;

namespace Holdfast.Simulation.Disk;

/// <summary>
/// A machine's log and its disk. Records wait in the process's memory, are written into the page cache, and become durable by a sync that takes
/// time: many records, one sync. Three ways to lose them are told apart (S7): the process dies (the cache stays, and is readable, but is not
/// durable), the power fails (a prefix of what was not synced survives, its last record perhaps torn), a sync fails (the pages are clean and
/// readable, and gone with the next power loss).
/// </summary>
internal sealed class LogDevice(SimClock clock, SimOptions options, SeededRandom dice)
{
    private static readonly Mark RecordTorn = new("sim disk: record torn by power loss");
    private static readonly Mark LeftInDoubt = new("sim disk: last commit in doubt after power loss");
    private static readonly Mark SyncFailed = new("sim disk: sync failed, pages clean");

    private readonly List<LogRecord> pending = [];
    private readonly List<LogRecord> written = [];
    private readonly List<LogRecord> clean = [];
    private bool isSyncing;
    private int generation;

    /// <summary>What survives power loss.</summary>
    public StoredLog Durable { get; private set; } = new();

    public bool NeverFails { get; set; }

    /// <summary>Told of each record that is durable, in order.</summary>
    public Action<LogRecord>? OnDurable { get; set; }

    /// <summary>Told that a sync failed: the log is poisoned until the process has started anew.</summary>
    public Action? OnFailed { get; set; }

    public void Write(LogRecord record)
    {
        pending.Add(record);
        Kick();
    }

    /// <summary>The process is gone; the cache stays.</summary>
    public void ProcessDied()
    {
        generation++;
        isSyncing = false;
        pending.Clear();
    }

    /// <summary>
    /// The machine is gone: of what was not synced, a prefix survives. With <paramref name="mayDoubt"/> the first record that does not may leave a sign that it was
    /// written: then recovery cannot know that nothing of it was ever acknowledged, nor that it held no vote (S8). True when it did.
    /// </summary>
    public bool PowerFailed(bool mayDoubt)
    {
        var isInDoubt = false;
        ProcessDied();
        clean.Clear();
        if (written.Count > 0)
        {
            var survive = dice.Next(written.Count + 1);
            for (var i = 0; i < survive; i++) written[i].ApplyTo(Durable);
            isInDoubt = mayDoubt && survive < written.Count && written[survive] is LogRecord.Persist && dice.Chance(0.7);
            if (isInDoubt) LeaveInDoubt((LogRecord.Persist)written[survive]);
            else if (survive < written.Count && written[survive] is LogRecord.Persist { Entries.Length: > 1 } torn)
            {
                RecordTorn.Hit();
                (torn with { Entries = torn.Entries[..dice.Next(torn.Entries.Length)] }).ApplyTo(Durable);
            }
        }

        written.Clear();
        return isInDoubt;
    }

    private void LeaveInDoubt(LogRecord.Persist record)
    {
        LeftInDoubt.Hit();
        var last = LogIndex.Max(Durable.Last, record.First.Previous + (ulong)record.Entries.Length);
        // Its beginning may be readable, or nothing at all.
        if (dice.Chance(0.5)) (record with { Entries = record.Entries.Length == 0 ? [] : record.Entries[..dice.Next(record.Entries.Length)] }).ApplyTo(Durable);
        Durable.DamagedUpTo = LogIndex.Max(Durable.DamagedUpTo, LogIndex.Max(last, Durable.Last.Next));
    }

    /// <summary>What reading the disk would find, durable or not.</summary>
    public StoredLog Read()
    {
        var found = Durable.Copy();
        foreach (var record in clean) record.ApplyTo(found);
        foreach (var record in written) record.ApplyTo(found);
        return found;
    }

    /// <summary>Whether reading shows things that a power loss would take away.</summary>
    public bool ShowsMoreThanDurable => written.Count + clean.Count > 0;

    public bool ShowsCleanPages => clean.Count > 0;

    /// <summary>Recovery has written what it read into a fresh segment and synced it: now it is durable (S7).</summary>
    public void AdoptRewritten(StoredLog image)
    {
        written.Clear();
        clean.Clear();
        Durable = image;
    }

    private void Kick()
    {
        if (isSyncing || pending.Count == 0) return;
        isSyncing = true;
        written.AddRange(pending);
        pending.Clear();
        var delay = dice.NextSpan(options.SyncMin, options.SyncMax);
        if (!NeverFails && options.SyncStall > TimeSpan.Zero && dice.Chance(0.002)) delay += options.SyncStall;
        var mine = generation;
        clock.After(delay, () =>
        {
            if (mine == generation) Complete();
        });
    }

    private void Complete()
    {
        isSyncing = false;
        var synced = written.ToArray();
        written.Clear();
        if (!NeverFails && dice.Chance(options.SyncFails))
        {
            SyncFailed.Hit();
            clean.AddRange(synced);
            if (options.Mutation != Mutation.FailedSyncRetried)
            {
                OnFailed?.Invoke();
                return;
            }
        }
        else
        {
            foreach (var record in synced) record.ApplyTo(Durable);
        }

        var mine = generation;
        foreach (var record in synced)
        {
            if (mine != generation) return;
            OnDurable?.Invoke(record);
        }

        Kick();
    }
}
