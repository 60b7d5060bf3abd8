using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Disk;
using Holdfast.Simulation.Raft;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Checks;

/// <summary>
/// Looks on as nobody in the cluster can: knows every log, every disk and every message, and says at once when a rule of Raft (paper, figure 3)
/// or of the safety list is broken.
/// </summary>
internal sealed class RaftCheck(RaftWorld world)
{
    private readonly record struct Content(Term PreviousTerm, ulong Hash);

    private readonly Dictionary<Term, NodeId> leaders = [];
    private readonly Dictionary<(NodeId Voter, Term Term), NodeId> votes = [];
    private readonly Dictionary<NodeId, Term> shownTerm = [];
    private readonly Dictionary<(LogIndex Index, Term Term), Content> entries = [];
    private readonly List<(Term Term, EntryKind Kind)> committed = [default];
    private readonly Dictionary<LogIndex, ulong> stateAfter = [];
    private readonly Dictionary<NodeId, LogDevice> devices = [];
    private readonly Dictionary<NodeId, List<StoredLog>> beforeDamage = [];
    private Configuration? committedConfiguration;

    public LogIndex CommittedTo => new((ulong)committed.Count - 1);

    public static void Fail(string sentence) => throw new CheckFailedException(sentence);

    public static void Require(bool condition, string sentence)
    {
        if (!condition) Fail(sentence);
    }

    /// <summary>An incarnation has this disk, also after it was wiped: an acknowledgement it gave before was true then.</summary>
    public void OnDevice(NodeId node, LogDevice device) => devices[node] = device;

    public void OnDamageFound(NodeId node, StoredLog asItWas)
    {
        if (!beforeDamage.TryGetValue(node, out var logs)) beforeDamage[node] = logs = [];
        logs.Add(asItWas);
    }

    public void OnBoot(NodeId node, HardState found)
    {
        if (shownTerm.TryGetValue(node, out var shown)) Require(found.Term >= shown, $"node {node} came back in term {found.Term}, but had shown term {shown}");
        if (votes.TryGetValue((node, found.Term), out var vote)) Require(found.Vote == vote, $"node {node} came back in term {found.Term} with vote {found.Vote}, but had voted for {vote}");
    }

    public void OnTermShown(NodeId node, Term term)
    {
        if (!shownTerm.TryGetValue(node, out var shown) || term > shown) shownTerm[node] = term;
    }

    public void OnVote(NodeId voter, Term term, NodeId candidate)
    {
        OnTermShown(voter, term);
        var disk = devices[voter].Durable.HardState;
        Require(disk.Term > term || (disk.Term == term && disk.Vote == candidate), $"{voter} voted for {candidate} in term {term}, which its disk does not hold");
        if (votes.TryAdd((voter, term), candidate)) return;
        var before = votes[(voter, term)];
        Require(before == candidate, $"node {voter} voted for {before} and for {candidate} in term {term}");
    }

    public void OnLeader(NodeId node, Term term, RaftLog log)
    {
        Require(leaders.TryAdd(term, node) || leaders[term] == node, $"election safety: {leaders[term]} and {node} both lead term {term}");
        var last = CommittedTo;
        if (log.Base.Index >= last) return;
        Require(log.TermAt(last) == committed[(int)last.Value].Term, $"leader completeness: {node} leads term {term} without the committed entry {committed[(int)last.Value].Term}/{last}");
    }

    /// <summary>Entries have come into some log. Equal positions hold equal entries and follow equal positions; by induction logs match (Raft paper 5.3).</summary>
    public void OnEntry(NodeId node, in Entry entry, Term previous, bool isStripped)
    {
        var hash = isStripped && entry.Kind == EntryKind.Command ? 0 : HashOf(entry);
        var key = (entry.Position.Index, entry.Position.Term);
        if (entries.TryGetValue(key, out var known))
        {
            Require(known.PreviousTerm == previous, $"log matching: {node} holds {entry.Position} after term {previous}, others after term {known.PreviousTerm}");
            Require(known.Hash == hash || known.Hash == 0 || hash == 0, $"log matching: {node} holds another content at {entry.Position}");
            if (known.Hash == 0) entries[key] = new(previous, hash);
        }
        else
        {
            entries[key] = new(previous, hash);
        }
    }

    /// <summary>A follower has said that everything up to here is on its disk (S1).</summary>
    public void OnAcknowledged(NodeId node, LogIndex match, RaftLog log)
    {
        if (match == LogIndex.Zero) return;
        if (log.TermAt(match) is not { } term) return; // Below the base: a snapshot covers it.
        Require(Holds(node, new LogPosition(term, match)), $"{node} acknowledged {term}/{match}, which its disk does not hold");
    }

