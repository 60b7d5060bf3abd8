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

    public bool WasExecuted(ulong wish) => executed.ContainsKey(wish);

    public void OnExecuted(NodeId who, LogPosition position, ulong wish)
    {
        if (executed.TryGetValue(wish, out var at)) Require(at == position.Index, $"{name}: {who} executed wish {wish} at {position.Index}, and it had been executed at {at}");
        else executed.Add(wish, position.Index);
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
