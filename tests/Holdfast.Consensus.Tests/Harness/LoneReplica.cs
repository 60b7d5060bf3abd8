using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus.Tests;

/// <summary>One replica whose peers are played by the test, message by message: for rules that a whole cluster would blur. Its disk is done at once.</summary>
internal sealed class LoneReplica
{
    public static readonly NodeId Self = new(1);

    private readonly Effects effects = new();

    public LoneReplica(ulong term, Configuration configuration, params (ulong Term, string Text)[] log)
        : this(new RaftStart
        {
            Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(term), NodeId.None), Configuration = configuration,
            Entries = [.. log.Select((entry, at) => new Entry(new LogPosition(new Term(entry.Term), new LogIndex((ulong)at + 1)), EntryKind.Command, Encoding.UTF8.GetBytes(entry.Text)))],
        })
    {
    }

    public LoneReplica(RaftStart start)
    {
        Support = new SupportTable(1);
        Node = new RaftNode(new RaftOptions(), start, Support, new SeededRandom(5), Now);
    }

    public Instant Now { get; set; } = new(1_000_000_000);

    public RaftNode Node { get; }

    public SupportTable Support { get; }

    /// <summary>What the last turn said.</summary>
    public Effects Said => effects;

    public static NodeId Peer(int id) => new((ulong)id);

    public static Configuration Voters(int count) => Configuration.OfVoters([.. Enumerable.Range(1, count).Select(Peer)]);

    /// <summary>Persists what is to be persisted, and gathers everything said before and after.</summary>
    public Effects Turn()
    {
        effects.Clear();
        Node.Flush(Now, effects);
        if (effects.Persist is not { } persist) return effects;
        Node.OnDurable(Now, persist.Token);
        effects.Clear();
        Node.Flush(Now, effects);
        return effects;
    }

    /// <summary>Wins the next election with the votes of the given peers.</summary>
    public void Lead(params int[] supporters)
    {
        Now = Node.Deadline;
        Node.Tick(Now);
        Turn();
        var term = Node.Term.Next;
        foreach (var id in supporters) Node.Step(Now, Peer(id), new VoteReply(term, true, true));
        Turn();
        foreach (var id in supporters) Node.Step(Now, Peer(id), new VoteReply(term, true, false));
        effects.Clear();
        Assert.Equal(RaftRole.Leader, Node.Role);
        Assert.Equal(term, Node.Term);
    }

    public void Append(int leader, ulong term, LogPosition previous, ulong commit, params (ulong Term, string Text)[] entries)
    {
        var source = new RaftLog(previous);
        foreach (var (each, text) in entries) source.Append(new Term(each), EntryKind.Command, Encoding.UTF8.GetBytes(text));
        var buffer = new ByteBuffer(64);
        EntryBatch.Encode(new SpanWriter(buffer), source, previous.Index.Next, entries.Length, stripPayload: false);
        var reader = new SpanReader(buffer.Written);
        Assert.True(EntryBatch.TryDecode(ref reader, out var batch));
        Node.Step(Now, Peer(leader), new AppendHeader(new Term(term), previous, new LogIndex(commit), 0), batch);
    }

    /// <summary>A follower of the current term says that it has everything up to an index on its disk.</summary>
    public void Acknowledge(int follower, ulong match) => Node.Step(Now, Peer(follower), new AppendReply(Node.Term, true, new LogIndex(match), default, 0, SupportEpoch.None, true));

    public static LogPosition At(ulong term, ulong index) => new(new Term(term), new LogIndex(index));
}
