using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

internal enum SessionVerdict
{
    Execute,
    AlreadyExecuted,
    Evicted,
}

/// <summary>
/// Which command of each client session was executed last (S11). Bounded: the session that was not used for the longest is evicted, in the order of the log
/// and so alike on all replicas. A session's id is the index of the entry that opened it, and is never given twice.
/// </summary>
internal sealed class SessionTable(int sessionsMax)
{
    private static readonly Mark Evicted = new("replication: session evicted");
    private static readonly Mark Repeated = new("replication: repeated command not executed again");
    private static readonly Mark EvictedMeanwhile = new("replication: session evicted between execution at append and commit");
    private static readonly Mark UnknownRefused = new("replication: command of an unknown session refused");

    private readonly Dictionary<ulong, LinkedListNode<Session>> byId = [];
    private readonly LinkedList<Session> leastRecentFirst = [];

    private sealed class Session(ulong id)
    {
        public ulong Id { get; } = id;

        public ulong Sequence { get; set; }

        /// <summary>The reply to the newest command, kept for a repetition on this replica; not part of the state.</summary>
        public object? Reply { get; set; }
    }

    public int Count => byId.Count;

    public void Open(ulong id)
    {
        if (byId.Count >= sessionsMax)
        {
            Evicted.Hit();
            byId.Remove(leastRecentFirst.First!.Value.Id);
            leastRecentFirst.RemoveFirst();
        }

        byId[id] = leastRecentFirst.AddLast(new Session(id));
    }

    public void Close(ulong id)
    {
        if (byId.Remove(id, out var node)) leastRecentFirst.Remove(node);
    }

    public SessionVerdict Judge(ulong id, ulong sequence, out object? reply)
    {
        reply = null;
        if (!byId.TryGetValue(id, out var node))
        {
            UnknownRefused.Hit();
            return SessionVerdict.Evicted;
        }

        leastRecentFirst.Remove(node);
        leastRecentFirst.AddLast(node);
        if (sequence > node.Value.Sequence) return SessionVerdict.Execute;
        Repeated.Hit();
        if (sequence == node.Value.Sequence) reply = node.Value.Reply;
        return SessionVerdict.AlreadyExecuted;
    }

    /// <summary>Whether the command is new to a session that is known; changes nothing.</summary>
    public SessionVerdict Peek(ulong id, ulong sequence) =>
        !byId.TryGetValue(id, out var node) ? SessionVerdict.Evicted : sequence > node.Value.Sequence ? SessionVerdict.Execute : SessionVerdict.AlreadyExecuted;

    /// <summary>A command was executed. Its session may be gone already where commands are executed at append.</summary>
    public void Executed(ulong id, ulong sequence, object? reply)
    {
        if (!byId.TryGetValue(id, out var node))
        {
            EvictedMeanwhile.Hit();
            return;
        }

        leastRecentFirst.Remove(node);
        leastRecentFirst.AddLast(node);
        (node.Value.Sequence, node.Value.Reply) = (sequence, reply);
    }

    public void Encode(SpanWriter writer)
    {
        writer.WriteUInt32((uint)byId.Count);
        foreach (var session in leastRecentFirst)
        {
            writer.WriteUInt64(session.Id);
            writer.WriteUInt64(session.Sequence);
        }
    }

    public void Decode(ref SpanReader reader)
    {
        byId.Clear();
        leastRecentFirst.Clear();
        var count = reader.ReadUInt32();
        for (var i = 0u; i < count && reader.IsWhole; i++)
        {
            var session = new Session(reader.ReadUInt64()) { Sequence = reader.ReadUInt64() };
            byId[session.Id] = leastRecentFirst.AddLast(session);
        }
    }
}
