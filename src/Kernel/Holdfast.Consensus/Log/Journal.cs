using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// Everything a replica knows about its log: the entries, what of them is on the disk, the configurations among them, how far they are committed
/// and applied. Whatever changes one of these changes the others with it, here.
/// </summary>
internal sealed class Journal
{
    private static readonly Mark SuffixTruncated = new("raft: conflicting suffix truncated");
    private static readonly Mark SnapshotReplacedLog = new("raft: snapshot replaced the log");
    private static readonly Mark SnapshotKeptSuffix = new("raft: snapshot kept a matching suffix");

    private readonly PlantedBug bug;
    private LogIndex commitSaid;
    private LogIndex truncatedFrom;
    private bool configurationChanged;

    /// <summary>Begins with what recovery found; all of it is durable (S7).</summary>
    public Journal(RaftStart start, PlantedBug bug)
    {
        this.bug = bug;
        var recovered = start.Log ?? new RecoveredLog(start);
        (Log, Configurations) = (recovered.Log, recovered.Configurations);
        configurationChanged = Configurations.CurrentIndex > start.Snapshot.Index;
        Durability = new LogDurability(Log.Last.Index);
        Commit = commitSaid = Applied = start.Snapshot.Index;
    }

    public RaftLog Log { get; }

    public LogDurability Durability { get; }

    public ConfigurationHistory Configurations { get; }

    public LogPosition Last => Log.Last;

    public LogIndex Durable => Durability.Durable;

    public LogIndex Commit { get; private set; }

    public LogIndex Applied { get; private set; }

    /// <summary>The newest configuration in the log, committed or not (Raft paper 6).</summary>
    public Configuration Configuration => bug == PlantedBug.MembershipEffectiveAtCommit ? Configurations.At(Commit) : Configurations.Current;

    /// <summary>Whether <see cref="Tell"/> or a persist request has something to say.</summary>
    public bool HasNews => Durability.HasWork(Last.Index) || Commit > commitSaid || configurationChanged || truncatedFrom != LogIndex.Zero;

    public bool HasCommittedIn(Term term) => Log.TermAt(Commit) == term;

    public LogPosition Append(Term term, EntryKind kind, ReadOnlySpan<byte> payload)
    {
        Invariant.Holds(term >= Log.Last.Term, "an entry's term is below its predecessor's");
        var position = Log.Append(term, kind, payload);
        if (kind != EntryKind.Configuration) return position;
        Configurations.Add(position.Index, RecoveredLog.ConfigurationOf(payload));
        configurationChanged = true;
        return position;
    }

    /// <summary>Takes the entries that the log lacks, after truncating what contradicts them (Raft paper 5.3); returns where the batch ends.</summary>
    public LogIndex TakeEntries(LogIndex previous, EntryBatch entries)
    {
        var index = previous;
        foreach (var entry in entries)
        {
            index = index.Next;
            if (index <= Log.Base.Index) continue; // Committed and compacted: it agrees.
            if (Log.TermAt(index) is { } known)
            {
                if (known == entry.Term && bug != PlantedBug.OvereagerTruncation) continue;
                if (bug == PlantedBug.ConflictNotTruncated) continue;
                Truncate(index);
            }

            Append(entry.Term, entry.Kind, entry.Payload);
        }

        return index;
    }

    public void CommitTo(LogIndex index)
    {
        if (index <= Commit) return;
        Invariant.Holds(index <= Log.Last.Index, "commit beyond the log's end");
        Commit = index;
    }

    public void OnApplied(LogIndex index)
    {
        Invariant.Holds(index <= Commit, "an entry was applied that is not committed");
        Applied = LogIndex.Max(Applied, index);
    }

    /// <summary>A durable local snapshot covers everything up to here: the entries may go.</summary>
    public void Compact(LogIndex through)
    {
        Invariant.Holds(through <= Commit, "a compaction reaches beyond what is committed");
        if (through > Log.Base.Index) Forget(through);
    }

    /// <summary>A snapshot has replaced the state: entries behind it stay only if the log holds the snapshot's own position (Raft paper 7).</summary>
    public void ContinueAfter(LogPosition snapshot, Configuration configuration)
    {
        if (snapshot.Index <= Commit) return;
        if (Log.Matches(snapshot))
        {
            SnapshotKeptSuffix.Hit();
            Forget(snapshot.Index);
        }
        else
        {
            SnapshotReplacedLog.Hit();
            if (Log.Last.Index > snapshot.Index) NoteTruncation(snapshot.Index.Next);
            Log.ResetTo(snapshot);
            Durability.OnTruncated(snapshot.Index.Next);
            Configurations.ResetTo(snapshot.Index, configuration);
            configurationChanged = true;
        }

        Durability.OnSnapshot(snapshot.Index);
        Commit = commitSaid = Applied = snapshot.Index;
    }

    /// <summary>Says what the state machine must know: what is committed, what was taken back, who belongs to the group.</summary>
    public void Tell(Effects effects)
    {
        if (Commit > commitSaid) effects.CommittedTo = commitSaid = Commit;
        if (truncatedFrom != LogIndex.Zero) (effects.TruncatedFrom, truncatedFrom) = (truncatedFrom, LogIndex.Zero);
        if (configurationChanged) effects.Configuration = Configuration;
        configurationChanged = false;
    }

    private void Forget(LogIndex through)
    {
        Configurations.CompactTo(through);
        Log.CompactTo(through);
    }

    private void Truncate(LogIndex from)
    {
        Invariant.Holds(from > Commit, "a committed entry would be truncated");
        SuffixTruncated.Hit();
        NoteTruncation(from);
        Log.TruncateFrom(from);
        Durability.OnTruncated(from);
        if (Configurations.TruncateFrom(from)) configurationChanged = true;
    }

    private void NoteTruncation(LogIndex from) => truncatedFrom = truncatedFrom == LogIndex.Zero ? from : LogIndex.Min(truncatedFrom, from);
}
