using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Raft;

/// <summary>Applies what is committed, a slice at a time and some time later, answers who waits for it, and takes snapshots of what it has applied.</summary>
internal sealed class Applier
{
    private static readonly Mark ProposalOvertaken = new("sim: a proposal's place went to another entry");

    private readonly RaftWorld world;
    private readonly RaftSite site;
    private readonly RaftProcess process;
    private readonly SeededRandom dice;
    private readonly ToyRegisters registers;
    private readonly SortedDictionary<LogIndex, (Term Term, Action<AnswerKind, ulong, NodeId> Answer)> writes = [];
    private readonly List<(LogIndex Index, int Key, Action<AnswerKind, ulong, NodeId> Answer)> reads = [];
    private LogIndex committed;
    private LogIndex lastSnapshot;
    private bool isApplying;
    private bool appliesTwice;
    private bool isWritingSnapshot;

    public Applier(RaftWorld world, RaftSite site, RaftProcess process, StoredSnapshot? snapshot)
    {
        this.world = world;
        this.site = site;
        this.process = process;
        dice = new SeededRandom(site.Node.Value ^ world.Options.Seed);
        registers = new ToyRegisters(world.Options.Keys);
        if (snapshot is not null) Restore(snapshot);
        appliesTwice = world.Options.Mutation == Mutation.AppliedTwiceAfterRestart && site.BootCount > 1;
    }

    public LogIndex Applied { get; private set; }

    public ulong StateHash => registers.Fingerprint();

    public int BurstKey => registers.BurstKey;

    public ulong Read(int key) => registers[key];

    public void Restore(StoredSnapshot snapshot)
    {
        world.Check.OnSnapshot(site.Node, snapshot, ToyRegisters.Fingerprint(snapshot.Registers, snapshot.StateHash));
        registers.Restore(snapshot.Registers, snapshot.StateHash);
        Applied = lastSnapshot = snapshot.Position.Index;
        committed = LogIndex.Max(committed, Applied);
        AnswerReads();
    }

    /// <summary>The client waits for its entry to be applied at this very position.</summary>
    public void Await(LogPosition position, Action<AnswerKind, ulong, NodeId> answer) => writes[position.Index] = (position.Term, answer);

    public void AwaitRead(LogIndex index, int key, Action<AnswerKind, ulong, NodeId> answer)
    {
        if (index <= Applied) answer(AnswerKind.Done, registers[key], NodeId.None);
        else reads.Add((index, key, answer));
    }

    public void OnCommitted(LogIndex through)
    {
        committed = LogIndex.Max(committed, through);
        Plan();
    }

    public void OnSnapshotDurable(StoredSnapshot snapshot)
    {
        isWritingSnapshot = false;
        if (snapshot.Position.Index > Applied) return; // Fetched from a peer: the fetch installs it.
        Compact(snapshot);
    }

    private void Plan()
    {
        if (isApplying || Applied >= committed) return;
        isApplying = true;
        process.After(TimeSpan.FromMicroseconds(dice.Next(1, dice.Chance(0.02) ? 20_000 : 200)), () =>
        {
            isApplying = false;
            ApplySlice();
        });
    }

    private void ApplySlice()
    {
        for (var left = 32; left > 0 && Applied < committed; left--)
        {
            var index = Applied.Next;
            if (index <= process.Core.Log.Base.Index)
            {
                // An install has overtaken the slice.
                break;
            }

            ApplyOne(process.Core.Log[index]);
            Applied = index;
            if (!site.IsWitness) world.Check.OnApplied(site.Node, index, registers.Fingerprint());
        }

        process.Core.OnApplied(Applied);
        AnswerReads();
        TakeSnapshot();
        Plan();
    }

    private void ApplyOne(in Entry entry)
    {
        ulong before = 0;
        if (entry.Kind == EntryKind.Command && !site.IsWitness)
        {
            var salt = world.Options.Mutation switch
            {
                Mutation.ApplyReadsItsNodesSettings => (ulong)world.Options.SnapshotEvery + (ulong)site.Slot,
                Mutation.HashOrderDependence when entry.Position.Index.Value % 97 == 0 => site.Node.Value * 31,
                _ => 0UL,
            };
            before = registers.Apply(entry.Payload.Span, salt);
            if (appliesTwice) registers.Apply(entry.Payload.Span, salt);
            appliesTwice = false;
        }

        if (!writes.Remove(entry.Position.Index, out var waiter)) return;
        if (waiter.Term == entry.Position.Term)
        {
            waiter.Answer(AnswerKind.Done, before, NodeId.None);
        }
        else
        {
            // Another entry is committed in its place, so the proposal is gone for good (log matching).
            ProposalOvertaken.Hit();
            waiter.Answer(AnswerKind.Refused, 0, process.Core.Leader);
        }
    }

    private void AnswerReads()
    {
        for (var i = reads.Count - 1; i >= 0; i--)
        {
            var (index, key, answer) = reads[i];
            if (index > Applied) continue;
            reads.RemoveAt(i);
            answer(AnswerKind.Done, registers[key], NodeId.None);
        }
    }

    private void TakeSnapshot()
    {
        var every = (ulong)world.Options.SnapshotEvery;
        if (every == 0 || isWritingSnapshot || Applied.Value < lastSnapshot.Value + every) return;
        isWritingSnapshot = true;
        lastSnapshot = Applied;
        var position = new LogPosition(process.Core.Log.TermAt(Applied)!.Value, Applied);
        if (world.Options.Mutation == Mutation.SnapshotNotConsistent)
        {
            // The walk takes its time, and sees writes that came after its beginning.
            var configuration = process.Core.ConfigurationAt(position.Index);
            process.After(TimeSpan.FromMilliseconds(5), () => Write(new StoredSnapshot(position, configuration, registers.Copy(), registers.Hash, !site.IsWitness)));
            return;
        }

        Write(new StoredSnapshot(position, process.Core.ConfigurationAt(position.Index), registers.Copy(), registers.Hash, !site.IsWitness));
    }

    private void Write(StoredSnapshot snapshot)
    {
        world.Check.OnSnapshot(site.Node, snapshot, ToyRegisters.Fingerprint(snapshot.Registers, snapshot.StateHash));
        if (world.Options.Mutation == Mutation.CompactedBeforeSnapshotSynced) Compact(snapshot);
        if (world.Options.Mutation == Mutation.CompactedBeforeSnapshotSynced) process.After(TimeSpan.FromMilliseconds(30), () => site.Device.Write(new LogRecord.Snapshot(snapshot)));
        else site.Device.Write(new LogRecord.Snapshot(snapshot));
    }

    private void Compact(StoredSnapshot snapshot)
    {
        var log = process.Core.Log;
        var trail = (ulong)world.Options.SnapshotTrail;
        var through = new LogIndex(snapshot.Position.Index.Value > trail ? snapshot.Position.Index.Value - trail : 0);
        if (through <= log.Base.Index) return;
        var position = new LogPosition(log.TermAt(through)!.Value, through);
        site.Device.Write(new LogRecord.Compaction(position));
        if (world.Options.Mutation is Mutation.VoteVanishesWithSegment or Mutation.CopiedForwardRecordTruncates or Mutation.SlowGroupsSegmentDropped)
            site.Device.Write(new LogRecord.BadCompaction(world.Options.Mutation, position));
        process.Core.Compact(through);
    }
}
