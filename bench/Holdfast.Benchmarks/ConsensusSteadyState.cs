using BenchmarkDotNet.Attributes;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Benchmarks;

/// <summary>
/// One 256-byte proposal through three replicas: appended, encoded, decoded, made durable at once, acknowledged, committed, announced.
/// The memory column must read 0 B (DESIGN section 3: the steady path never allocates).
/// </summary>
[MemoryDiagnoser]
public class ConsensusSteadyState
{
    private readonly NodeId[] ids = [new(1), new(2), new(3)];
    private readonly RaftNode[] nodes = new RaftNode[3];
    private readonly Effects[] effects = [new(), new(), new()];
    private readonly ByteBuffer frame = new(64 * 1024);
    private readonly byte[] payload = new byte[256];
    private Instant now = new(10_000_000);

    [Params(1, 64)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Elect()
    {
        var configuration = Configuration.OfVoters(ids);
        for (var i = 0; i < nodes.Length; i++)
        {
            var start = new RaftStart { Self = ids[i], Group = new GroupId(1), Configuration = configuration };
            nodes[i] = new RaftNode(new RaftOptions(), start, new SupportTable(1), new SeededRandom((ulong)i), now);
        }

        while (nodes[0].Role != RaftRole.Leader)
        {
            now += TimeSpan.FromMilliseconds(700);
            nodes[0].Tick(now);
            Settle();
        }
    }

    [Benchmark]
    public void Propose_replicate_commit()
    {
        for (var i = 0; i < Batch; i++) nodes[0].Propose(now, payload);
        Settle();
        if (nodes[0].Log.Last.Index - nodes[0].Log.Base.Index < 4096) return;
        foreach (var node in nodes) node.Compact(node.Commit);
    }

    private void Settle()
    {
        for (var busy = true; busy;)
        {
            busy = false;
            for (var i = 0; i < nodes.Length; i++) busy |= Turn(i);
        }
    }

    private bool Turn(int i)
    {
        var said = effects[i];
        said.Clear();
        nodes[i].Flush(now, said);
        var busy = said.Persist is not null;
        if (said.Persist is { } persist) nodes[i].OnDurable(now, persist.Token);
        foreach (var (to, message) in said.RequestVotes.Items) Node(to).Step(now, ids[i], message);
        foreach (var (to, message) in said.VoteReplies.Items) Node(to).Step(now, ids[i], message);
        foreach (var (to, message) in said.AppendReplies.Items) Node(to).Step(now, ids[i], message);
        foreach (var (to, message) in said.Appends.Items)
        {
            frame.Clear();
            EntryBatch.Encode(new SpanWriter(frame), nodes[i].Log, message.First, message.Count, message.StripPayload);
            var reader = new SpanReader(frame.Written);
            EntryBatch.TryDecode(ref reader, out var batch);
            Node(to).Step(now, ids[i], message.Header, batch);
        }

        return busy || said.RequestVotes.Count + said.VoteReplies.Count + said.AppendReplies.Count + said.Appends.Count > 0;
    }

    private RaftNode Node(NodeId id) => nodes[(int)id.Value - 1];
}
