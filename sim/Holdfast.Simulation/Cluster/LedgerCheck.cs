using Holdfast.Primitives;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>What must hold of a ledger: a wish is executed once, replicas agree, and a restored state is one that the log once led to.</summary>
internal sealed class LedgerCheck(string name)
{
    private readonly Dictionary<ulong, LogIndex> executed = [];
    private readonly Dictionary<LogIndex, ulong> states = [];
    private readonly Dictionary<ulong, ulong> contents = [];
    private readonly List<(long At, LogIndex Index)> acknowledged = [];
    private readonly Dictionary<LogIndex, ulong> wishAt = [];
    private readonly Dictionary<(NodeId Node, Term Term), List<(LogIndex Index, ulong Wish)>> early = [];
    private readonly Dictionary<(NodeId Node, Term Term), LogIndex> replied = [];

    public History History { get; } = new();

    /// <summary>Operations of which a server said that they had no effect.</summary>
    public HashSet<int> WithoutEffect { get; } = [];

    /// <summary>Wishes that were never executed, or so their clients were told.</summary>
    public HashSet<ulong> Refused { get; } = [];

    /// <summary>A client was told that its wish was executed at an index.</summary>
    public void OnAcknowledged(long now, LogIndex index)
    {
        if (acknowledged.Count == 0 || index > acknowledged[^1].Index) acknowledged.Add((now, index));
    }

    /// <summary>A read that may be stale by so much was called at a time: it shows all that was acknowledged before its bound (S14).</summary>
    public void OnStaleRead(long calledAt, TimeSpan bound, LogIndex shown)
    {
        var since = calledAt - (long)(bound.Ticks * 1.01);
        for (var i = acknowledged.Count - 1; i >= 0; i--)
        {
            if (acknowledged[i].At > since) continue;
            Require(shown >= acknowledged[i].Index, $"{name}: a read that may be {bound.TotalMilliseconds:F0} ms old showed {shown}; {acknowledged[i].Index} had been acknowledged {(calledAt - acknowledged[i].At) / 10_000} ms before it was asked");
            return;
        }
    }

    /// <summary>A leader answers when it has executed a command, as its client asked for: the change may be lost with the leader.</summary>
    public void OnRepliedEarly(NodeId who, LogPosition position, ulong wish)
    {
        if (!early.TryGetValue((who, position.Term), out var replies)) early[(who, position.Term)] = replies = [];
        replies.Add((position.Index, wish));
    }

    /// <summary>
    /// A leader lets a reply of the quorum class go: in the order of execution, and only when nothing that it may show can be lost, be it answered long ago (S18).
    /// </summary>
    public void OnReplied(NodeId who, LogPosition position, LogIndex applied)
    {
        var last = replied.GetValueOrDefault((who, position.Term));
        Require(position.Index >= last, $"{name}: {who} let the reply of {position} go after that of {last}");
        replied[(who, position.Term)] = position.Index;
        if (!early.TryGetValue((who, position.Term), out var replies)) return;
        for (var i = replies.Count - 1; i >= 0; i--)
        {
            if (replies[i].Index >= position.Index) continue;
            Require(applied >= replies[i].Index, $"{name}: {who} let the quorum's reply of {position} go with {applied} applied; it may show wish {replies[i].Wish} of {replies[i].Index}, which was answered early");
            return;
        }
    }

    /// <summary>Of what a leader answered early in one term only the end may be missing.</summary>
    public void Final()
    {
        foreach (var ((who, term), replies) in early)
        {
            var kept = LogIndex.Zero;
            foreach (var (index, wish) in replies)
                if (wishAt.TryGetValue(index, out var there) && there == wish) kept = index;
            foreach (var (index, wish) in replies)
                Require(index > kept || !wishAt.TryGetValue(index, out var there) || there == wish, $"{name}: wish {wish} that {who} answered early in term {term} was lost at {index}, and a later one of {kept} was not");
        }
    }

    public bool WasExecuted(ulong wish) => executed.ContainsKey(wish);

    public void OnExecuted(NodeId who, LogPosition position, ulong wish)
    {
        if (executed.TryGetValue(wish, out var at)) Require(at == position.Index, $"{name}: {who} executed wish {wish} at {position.Index}, and it had been executed at {at}");
        else executed.Add(wish, position.Index);
        wishAt[position.Index] = wish;
        Require(!Refused.Contains(wish), $"{name}: {who} executed wish {wish} of a session that it refused");
    }

    public void OnState(NodeId who, LogPosition position, ulong stateHash)
    {
        if (states.TryGetValue(position.Index, out var known)) Require(known == stateHash, $"{name}: replicas differ after {position.Index} ({who})");
        else states.Add(position.Index, stateHash);
    }

    public void OnUnreadable(NodeId who, LogPosition position) => Require(false, $"{name}: {who} was given a command at {position} that nobody wrote");

    public void OnContent(NodeId who, ulong stateHash, SortedDictionary<byte, ulong> registers)
    {
        var content = 0UL;
        foreach (var (key, value) in registers) content = Chronicle.Mix(content ^ key ^ value << 8);
        if (contents.TryGetValue(stateHash, out var known)) Require(known == content, $"{name}: {who} has a state that is not the fold of the log");
        else contents.Add(stateHash, content);
    }

    private static void Require(bool holds, string sentence)
    {
        if (!holds) throw new CheckFailedException(sentence);
    }
}