    /// <summary>A replica believes that everything up to here is committed.</summary>
    public void OnCommit(RaftSite site, RaftNode node, LogIndex through)
    {
        var first = LogIndex.Max(node.Log.Base.Index.Next, LogIndex.Min(CommittedTo.Next, through));
        for (var index = first; index <= through; index = index.Next)
        {
            var entry = node.Log[index];
            if (index <= CommittedTo)
            {
                Require(committed[(int)index.Value].Term == entry.Position.Term, $"state machine safety: {site.Node} committed {entry.Position}, others term {committed[(int)index.Value].Term}");
                continue;
            }

            Require(index == CommittedTo.Next, $"{site.Node} committed {entry.Position} before anybody committed what lies before it");
            committed.Add((entry.Position.Term, entry.Kind));
            if (entry.Kind == EntryKind.Configuration) OnConfigurationCommitted(node.ConfigurationAt(index));
            if (index == through)
                Require(IsQuorumDurable(node.Configuration, entry.Position) || IsQuorumDurable(node.ConfigurationAt(index), entry.Position),
                    $"{site.Node} committed {entry.Position}, which no quorum of {node.Configuration} has on disk");
        }

        if (through >= node.Log.Base.Index && through <= CommittedTo && node.Log.TermAt(through) is { } term)
            Require(committed[(int)through.Value].Term == term, $"state machine safety: {site.Node} committed {term}/{through}, others term {committed[(int)through.Value].Term}");
    }

    public void OnApplied(NodeId node, LogIndex index, ulong stateHash)
    {
        Require(index <= CommittedTo, $"{node} applied {index}, which nobody committed");
        if (!stateAfter.TryAdd(index, stateHash))
            Require(stateAfter[index] == stateHash, $"replicas differ after {index}: {node} has state {stateHash:x}, others {stateAfter[index]:x}");
    }

    /// <summary>A snapshot is the fold of the log up to its position (S10).</summary>
    public void OnSnapshot(NodeId node, StoredSnapshot snapshot, ulong recomputed)
    {
        var index = snapshot.Position.Index;
        Require(index <= CommittedTo, $"{node} holds a snapshot of {index}, which nobody committed");
        Require(index == LogIndex.Zero || committed[(int)index.Value].Term == snapshot.Position.Term, $"{node} holds a snapshot of {snapshot.Position}, but term {committed[(int)index.Value].Term} was committed there");
        if (snapshot.HasState && stateAfter.TryGetValue(index, out var expected))
            Require(expected == recomputed, $"{node}'s snapshot of {index} is not the fold of the log");
    }

    /// <summary>While a leader's lease holds, nobody else leads a later term (S2, S3).</summary>
    public void OnLease(RaftSite holder, RaftNode node)
    {
        foreach (var other in world.Sites)
            if (other != holder && other.Process is { IsAlive: true } process && process.Core.Role == RaftRole.Leader && process.Core.Term > node.Term)
                Fail($"{holder.Node} holds a lease in term {node.Term} while {other.Node} leads term {process.Core.Term}");
    }

    private void OnConfigurationCommitted(Configuration next)
    {
        if (committedConfiguration is { } before)
        {
            // Consecutive configurations: any quorum of one meets any quorum of the other.
            var overlaps = before.IsJoint ? next.Equals(before.LeaveJoint()) : next.IsJoint ? next.Outgoing.SequenceEqual(before.Members) : before.HasSameQuorumAs(next);
            Require(overlaps, $"configuration overlap: {next} was committed after {before}");
        }

        committedConfiguration = next;
        if (!next.IsJoint) world.Counts.MembershipChanges++;
    }

    public void OnFirstConfiguration(Configuration configuration) => committedConfiguration = configuration;

    public Configuration? CommittedConfiguration => committedConfiguration;

    private bool IsQuorumDurable(Configuration configuration, LogPosition position) =>
        HasQuorum(configuration.Members, position) && (!configuration.IsJoint || HasQuorum(configuration.Outgoing, position));

    private bool HasQuorum(ReadOnlySpan<Member> members, LogPosition position)
    {
        int counted = 0, durable = 0;
        foreach (var member in members)
        {
            if (!member.CountsForQuorum) continue;
            counted++;
            if (Holds(member.Node, position)) durable++;
        }

        return durable >= counted / 2 + 1;
    }

    private bool Holds(NodeId node, LogPosition position)
    {
        if (!devices.TryGetValue(node, out var device)) return false;
        if (device.Durable.Holds(position)) return true;
        if (beforeDamage.TryGetValue(node, out var logs))
            foreach (var log in logs)
                if (log.Holds(position)) return true;
        return false;
    }

    private static ulong HashOf(in Entry entry)
    {
        var hash = ToyRegisters.Mix((ulong)entry.Kind + 1, (ulong)entry.Payload.Length);
        return ToyRegisters.Mix(hash, Crc32C.Of(entry.Payload.Span)) | 1;
    }
}
